// Regression tests: files that were once read wrongly, rejected, or read far too slowly.

import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { attributeNames } from "../../src/formats/attribute-names.ts";
import { FloatList } from "../../src/formats/bytes/float-list.ts";
import { loadCsv } from "../../src/formats/clouds/csv.ts";
import { addCsvColumns } from "../../src/formats/clouds/csv-add.ts";
import { loadObj } from "../../src/formats/clouds/obj.ts";
import { loadPly } from "../../src/formats/clouds/ply.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { loadSafetensors } from "../../src/formats/safetensors/safetensors.ts";
import { loadVtk } from "../../src/formats/vtk/vtk.ts";
import { concat, numbers, text } from "./corruption.ts";

const encode = (words: string) => new TextEncoder().encode(words);
const points = Float32Array.of(1, 2, 3, 4, 5, 6);
/** As Python's csv module writes a table whose cells hold separators, quotes and line breaks. */
const pythonTable =
  'x,"velocity\n(m/s)","note, long",y,z\r\n1,9,"a ""5"""" pipe""",2,3\r\n4,8,"first\n\n# no comment\nlast,",5,6\r\n';

describe("line ends, marks and comments", () => {
  it.each([
    ["obj with a byte order mark", loadObj(encode("\ufeffv 1 2 3\nv 4 5 6\n"))],
    ["obj with CR", loadObj(encode("v 1 2 3\rv 4 5 6\r"))],
    ["obj with lines that go on", loadObj(encode("f 1 \\\n 2 \\\nv 3\nv 1 \\\n2 3\nv 4 5 6\n"))],
    ["csv with CR", loadCsv(encode("x,y,z\r1,2,3\r4,5,6\r"))],
    ["csv with quoted cells over several lines", loadCsv(encode(pythonTable))],
    ["csv with quotes within cells", loadCsv(text("x,y,z,size", '1,2,3,5"', '4,5,6, 6" or "7"'))],
    ["csv with an empty cell between tabs", loadCsv(text("x\ty\tz\t\tp", '1\t2\t3\t\t"a"', "4\t5\t6\t\tb"))],
    ["csv with names in a comment", loadCsv(text("# made by hand", "# z,y,x", "3,2,1", "6,5,4"))],
    ["csv with names in COMSOL's comments", loadCsv(text("% Dimension,3", "% z,y,x", "3,2,1", "6,5,4"))],
    ["csv with STAR-CCM+'s names", loadCsv(text('"P (Pa)","X (m)","Y (m)","Z (m)"', "9,1,2,3", "9,4,5,6"))],
    [
      "csv with Fluent's names",
      loadCsv(text("n, x-coordinate, y-coordinate, z-coordinate", "1, 1, 2, 3", "2, 4, 5, 6")),
    ],
    ["csv with ParaView's points beside data x", loadCsv(text("x,Points:0,Points:1,Points:2", "9,1,2,3", "9,4,5,6"))],
    ["csv of R's write.table without row names", loadCsv(text('"x" "y" "p of x" "z"', "1 2 9 3", '4 5 "9" 6'))],
    ["csv with names in a comment, by spaces", loadCsv(text("# z y x", "3 2 1", "6 5 4"))],
    ["csv with a comment of other words", loadCsv(text("# z, p, x", "1,2,3", "4,5,6"))],
    [
      "binary ply with CR",
      loadPly(
        concat(
          ["ply", "format binary_little_endian 1.0", "element vertex 2", "property float x", "property float y"].join(
            "\r",
          ),
          "\rproperty float z\rend_header\r",
          numbers("Float32", [...points]),
        ),
      ),
    ],
  ])("%s", (_, cloud) => {
    expect(cloud).toEqual({ positions: points, dimensionality: 3 });
  });

  it.each([
    ["pandas' index has no name", ",x,y,z,p\n0,1,2,3,4\n", ["p"]],
    ["data may be called x where the points are not", "x,Points:0,Points:1\n4,1,2\n", ["x"]],
    ["coordinates of which one is a capital", "x,y,Z,T\n1,2,3,4\n", ["T"]],
    ["coordinates with names of several kinds", "pos_x,pos_y,z,T\n1,2,3,4\n", ["T"]],
    ["data may be called x and y beside points with three", "x,y,Points:0,Points:1,Points:2\n4,5,1,2,3\n", ["x", "y"]],
    ["data may differ from the points' names by capitals", "x,y,X,Y\n1,2,3,4\n", ["X", "Y"]],
    ["ParaView's points are no attributes", '"p","Points:0","Points:1","Points:2"\n4,1,2,3\n', ["p"]],
    ["each line ends with a comma", "x,y,z,p,\n1,2,3,4,\n", ["p"]],
    ["pandas' index beside a name in quotes", ',x,y,z,"p, Pa"\n0,1,2,3,4\n', ["p, Pa"]],
    ["a name that holds another separator", 'x,y,z,"p; in Pa"\n1,2,3,4\n', ["p; in Pa"]],
    // The last byte of "à" is that of a space without a break in other encodings.
    ["names that end with à", "x,y,z,velocità\n1,2,3,4\n", ["velocità"]],
  ])("csv: %s", (_, table, names) => {
    expect(attributeNames(encode(table), "a.csv")).toEqual(names);
    expect(attributeNames(encode(table.replaceAll("\n", "\r\n")), "csv")).toEqual(names);
  });

  it.each([
    ["two columns of one name", encode("x,y,z,p,p\n1,2,3,4,5\n"), /several columns named "p": rename all but one/],
    [
      "two columns x",
      text("x,y,z,x", "1,2,3,4"),
      /several columns for one coordinate, "x" and "x": rename all but one/,
    ],
    [
      "R's row names",
      text('"x" "y" "p"', '"1" 0.5 1 2'),
      /expected 3 values, found 4: .* name all columns \(R: row.names/,
    ],
    ["R's missing numbers", text("x,y,z,p", "1,2,3,NA"), /"NA" is not a number, one of "p" is missing: fill the gap/],
    ["pandas' truth", text("x,y,z,p", "1,2,3,True"), /"True" is not a number; expected 1 or 0 \(pandas: astype/],
    [
      "decimal commas between tabs",
      encode("x\ty\tz\tp\n1,5\t2\t3\t4\n"),
      /"1,5" is not a number; expected a point before the decimals \(pandas: read_csv\(IN, sep="\\t", dec/,
    ],
    [
      "points and commas before decimals",
      encode("x;y;z;p\n1,5;2;3;4\n1,5;1.234;3;4\n"),
      /row 3, column 2: "1.234": points and commas before decimals are mixed/,
    ],
    [
      "points before thousands",
      encode("x;y;z;p\n1.234,5;2;3;4\n"),
      /"1.234,5" is not a number; expected no separators of thousands\.$/,
    ],
    [
      "a spreadsheet",
      concat("PK", Uint8Array.of(3, 4), "x,y"),
      /byte 2 is not text; expected a table of text in UTF-8/,
    ],
    ["text of four bytes a character", concat(Uint8Array.of(0xff, 0xfe, 0, 0), "x\0\0\0,\0\0\0"), /byte 3 is not text/],
  ])("csv with %s is refused", (_, table, message) => {
    expect(() => loadCsv(table, { attributes: ["p"] })).toThrow(message);
  });

  it("meshio writes int64 into .ply", () => {
    const head = "ply\nformat ascii 1.0\nelement vertex 2\nproperty double x\nproperty double y\nproperty double z\n";
    const cloud = loadPly(encode(`${head}property int64 i\nend_header\n1 2 3 7\n4 5 6 -8\n`), { attributes: ["i"] });
    expect(cloud).toMatchObject({ positions: points, attributes: new Map([["i", { data: Float32Array.of(7, -8) }]]) });
  });

  // As VTK 9.2's vtkStructuredPointsWriter and vtkRectilinearGridWriter write them.
  it("vtk's legacy images and rectilinear grids have points that are not listed", () => {
    const image = `DATASET STRUCTURED_POINTS\nDIMENSIONS 2 1 3\nSPACING 0.5 1 2\nORIGIN 1 -2 3\nPOINT_DATA 6\nSCALARS p double\n`;
    const head = (encoding: string) => `# vtk DataFile Version 5.1\nvtk output\n${encoding}\n`;
    const read = (bytes: Uint8Array) => loadVtk(bytes, { attributes: ["p"] });
    const p = { data: Float32Array.of(0, 1, 2, 3, 4, 5), channels: 1 };
    expect(read(encode(`${head("ASCII")}${image}LOOKUP_TABLE default\n0 1 2 3 4 5 \n`))).toMatchObject({
      positions: Float32Array.of(1, -2, 3, 1.5, -2, 3, 1, -2, 5, 1.5, -2, 5, 1, -2, 7, 1.5, -2, 7),
      dimensions: [2, 1, 3],
      attributes: new Map([["p", p]]),
    });
    const axis = (name: string, ...values: number[]) =>
      concat(`${name}_COORDINATES ${values.length} double\n`, numbers("Float64", values, false), "\n");
    const rectilinear = (...z: number[]) =>
      concat(
        `${head("BINARY")}DATASET RECTILINEAR_GRID\nDIMENSIONS 2 3 1\n`,
        ...[axis("X", 0, 1), axis("Y", 0, 1, 3), axis("Z", ...z)],
        "POINT_DATA 6\nFIELD FieldData 1\np 1 6 double\n",
        ...[numbers("Float64", [...p.data], false), "\n"],
      );
    expect(read(rectilinear(-1))).toMatchObject({
      positions: Float32Array.of(0, 0, -1, 1, 0, -1, 0, 1, -1, 1, 1, -1, 0, 3, -1, 1, 3, -1),
      attributes: new Map([["p", p]]),
    });
    // Those of a map are far from zero, as they may be where they are listed.
    expect(read(rectilinear(5812345.1)).exact?.[2]).toBe(5812345.1);
    const map = image.replace("ORIGIN 1 -2 3", "ORIGIN 512345.1 -2 3");
    const { exact } = read(encode(`${head("ASCII")}${map}LOOKUP_TABLE default\n0 1 2 3 4 5 \n`));
    expect([exact?.[0], exact?.[3]]).toEqual([512345.1, 512345.6]);
    expect(() => read(rectilinear(0, 1))).toThrow("Z_COORDINATES are 2, of 1 points.");
    expect(() => read(encode(`${head("ASCII")}${image.replace("2 1 3", "2 1 4")}`))).toThrow(/6 points, there are 8/);
    expect(() => read(encode(`${head("ASCII")}${image.replace("DIMENSIONS 2 1 3", "")}`))).toThrow("has no DIMENSIONS");
    const huge = encode(`${head("ASCII")}${image.replace("2 1 3", "900 900 70")}`);
    expect(() => read(huge)).toThrow(/unpacks to 1360800000, more than the limit expansion/);
  });

  it("what is true of the whole may stand before the data set of a .vtk", () => {
    const file = "FIELD FieldData 2\nTIME 1 1 double\n0.5\nMETADATA\nCOMPONENT_NAMES\nt\n\nCYCLE 1 1 int\n7\n";
    const head = `# vtk DataFile Version 5.1\nt\nASCII\n${file}DATASET POLYDATA\nPOINTS 2 float\n1 2 3 4 5 6\n`;
    expect(loadVtk(encode(head)).positions).toEqual(points);
  });

  it("bits are eight in a byte, of which the last may be a part, and no numbers", () => {
    const head = "# vtk DataFile Version 4.2\nt\nBINARY\nDATASET POLYDATA\nPOINTS 2 float\n";
    const fields = "\nPOINT_DATA 2\nFIELD FieldData 2\nghost 1 2 bit\n";
    const bits = Uint8Array.of(0xc0);
    const p = concat("\np 1 2 float\n", numbers("Float32", [7, 8], false), "\n");
    const file = concat(head, numbers("Float32", [...points], false), fields, bits, p);
    expect(loadVtk(file, { attributes: ["p"] }).attributes?.get("p")?.data).toEqual(Float32Array.of(7, 8));
    expect(() => loadVtk(file, { attributes: ["ghost"] })).toThrow("expected numbers, found an array of type bit");
  });

  it("vtkIdType is written as int", () => {
    const head = "# vtk DataFile Version 4.2\nt\nBINARY\nDATASET POLYDATA\nPOINTS 2 float\n";
    const data = "\nPOINT_DATA 2\nFIELD FieldData 1\nids 1 2 vtkIdType\n";
    const bytes = concat(head, numbers("Float32", [...points], false), data, numbers("Int32", [7, 8], false), "\n");
    expect(loadVtk(bytes, { attributes: ["ids"] }).attributes?.get("ids")?.data).toEqual(Float32Array.of(7, 8));
  });
});

describe("in time and memory that their size allows", () => {
  it("a line of digits", () => {
    expect(() => loadCsv(text("1,2,3", `4,5,${"1".repeat(600_000)}x`))).toThrow(FormatError);
    expect(() => loadObj(text(`v 1 2 ${"1".repeat(600_000)}x`))).toThrow(FormatError);
  });

  it("a comment of atoms with a long word, and with many properties", () => {
    const read = (comment: string) => readPointCloud(text("1", comment, "H 0 0 0"), "a.extxyz");
    // Tried at each of its letters, the word took ten minutes.
    expect(read(`Properties=species:S:1:pos:R:3 ${"a".repeat(900_000)}`).positions).toHaveLength(3);
    expect(() => read(`Properties=${"s:S:1:".repeat(150_000)}pos:R:3`)).toThrow(/expected 150003 values, found 4/);
  });

  it("a column's name with many spaces, and a row with many empty lines in a cell, to which columns are added", () => {
    const spaces = " ".repeat(900_000);
    expect(loadCsv(encode(`x (m),y [m],"a${spaces}b"\n1,2,3\n4,5,6\n`)).positions).toEqual(Float32Array.of(1, 2, 4, 5));
    const lines = "\n".repeat(900_000);
    const column = new Map([["p", { data: Float32Array.of(7), channels: 1 }]]);
    const longer = addCsvColumns(encode(`x,y,note\n1,2,"a${lines}b"\n`), column, "a.csv");
    expect(new TextDecoder().decode(longer)).toBe(`x,y,note,p\n1,2,"a${lines}b",7\n`);
  });

  it("a quoted cell of many lines", () => {
    const table = encode(`x,y,z,note\n1,2,3,"${"a line of it\n".repeat(700_000)}"\n4,5,6,""\n`);
    expect(loadCsv(table).positions).toEqual(points);
  });

  it("a ply header of many properties, and of many elements", () => {
    const many = Array.from({ length: 40_000 }, (_, i) => `property float p${i}`);
    const header = ["ply", "format ascii 1.0", "element vertex 0", "property float x", "property float y", ...many];
    expect(loadPly(text([...header, "end_header"].join("\n"))).positions).toHaveLength(0);
    const elements = Array.from({ length: 200_000 }, (_, i) => `element e${i} 0`);
    expect(loadPly(text([...header.slice(0, 5), ...elements, "end_header"].join("\n"))).positions).toHaveLength(0);
  });

  it("a safetensors header of escapes, and of nothing but objects", () => {
    const file = (header: string) => concat(BigUint64Array.of(BigInt(header.length)).buffer, header);
    const escapes = `{"${"\\n".repeat(5_000_000)}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`;
    expect(loadSafetensors(file(escapes)).tensors.size).toBe(1);
    const objects = file(`{"a":[${"{},".repeat(1_000_000)}{}]}`);
    expect(() => loadSafetensors(objects)).toThrow(FormatError);
    expect(() => loadSafetensors(objects)).toThrow(/^.{0,300}$/);
  });

  it("a list of numbers grows over its parts", () => {
    const list = new FloatList();
    for (let i = 0; i < 200_000; i++) list.push(i);
    expect(list.toArray()).toEqual(Float32Array.from({ length: 200_000 }, (_, i) => i));
  });
});
