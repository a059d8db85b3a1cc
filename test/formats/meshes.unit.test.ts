// PLY, OBJ and VTK's legacy files: their variants, and files that are cut, damaged or hostile.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { loadObj } from "../../src/formats/clouds/obj.ts";
import { loadPly } from "../../src/formats/clouds/ply.ts";
import { loadVtk } from "../../src/formats/vtk/vtk.ts";
import { concat, flips, mustRefuse, numbers, readOrRefuse, text, truncations } from "./corruption.ts";

const corners = [0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0.5];
const positions = Float32Array.from(corners);
const rows = (values: readonly number[], width: number) =>
  Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width).join(" "));

function plyHeader(format: string): string {
  return [
    "ply",
    `format ${format} 1.0`,
    "comment a list before the vertices, and colours between the coordinates",
    "element strip 1",
    "property list uchar short ids",
    "element vertex 4",
    "property float x",
    "property uchar red",
    "property double y",
    "property float z",
    "element face 1",
    "property list uchar int vertex_indices",
    "end_header",
    "",
  ].join("\n");
}

function binaryPly(little: boolean): Uint8Array {
  const parts: (Uint8Array | string)[] = [plyHeader(little ? "binary_little_endian" : "binary_big_endian")];
  parts.push(Uint8Array.of(2), numbers("Int16", [300, -1], little));
  for (let i = 0; i < 12; i += 3) {
    const [x, y, z] = corners.slice(i, i + 3);
    parts.push(numbers("Float32", [x], little), Uint8Array.of(200), numbers("Float64", [y], little));
    parts.push(numbers("Float32", [z], little));
  }
  parts.push(Uint8Array.of(4), numbers("Int32", [0, 1, 2, 3], little));
  return concat(...parts);
}

const asciiPly = concat(
  plyHeader("ascii"),
  text("2 300 -1", ...rows(corners, 3).map((row) => row.replace(" ", " 200 ")), "4 0 1 2 3"),
);

describe("ply", () => {
  it.each([
    ["ascii", asciiPly],
    ["ascii with CR LF", new TextEncoder().encode(new TextDecoder().decode(asciiPly).replaceAll("\n", "\r\n"))],
    ["binary_little_endian", binaryPly(true)],
    ["binary_big_endian", binaryPly(false)],
  ])("reads %s, passing over lists and other properties", (_, bytes) => {
    expect(loadPly(bytes)).toEqual({ positions, dimensionality: 3 });
  });

  it("gives two dimensions where there is no z", () => {
    const header = [
      "ply",
      "format ascii 1.0",
      "element vertex 1",
      "property float y",
      "property float x",
      "end_header",
    ];
    expect(loadPly(text(...header, "2 1"))).toEqual({ positions: Float32Array.of(1, 2), dimensionality: 2 });
  });

  it("refuses every truncation of a binary file", () => {
    for (const bytes of truncations(binaryPly(true))) mustRefuse(loadPly, bytes);
  });

  it("survives every flipped byte", () => {
    for (const file of [asciiPly, binaryPly(false)]) {
      for (const bytes of flips(file)) {
        const cloud = readOrRefuse(loadPly, bytes);
        if (cloud) assert.equal(cloud.positions.length % cloud.dimensionality, 0);
      }
    }
  });

  const header = (...lines: string[]) => ["ply", "format ascii 1.0", ...lines, "end_header"];
  const vertices = (count: string) => [`element vertex ${count}`, "property float x", "property float y"];
  it.each([
    ["a count the file cannot hold", text(...header(...vertices("9007199254740991")), "1 2"), /truncated/],
    ["a count that is none", text(...header(...vertices("many"))), /line 3 of the header/],
    ["too few values", text(...header(...vertices("2")), "1 2.5555", "3"), /vertex 1 of 2: expected 2 values, found 1/],
    ["words for numbers", text(...header(...vertices("2")), "1 2", "3 four"), /vertex 1 of 2: its y/],
    ["more rows than said", text(...header(...vertices("1")), "1 2", "3 4"), /continues after/],
    ["no vertices", text(...header("element face 0")), /no element "vertex"/],
    ["vertices without y", text(...header("element vertex 1", "property float x"), "1"), /no properties x and y/],
    ["a property of no element", text(...header("property float x")), /expected an element/],
    ["an unknown type", text(...header("element vertex 1", "property constructor x"), "1"), /known type/],
    ["no end of the header", text("ply", "format ascii 1.0"), /no end/],
    ["no format", text("ply", "end_header"), /names no format/],
    [
      "an endless element of nothing",
      text(...header(...vertices("1"), "element nothing 999999999999"), "1 2", "3"),
      /continues after/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadPly(bytes)).toThrow(message);
    expect(() => loadPly(bytes)).toThrow(FormatError);
  });
});

