// Tables, and the choice of a reader by a file's extension.
import { readFileSync } from "node:fs";
import { gzipSync, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { loadCsv } from "../../src/formats/clouds/csv.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { saveSafetensors } from "../../src/formats/safetensors/safetensors.ts";
import { text } from "./corruption.ts";

const three = Float32Array.of(1, 2, 3, 4, 5, 6);

describe("csv", () => {
  it.each([
    ["commas", text("1,2,3", "4, 5 ,6")],
    ["semicolons", text("1;2;3", "4;5;6")],
    ["tabs", text("1\t2\t3", "4\t5\t6")],
    ["spaces", text("  1 2  3", "4 5 6", "")],
    ["a header", text("x,y,z", "1,2,3", "4,5,6")],
    ["a quoted header in another order among other columns", text('"Z","p","X","Y"', "3,high,1,2", "6,low,4,5")],
    ["ParaView's names", text('"Points:0","Points:1","Points:2"', "1,2,3", "4,5,6")],
    ["comments and blank lines", text("# made by hand", "", "1,2,3", "# half way", "4,5,6")],
    ["a byte order mark and CR LF", new TextEncoder().encode("\ufeffx,y,z\r\n1,2,3\r\n4,5,6\r\n")],
  ])("reads %s", (_, bytes) => {
    expect(loadCsv(bytes)).toEqual({ positions: three, dimensionality: 3 });
  });

  it("gives two dimensions for two columns", () => {
    expect(loadCsv(text("1e-1 -2", "+3 .5"))).toEqual({
      positions: Float32Array.of(0.1, -2, 3, 0.5),
      dimensionality: 2,
    });
  });

  it.each([
    ["a word", text("x,y", "1,2", "3,four"), /row 3, column 2: "four" is not a number/],
    ["a missing value", text("1,2,3", "4,5"), /row 2: expected 3 values, found 2/],
    ["an empty value", text("1,2,3", "4,,6"), /row 2, column 2: ""/],
    ["a row after one of two lines", text("x,y,a", '1,2,"b', 'c"', "3,4"), /row 4: expected 3 values, found 2/],
    ["quotes without an end", text("x,y,a", '1,2,"b', "3,4,c"), /row 2: a quoted cell has no end/],
    ["a value beyond float32", text("1,2,3", "4,1e39,6"), /row 2, column 2/],
    ["unnamed columns", text("1,2,3,4"), /found 4 columns without names/],
    ["other names", text("east,north", "1,2"), /found the columns "east", "north"/],
    ["nothing", text(""), /no rows/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadCsv(bytes)).toThrow(message);
    expect(() => loadCsv(bytes)).toThrow(FormatError);
  });
});

describe("readPointCloud", () => {
  it.each(["ply", "csv", "obj", "vtu", "stl", "npy"])("says that a .%s file is empty, or compressed", (format) => {
    const read = (bytes: Uint8Array) => () => readPointCloud(bytes, `a.${format}`);
    const table = text("x,y,z", "1,2,3");
    expect(read(new Uint8Array())).toThrow(`a.${format}: is empty.`);
    expect(read(gzipSync(table))).toThrow(`a.${format}: is compressed by gzip: unpack it first.`);
    expect(read(zipSync({ a: table }))).toThrow(`a.${format}: is compressed by ZIP: unpack it first.`);
  });

  const npy = (shape: string, data: Float32Array) => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
    const file = new Uint8Array(128 + data.byteLength);
    file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, 118, 0, ...new TextEncoder().encode(`${header}\n`)]);
    file.set(new Uint8Array(data.buffer), 128);
    return file;
  };

  const pcd = (...rows: string[]) =>
    text(
      ...["# by hand", "VERSION .7", "FIELDS x y z _ rgb", "SIZE 4 4 4 1 4", "TYPE F F F U F", "WIDTH 2", "HEIGHT 1"],
      ...["DATA ascii", ...rows],
    );

  it.each([
    ["a.npy", npy("(2, 3)", three)],
    ["a.npz", zipSync({ "anything.npy": npy("(2, 3)", three) })],
    ["b.npz", zipSync({ "pos.npy": npy("(2, 3)", three), "mass.npy": npy("(2,)", Float32Array.of(1, 2)) })],
    ["a.safetensors", saveSafetensors({ node_positions: { shape: [2, 3], data: three } })],
    ["a.OBJ", text("v 1 2 3", "v 4 5 6")],
    ["folder.v2/a.csv", text("1 2 3", "4 5 6")],
    // As hundreds of ModelNet's files begin.
    ["a.off", text("OFF2 1 0", "1 2 3", "4 5 6", "3 0 1 0")],
    ["b.off", text("OFF", "# a comment", "2 0 0", "1 2 3 # here, too", "", "4 5 6 0.5")],
    ["a.tsv", text("x\ty\tz\tname", "1\t2\t3\tone", "4\t5\t6\ttwo")],
    ["a.XYZ", text("1 2 3", "4 5 6")],
    ["a.pts", text("2", "1 2 3 0 16", "4 5 6 0 16")],
    // As CloudCompare 2.11 writes it.
    ["a.asc", text("//X Y Z R", "2", "1 2 3 0", "4 5 6 0")],
  ])("reads %s", (name, bytes) => {
    expect(readPointCloud(bytes, name)).toEqual({ positions: three, dimensionality: 3 });
  });

  it("reads a colour of a .pcd of text from the bits of its number, which are those of 1", () => {
    const attributes = ["red", "green", "blue"];
    const found = readPointCloud(pcd("1 2 3 0 1", "4 5 6 0 1"), "a.pcd", { attributes }).attributes;
    expect(attributes.map((name) => found?.get(name)?.data[1])).toEqual([0x80, 0, 0]);
  });

  it("reads the vertices that Open3D wrote with normals and colours into an .off file", () => {
    const { positions } = readPointCloud(readFileSync(new URL("foreign/open3d.off", import.meta.url)), "open3d.off");
    const third = Math.fround(-0.333333);
    const expected = [0.942809, 0, third, -0.471405, 0.816497, third, -0.471405, -0.816497, third, 0, 0, 1];
    expect(positions).toEqual(Float32Array.from(expected));
  });

  it.each([
    ["a.xyzw", text(""), /"xyzw"; known are \.safetensors, \.npy/],
    ["noextension", text(""), /cannot tell the format/],
    [
      "scan.e57",
      text("ASTM-E57"),
      /scan\.e57: is a point cloud of another format: convert .*; known are \.safetensors/,
    ],
    [
      "a.pcd",
      pcd("1 2 3 0 0", "nan nan nan 0 0"),
      /a\.pcd: point 1: its x is not a finite number: leave out such points/,
    ],
    ["a.pcd", pcd("1 2 3 0 0"), /truncated: the header promises 2 points, found (1 points|\d+ bytes of text)/],
    ["a.pcd", pcd("1.5 2 3 0 0", "1.5 2 3 0"), /a\.pcd: line 10: expected 5 values, found 4/],
    ["scan.txt", text("1 2 3"), /scan\.txt: is text: if it is a table, save it as \.csv/],
    ["a.csv", text("1,2,3,4"), /found 4 columns without names: name them in a first line, such as x,y,z,red/],
    ["a.off", text("OFF", "2 0 0", "1.25 2 3 # long enough"), /a\.off: truncated: it should hold 2 vertices, found 1/],
    ["a.off", text("OFF BINARY", "2 0 0"), /is OFF BINARY: save it as text/],
    ["a.pts", text("3", "1 2 3", "4 5 6"), /a\.pts: its first line promises 3 points, it holds 2/],
    ["scan.csv.gz", text(""), /scan\.csv\.gz: is compressed: unpack it first; known are/],
    ["a.npy", npy("(3, 4)", new Float32Array(12)), /found \[3,4\]: transpose it, since MATLAB/],
    ["a.npy", npy("(6,)", three), /expected positions of shape .* found \[6\]/],
    ["a.npz", zipSync({ "a.npy": npy("(6,)", three), "b.npy": npy("(6,)", three) }), /but a, b/],
    ["a.csv", text("x,y,z"), /a\.csv: holds no points/],
  ])("refuses %s", (name, bytes, message) => {
    expect(() => readPointCloud(bytes, name)).toThrow(message);
    expect(() => readPointCloud(bytes, name)).toThrow(FormatError);
  });
});