describe("obj", () => {
  it("reads vertices among everything else", () => {
    const bytes = text(
      "# a quad",
      "o quad",
      ...rows(corners, 3).map((row) => `v  ${row} 1.0`),
      "vn 0 0 1",
      "f 1//1 2//1 3//1",
    );
    expect(loadObj(bytes)).toEqual({ positions, dimensionality: 3 });
  });

  it("gives back what was written", () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(float, float, float), { minLength: 1 }), (points) => {
        const bytes = text(...points.map((point) => `v ${point.map((value) => String(value)).join(" ")}`));
        // Text cannot distinguish -0 from 0.
        expect(loadObj(bytes).positions).toEqual(Float32Array.from(points.flat(), (value) => value + 0));
      }),
    );
  });

  it.each([
    ["a vertex of two numbers", text("v 0 0 0", "v 1 2"), /line 2, "v 1 2"/],
    ["a vertex of words", text("v 0 0 0x1"), /line 1/],
    ["a file without vertices", text("o nothing"), /no vertex/],
    ["a binary file", new Uint8Array(2_000_000).fill(7), /not text/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadObj(bytes)).toThrow(message);
    expect(() => loadObj(bytes)).toThrow(FormatError);
  });
});

function vtk(
  encoding: "ASCII" | "BINARY",
  dataset: string,
  ...sections: (string | [string, Uint8Array])[]
): Uint8Array {
  const parts: (Uint8Array | string)[] = [`# vtk DataFile Version 4.2\na title\n${encoding}\nDATASET ${dataset}\n`];
  for (const section of sections) {
    if (typeof section === "string") parts.push(section, "\n");
    else parts.push(`${section[0]}\n`, section[1], "\n");
  }
  return concat(...parts);
}

const quad = { offsets: Int32Array.of(0, 4), connectivity: Int32Array.of(0, 1, 2, 3) };
const asciiGrid = vtk(
  "ASCII",
  "UNSTRUCTURED_GRID",
  "FIELD FieldData 1\nTIME 1 1 double\nnan",
  `POINTS 4 float\n${corners.join(" ")}`,
  "METADATA\nINFORMATION 0\n",
  "CELLS 1 5\n4 0 1 2 3",
  "CELL_TYPES 1\n9",
  "POINT_DATA 4\nSCALARS p float\nLOOKUP_TABLE default\n1 2 3 4",
);
const binaryGrid = vtk(
  "BINARY",
  "UNSTRUCTURED_GRID",
  ["POINTS 4 double", numbers("Float64", corners, false)],
  ["CELLS 1 5", numbers("Int32", [4, 0, 1, 2, 3], false)],
  ["CELL_TYPES 1", numbers("Int32", [9], false)],
);

describe("vtk", () => {
  it.each([
    ["ASCII", asciiGrid],
    ["BINARY", binaryGrid],
  ])("reads points, cells and cell types of an unstructured grid, %s", (_, bytes) => {
    expect(loadVtk(bytes)).toEqual({
      dataset: "UNSTRUCTURED_GRID",
      positions,
      dimensionality: 3,
      cells: new Map([["CELLS", quad]]),
      cellTypes: Int32Array.of(9),
    });
  });

  it("reads polygonal data and structured grids", () => {
    const mesh = loadVtk(
      vtk("ASCII", "POLYDATA", `POINTS 4 double\n${corners.join("\n")}`, "POLYGONS 1 5\n4 0 1 2 3", "LINES 1 3\n2 0 1"),
    );
    expect(mesh.cells.get("POLYGONS")).toEqual(quad);
    expect(mesh.cells.get("LINES")?.connectivity).toEqual(Int32Array.of(0, 1));
    const grid = loadVtk(
      vtk("BINARY", "STRUCTURED_GRID", "DIMENSIONS 2 2 1", ["POINTS 4 float", numbers("Float32", corners, false)]),
    );
    expect(grid.positions).toEqual(positions);
    expect(grid.dimensions).toEqual([2, 2, 1]);
  });

  it("reads the cells of version 5: offsets and connectivity", () => {
    const fileWith = (offsets: string) => {
      const cells = `POLYGONS 2 4\nOFFSETS vtktypeint64\n${offsets}\nCONNECTIVITY vtktypeint64\n0 1 2 3`;
      const bytes = vtk("ASCII", "POLYDATA", `POINTS 4 float\n${corners.join(" ")}`, cells);
      return new TextEncoder().encode(new TextDecoder().decode(bytes).replace("4.2", "5.1"));
    };
    expect(loadVtk(fileWith("0 4")).cells.get("POLYGONS")).toEqual(quad);
    for (const offsets of ["1 4", "0 3"])
      expect(() => loadVtk(fileWith(offsets))).toThrow("POLYGONS: the offsets do not rise from 0 to 4");
  });

  it("refuses every truncation of a binary file's points and cells", () => {
    const end = concat(binaryGrid).length - 1;
    for (const bytes of truncations(binaryGrid.slice(0, end))) {
      // A file that is cut between sections is complete, with fewer sections.
      const file = readOrRefuse(loadVtk, bytes);
      if (file) assert.deepEqual(file.positions, positions);
    }
  });

  it("survives every flipped byte", () => {
    for (const file of [asciiGrid, binaryGrid]) {
      for (const bytes of flips(file)) {
        const result = readOrRefuse(loadVtk, bytes);
        const points = (result?.positions.length ?? 0) / 3;
        for (const { offsets, connectivity } of result?.cells.values() ?? []) {
          assert.equal(offsets.at(-1), connectivity.length);
          assert.ok(connectivity.every((point) => point >= 0 && point < points));
        }
      }
    }
  });

  const points = `POINTS 4 float\n${corners.join(" ")}`;
  it.each([
    ["another data set", vtk("ASCII", "TABLE"), /expected DATASET and one of/],
    ["another file", text("solid cube"), /does not begin/],
    ["no points", vtk("ASCII", "POLYDATA"), /no POINTS/],
    ["points beyond the file", vtk("ASCII", "POLYDATA", "POINTS 999999999999 float\n1 2 3"), /POINTS: truncated/],
    ["words for numbers", vtk("ASCII", "POLYDATA", "POINTS 1 float\n1 2 three"), /number 2 of 3 is "three"/],
    [
      "a number too few",
      vtk("ASCII", "POLYDATA", "POINTS 2 float\n1 2 3 4 5", "LINES 1 3\n2 0 1"),
      /number 5 of 6 is "LINES"/,
    ],
    ["cells of unknown points", vtk("ASCII", "POLYDATA", points, "LINES 1 3\n2 0 4"), /point 4 does not exist/],
    ["cells longer than their section", vtk("ASCII", "POLYDATA", points, "LINES 2 4\n3 0 1 2"), /cell 0 has 3 points/],
    [
      "cells shorter than their section",
      vtk("ASCII", "POLYDATA", points, "LINES 1 4\n2 0 1 2"),
      /take 3 numbers, expected 4/,
    ],
    ["dimensions that do not fit", vtk("ASCII", "STRUCTURED_GRID", "DIMENSIONS 2 2 2", points), /do not fit 4 points/],
    ["a section twice", vtk("ASCII", "POLYDATA", points, points), /POINTS occurs twice/],
    [
      "more cell types than cells",
      vtk("ASCII", "UNSTRUCTURED_GRID", points, "CELL_TYPES 1\n9"),
      /1 entries for 0 cells/,
    ],
    ["an unknown section", vtk("ASCII", "POLYDATA", points, "SPHERES 1"), /"SPHERES" is not a known section/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadVtk(bytes)).toThrow(message);
    expect(() => loadVtk(bytes)).toThrow(FormatError);
  });
});
