// VTK's XML files. Those that VTK and meshio wrote are in meshes/ (make.py), with VTK's own view of their contents (expected.json);
// files that are written here must be, byte for byte, those that meshes/check.py has had VTK and meshio read.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError, InputError } from "../../src/errors.ts";
import type { SafeTensor, SafeTensorInput } from "../../src/formats/bytes/elements.ts";
import { kinds, meshEdges } from "../../src/formats/clouds/cells.ts";
import { type Mesh, meshOf } from "../../src/formats/clouds/mesh.ts";
import { readPointCloud, writePointCloud } from "../../src/formats/pointcloud.ts";
import { loadPvd, savePvd } from "../../src/formats/vtk/pvd.ts";
import { loadVtkGrid, loadVtp, loadVtu } from "../../src/formats/vtk/vtu.ts";
import { addPointData, saveVtp, saveVtu } from "../../src/formats/vtk/vtu-write.ts";
import { flips, mustRefuse, readOrRefuse, text, truncations } from "./corruption.ts";

const foreign = (name: string) => readFileSync(new URL(`./meshes/${name}`, import.meta.url));
const expected = JSON.parse(foreign("expected.json").toString());
/** Returns values in the form of expected.json: integers as text, with all digits. */
const listed = ({ data, dtype }: SafeTensor) =>
  Array.from(data as Float64Array, (value) => (dtype.startsWith("F") ? value : String(value)));
const pairs = (edges: Int32Array) =>
  Array.from({ length: edges.length / 4 }, (_, i) => [edges[i], edges[edges.length / 2 + i]]);

const encodings = [
  "vtk-ascii.vtu",
  "vtk-inline.vtu",
  "vtk-inline-zlib.vtu",
  "vtk-inline-lz4.vtu",
  "vtk-appended-base64.vtu",
  "vtk-appended-base64-zlib.vtu",
  "vtk-appended-raw.vtu",
  "vtk-appended-raw-zlib.vtu",
];

/** Makes a file of two pieces, each of them the whole of the given one. */
function doubled(name: string): Uint8Array {
  const whole = foreign(name).toString();
  const end = whole.indexOf("</Piece>") + "</Piece>".length;
  return text(`${whole.slice(0, end)}\n${whole.slice(whole.indexOf("<Piece"))}`);
}

describe("files of VTK", () => {
  it.each(encodings)("%s", (name) => {
    const mesh = loadVtu(foreign(name), { file: name });
    expect(mesh.points.shape).toEqual([30, 3]);
    expect(listed(mesh.points)).toEqual(expected.points);
    expect([...mesh.cells.connectivity]).toEqual(expected.connectivity);
    expect([...mesh.cells.offsets]).toEqual(expected.offsets);
    expect([...mesh.cells.types]).toEqual(expected.types);
    expect(mesh.pointData.size).toBeGreaterThanOrEqual(4);
    for (const [kind, arrays] of [
      ["pointData", mesh.pointData],
      ["cellData", mesh.cellData],
    ] as const) {
      for (const [key, array] of arrays) {
        const { shape, values } = expected[kind][key];
        expect(array.shape, key).toEqual(shape[1] === 1 ? [shape[0]] : shape);
        expect(listed(array), key).toEqual(values);
      }
    }
    expect(mesh.cellData.size).toBe(2);
    expect([...mesh.fieldData].map(([key, { data }]) => [key, data[0]])).toEqual([["TimeValue", 0.25]]);
  });

  it("reads every type of elements to the last digit", () => {
    const types = [...loadVtu(foreign("vtk-ascii.vtu")).pointData.values()].map(({ dtype }) => dtype);
    expect(types).toEqual(["F64", "F32", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "F32"]);
  });

  it("reads just what is asked for", () => {
    const mesh = loadVtu(foreign("vtk-inline.vtu"), { only: ["of int16", "stress"] });
    expect([...mesh.pointData.keys(), ...mesh.cellData.keys(), ...mesh.fieldData.keys()]).toEqual([
      "of int16",
      "stress",
    ]);
  });

  it("joins pieces", () => {
    const mesh = loadVtu(doubled("vtk-ascii.vtu"));
    const twice = (values: readonly unknown[]) => [...values, ...values];
    expect(listed(mesh.points)).toEqual(twice(expected.points));
    expect(listed(mesh.pointData.get("of int64")!)).toEqual(twice(expected.pointData["of int64"].values));
    expect(listed(mesh.cellData.get("stress")!)).toEqual(twice(expected.cellData.stress.values));
    const { connectivity, offsets, types } = mesh.cells;
    const ends = expected.connectivity.length;
    expect([...connectivity]).toEqual([...expected.connectivity, ...expected.connectivity.map((i: number) => i + 30)]);
    expect([...offsets]).toEqual([...expected.offsets, ...expected.offsets.slice(1).map((i: number) => i + ends)]);
    expect([...types]).toEqual(twice(expected.types));
  });

  it("reads polygonal data", () => {
    const { cells, cellData, pointData } = loadVtp(foreign("vtk.vtp"));
    expect([...cells.types]).toEqual(expected.polygonTypes);
    const points = Array.from(cells.types, (_, i) => [
      ...cells.connectivity.slice(cells.offsets[i], cells.offsets[i + 1]),
    ]);
    expect(points).toEqual(expected.polygonPoints);
    expect(listed(cellData.get("number")!)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
    expect(listed(pointData.get("pressure")!)).toEqual(expected.pointData["of float32"].values);
    expect([...loadVtp(foreign("vtk-lines.vtp")).cells.types]).toEqual([3, 4]);
  });

  it("finds the edges that VTK finds", () => {
    expect(pairs(meshEdges(loadVtu(foreign("vtk-ascii.vtu")).cells, 30))).toEqual(expected.edges);
    expect(pairs(meshEdges(loadVtp(foreign("vtk.vtp")).cells, 30))).toEqual(expected.polygonEdges);
    const polyhedra = loadVtu(foreign("vtk-polyhedra.vtu")).cells;
    expect(pairs(meshEdges(polyhedra, 30))).toEqual(expected.polyhedraEdges);
    // VTK lists faces in another way since version 9.4.
    const later = loadVtu(foreign("vtk-9.7-polyhedra.vtu")).cells;
    expect(later.polyhedra).toEqual(polyhedra.polyhedra);
    expect(pairs(meshEdges(later, 30))).toEqual(expected.polyhedraEdges);
    const back = loadVtu(doubled("vtk-polyhedra.vtu")).cells;
    expect(pairs(meshEdges(back, 60))).toEqual([
      ...expected.polyhedraEdges,
      ...expected.polyhedraEdges.map((pair: number[]) => pair.map((i) => i + 30)),
    ]);
    const triangle = { offsets: Int32Array.of(0, 3), connectivity: Int32Array.of(2, 0, 1), types: Uint8Array.of(5) };
    expect(meshEdges(triangle, 3)).toEqual(Int32Array.of(0, 0, 1, 1, 2, 2, 1, 2, 2, 0, 0, 1));
    // A corner that is there twice is joined to the third alone, not to itself.
    const degenerate = { ...triangle, connectivity: Int32Array.of(1, 1, 2) };
    expect(meshEdges(degenerate, 3)).toEqual(Int32Array.of(1, 2, 2, 1));
    expect(() => meshEdges({ ...triangle, types: Uint8Array.of(70) }, 3)).toThrow(/type 70, whose sides are not known/);
    expect(() => meshEdges({ ...triangle, types: Uint8Array.of(10) }, 3)).toThrow(InputError);
  });

  it("lists the edges of a fan in order, of its tip too, where many triangles meet", () => {
    const corners = Array.from({ length: 60 }, (_, i) => [0, 61 - i, 60 - i]).filter(([, , last]) => last > 0);
    const offsets = Int32Array.from({ length: corners.length + 1 }, (_, i) => 3 * i);
    const fan = {
      offsets,
      connectivity: Int32Array.from(corners.flat()),
      types: new Uint8Array(corners.length).fill(5),
    };
    const spokes = Array.from({ length: 61 }, (_, i) => [0, i + 1]);
    const rim = Array.from({ length: 60 }, (_, i) => [i + 1, i + 2]);
    const edges = meshEdges(fan, 62);
    const count = edges.length / 4;
    expect(Array.from({ length: count }, (_, e) => [edges[e], edges[2 * count + e]])).toEqual([...spokes, ...rim]);
  });

  it("leaves out arrays of bits, as it does text", () => {
    // As VTK 9.2 writes a vtkBitArray.
    const bits = '<DataArray type="Bit" Name="bits" format="ascii" RangeMin="0" RangeMax="1">1 0</DataArray>';
    const p = '<DataArray type="Float64" Name="p" format="ascii">0.5 1.5</DataArray>';
    const points = '<DataArray type="Float32" NumberOfComponents="3" format="ascii">0 0 0 1 0 0</DataArray>';
    const piece = `<Piece NumberOfPoints="2"><PointData>${bits}${p}</PointData><Points>${points}</Points></Piece>`;
    const file = text(`<VTKFile type="PolyData"><PolyData>${piece}</PolyData></VTKFile>`);
    expect([...loadVtp(file).pointData.keys()]).toEqual(["p"]);
    expect(() => loadVtp(file, { only: ["bits"] })).toThrow('array "bits" is of "Bit", which is not a number.');
  });

  it("reads a file with empty pieces, which have no arrays, as without them", () => {
    const whole = foreign("vtk-ascii.vtu").toString();
    const empty = '<Piece NumberOfPoints="0" NumberOfCells="0"><PointData/><CellData/><Points/><Cells/></Piece>';
    const more = whole.replace("<Piece", `${empty}<Piece`).replace("</Piece>\n", `</Piece>${empty}\n`);
    expect(more.match(/<Piece/g)).toHaveLength(3);
    expect(loadVtu(text(more))).toEqual(loadVtu(text(whole)));
  });

  it("reads a file of nothing", () => {
    const mesh = loadVtu(foreign("vtk-empty.vtu"));
    expect([mesh.points.shape, mesh.cells.types.length]).toEqual([[0, 3], 0]);
  });

  it.each([
    ["vtk.pvtu", /parallel file; read its pieces: vtk_0\.vtu, vtk_1\.vtu\./],
    [
      "vtk-lzma.vtu",
      /packed by vtkLZMADataCompressor; only vtkZLibDataCompressor and vtkLZ4DataCompressor can be read/,
    ],
    ["meshio-lzma.vtu", /packed by vtkLZMADataCompressor/],
    ["vtk.vtp", /type "PolyData", expected UnstructuredGrid/],
  ])("%s is refused with what to do", (name, message) => {
    expect(() => loadVtu(foreign(name))).toThrow(message);
    expect(() => loadVtu(foreign(name))).toThrow(FormatError);
  });

  it("whose compression is not known get no arrays, which would be compressed otherwise than the file says", () => {
    expect(() => addPointData(foreign("vtk-lzma.vtu"), new Map())).toThrow(/packed by vtkLZMADataCompressor/);
  });
});

describe("grids of VTK", () => {
  const grids = JSON.parse(readFileSync(new URL("./grids/expected.json", import.meta.url)).toString());
  const read = (name: string) => readFileSync(new URL(`./grids/${name}`, import.meta.url));

  it.each(Object.keys(grids))("%s", (name) => {
    const { points, cells, types } = grids[name];
    const mesh = loadVtkGrid(read(name), { file: name });
    expect(Array.from(mesh.points.data, Number)).toEqual(points.flat());
    const { offsets, connectivity } = mesh.cells;
    expect(Array.from(types, (_, i) => [...connectivity.slice(offsets[i], offsets[i + 1])])).toEqual(cells);
    expect([...mesh.cells.types]).toEqual(types);
    expect(mesh.cellData.get("number")?.shape).toEqual([cells.length]);
    const velocity = Float32Array.from({ length: 2 * points.length }, (_, i) => i / 8);
    const cloud = readPointCloud(read(name), name, { attributes: ["velocity"] });
    expect(cloud.attributes?.get("velocity")).toEqual({ data: velocity, channels: 2 });
    expect(cloud.positions).toEqual(Float32Array.from(points.flat()));
    const out = { shape: [points.length], data: Float32Array.from(points, (_, i) => i) };
    expect(loadVtkGrid(addPointData(read(name), new Map([["out", out]]))).pointData.get("out")?.data).toEqual(out.data);
  });

  it("are refused where they are damaged, or in several pieces", () => {
    const image = (attributes: string, extent: string, more = "") =>
      text(
        `<VTKFile type="ImageData"><ImageData ${attributes}><Piece Extent="${extent}"/>${more}</ImageData></VTKFile>`,
      );
    expect(loadVtkGrid(image("", "0 -1 0 -1 0 -1")).points.shape).toEqual([0, 3]);
    for (const [bytes, message] of [
      [image("", "0 1 0 1"), /Extent is "0 1 0 1", expected 6 numbers/],
      [image("", "0 1 0 1 0 1.5"), /expected 6 numbers/],
      [image('Spacing="1 x 1"', "0 1 0 1 0 1"), /Spacing is "1 x 1", expected 3 numbers/],
      [image("", "0 1 0 1 0 1", '<Piece Extent="1 2 0 1 0 1"/>'), /has 2 pieces, expected one/],
      [image("", "0 99999 0 99999 0 0"), /more than the limit/],
      [
        text('<VTKFile type="PImageData"><PImageData><Piece Source="a.vti"/></PImageData></VTKFile>'),
        /its pieces: a\.vti/,
      ],
    ] as const) {
      expect(() => loadVtkGrid(bytes)).toThrow(message);
      expect(() => loadVtkGrid(bytes)).toThrow(FormatError);
    }
    for (const bytes of truncations(read("line.vti"))) readOrRefuse(loadVtkGrid, bytes);
    for (const bytes of flips(read("line.vti"))) readOrRefuse(loadVtkGrid, bytes);
  });
});

describe("files of meshio", () => {
  it.each(["meshio-ascii.vtu", "meshio-binary.vtu", "meshio-zlib.vtu"])("%s", (name) => {
    const { points, cells, pointData } = loadVtu(foreign(name));
    expect(points.dtype).toBe("F64");
    // Text has eleven digits.
    expect(points.data).toHaveLength(90);
    listed(points).forEach((value, i) => expect(value).toBeCloseTo(expected.points[i], 10));
    expect([...cells.types]).toEqual([5, 5, 10, 10]);
    expect([...cells.connectivity]).toEqual([0, 1, 2, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7]);
    const { values } = expected.pointData["of float64"];
    listed(pointData.get("pressure")!).forEach((value, i) => expect(value).toBeCloseTo(values[i], 10));
    expect(pointData.get("velocity")!.shape).toEqual([30, 2]);
  });
});

/** Makes a mesh with an array of each type. */
function example(): Mesh {
  const mesh = loadVtu(foreign("vtk-ascii.vtu"));
  mesh.pointData.set('Druck, p∞ & <"q">', mesh.pointData.get("of float32")!);
  return mesh;
}
const out: SafeTensorInput = { shape: [30, 2], data: Float32Array.from({ length: 60 }, (_, i) => (i ** 3 - 20.5) / 3) };
const label: SafeTensorInput = { shape: [30], data: Int32Array.from({ length: 30 }, (_, i) => i - 7) };
const added = new Map([
  ["out", out],
  ["label", label],
]);

describe("files for other programs", () => {
  it("written.vtu, and back", () => {
    const mesh = example();
    const bytes = saveVtu(mesh);
    expect(Buffer.from(foreign("written.vtu")).equals(bytes)).toBe(true);
    expect(loadVtu(bytes)).toEqual(mesh);
    const simple = saveVtu(loadVtu(foreign("meshio-zlib.vtu")));
    expect(Buffer.from(foreign("written-simple.vtu")).equals(simple)).toBe(true);
    const polyhedra = loadVtu(foreign("vtk-polyhedra.vtu"));
    expect(loadVtu(saveVtu(polyhedra))).toEqual(polyhedra);
  });

  it("written.vtp, and back, whatever the order of the cells", () => {
    const mesh = loadVtp(foreign("vtk.vtp"));
    const bytes = saveVtp(mesh);
    expect(Buffer.from(foreign("written.vtp")).equals(bytes)).toBe(true);
    expect(loadVtp(bytes)).toEqual(mesh);
    const [offsets, connectivity] = [Int32Array.of(0, 3, 4), Int32Array.of(0, 1, 2, 3)];
    const mixed = { offsets, connectivity, types: Uint8Array.of(kinds.triangle, kinds.vertex) };
    const number = { shape: [2], data: Int32Array.of(7, 8) };
    const sorted = loadVtp(saveVtp({ points: mesh.points, cells: mixed, cellData: new Map([["number", number]]) }));
    expect([...sorted.cells.connectivity]).toEqual([3, 0, 1, 2]);
    expect([...sorted.cellData.get("number")!.data]).toEqual([8, 7]);
    expect(() => saveVtp(example())).toThrow(/type 8 are not polygonal data/);
  });

  it("puts arrays into a file, and leaves all else as it is", () => {
    for (const name of [...encodings, "meshio-zlib.vtu", "meshio-ascii.vtu", "vtk-polyhedra.vtu"]) {
      const before = loadVtu(foreign(name));
      const bytes = addPointData(foreign(name), added);
      const after = loadVtu(bytes);
      expect(listed(after.pointData.get("out")!), name).toEqual([...out.data]);
      expect(listed(after.pointData.get("label")!), name).toEqual(Array.from(label.data, String));
      for (const key of added.keys()) after.pointData.delete(key);
      expect(after, name).toEqual(before);
      // A second call replaces the arrays.
      expect(loadVtu(addPointData(bytes, added)), name).toEqual(loadVtu(bytes));
    }
    const checked = ["vtk-appended-raw-zlib.vtu", "vtk-inline.vtu", "meshio-zlib.vtu", "written-simple.vtu"];
    for (const name of checked) {
      expect(Buffer.from(foreign(`written-${name}`)).equals(addPointData(foreign(name), added))).toBe(true);
    }
    const polygons = loadVtp(addPointData(foreign("vtk.vtp"), added));
    expect([...polygons.pointData.keys()]).toEqual(["pressure", "out", "label"]);
  });

  it("gives each piece its part", () => {
    const first = out.data as Float32Array;
    const second = first.map((value) => -value);
    const both = { shape: [60, 2], data: Float32Array.from([...first, ...second]) };
    const after = loadVtu(addPointData(doubled("vtk-ascii.vtu"), new Map([["out", both]])));
    expect(after.pointData.get("out")).toEqual({ ...both, dtype: "F32" });
  });

  it("leaves arrays out and moves points, of which what has two coordinates keeps the third", () => {
    for (const name of [...encodings, "meshio-zlib.vtu", "meshio-ascii.vtu"]) {
      const before = loadVtu(foreign(name));
      const [first, ...others] = before.pointData.keys();
      const [three, two] = [3, 2].map((dimensionality) => {
        const data = Float64Array.from({ length: 30 * dimensionality }, (_, i) => i / 8);
        const bytes = addPointData(foreign(name), added, { without: [first], points: { data, dimensionality } });
        const { points, cells, cellData, pointData } = loadVtu(bytes);
        expect([...pointData.keys()], name).toEqual([...others, "out", "label"]);
        expect([cells, cellData], name).toEqual([before.cells, before.cellData]);
        expect(points.dtype, name).toBe(before.points.dtype);
        return listed(points);
      });
      expect(three, name).toEqual(Array.from({ length: 90 }, (_, i) => i / 8));
      const third = (i: number) => listed(before.points)[i];
      expect(two, name).toEqual(
        Array.from({ length: 90 }, (_, i) => (i % 3 < 2 ? (2 * Math.floor(i / 3) + (i % 3)) / 8 : third(i))),
      );
    }
    const data = Float64Array.from({ length: 180 }, (_, i) => i);
    const moved = loadVtu(addPointData(doubled("vtk-ascii.vtu"), new Map(), { points: { data, dimensionality: 3 } }));
    expect(listed(moved.points)).toEqual([...data]);
    // The order of a file's parts may be another.
    const piece = '<Points><DataArray type="Int32" NumberOfComponents="3">1 2 3</DataArray></Points><PointData/>';
    const turned = `<VTKFile type="UnstructuredGrid"><UnstructuredGrid><Piece NumberOfPoints="1" NumberOfCells="0">${piece}</Piece></UnstructuredGrid></VTKFile>`;
    const one = new Map([["p", { shape: [1], data: Float32Array.of(5) }]]);
    const points = { data: [0.5, 1.5], dimensionality: 2 };
    const found = loadVtu(addPointData(new TextEncoder().encode(turned), one, { points }));
    expect([listed(found.points), listed(found.pointData.get("p")!)]).toEqual([[0.5, 1.5, 3], [5]]);
  });

  it("finds a place where there is none", () => {
    const grid = (piece: string) =>
      text('<VTKFile type="UnstructuredGrid"><UnstructuredGrid>', piece, "</UnstructuredGrid></VTKFile>");
    const points = '<Points><DataArray type="Float32" NumberOfComponents="3">1 2 3</DataArray></Points>';
    for (const place of ["", "<PointData/>", "<PointData></PointData>", '<PointData Scalars="p" />']) {
      const bytes = grid(`<Piece NumberOfPoints="1" NumberOfCells="0">${place}${points}</Piece>`);
      const one = new Map([["p", { shape: [1], data: Float32Array.of(5) }]]);
      expect(loadVtu(addPointData(bytes, one)).pointData.get("p")?.data).toEqual(Float32Array.of(5));
    }
  });

  it("refuses arrays that do not fit", () => {
    const short = new Map([["p", { shape: [29], data: new Float32Array(29) }]]);
    expect(() => addPointData(foreign("vtk-inline.vtu"), short)).toThrow(/shape \[29\], the file has 30 points/);
    expect(() => saveVtu({ points: { shape: [2, 2], data: new Float32Array(4) } })).toThrow(InputError);
    expect(() => saveVtu({ points: { shape: [30, 3], data: new Float32Array(90) }, pointData: short })).toThrow(/29/);
    const cells = { offsets: Int32Array.of(0, 1), connectivity: Int32Array.of(5), types: Uint8Array.of(1) };
    expect(() => saveVtu({ points: { shape: [1, 3], data: new Float32Array(3) }, cells })).toThrow(/the point 5/);
  });

  it.each(["vtu", "vtp"])("points and attributes as .%s, and back", (format) => {
    const positions = Float32Array.of(1, 2, 3, 4, 5, 6);
    const attributes = new Map([["out", { data: Float32Array.of(1, 2, 3, 4), channels: 2 }]]);
    const bytes = writePointCloud({ positions, dimensionality: 3, attributes }, `a.${format}`);
    expect(readPointCloud(bytes, `a.${format}`, { attributes: ["out"] })).toEqual({
      positions,
      dimensionality: 3,
      attributes,
    });
    expect(() => readPointCloud(bytes, `a.${format}`, { attributes: ["q"] })).toThrow(
      `a.${format}: has no attribute "q"; there are "out".`,
    );
    const plane = meshOf({ positions: Float32Array.of(1, 2), dimensionality: 2 });
    expect([...plane.points.data]).toEqual([1, 2, 0]);
  });
});

describe("hostile files", () => {
  const mesh = (body: string, attributes = "") =>
    text(`<VTKFile type="UnstructuredGrid" ${attributes}><UnstructuredGrid>`, body, "</UnstructuredGrid></VTKFile>");
  const pointsOf = (count: string, array: string) =>
    `<Piece NumberOfPoints="${count}" NumberOfCells="0"><Points>${array}</Points></Piece>`;
  const ascii = (numbers: string) => `<DataArray type="Float32" NumberOfComponents="3">${numbers}</DataArray>`;
  const withData = (array: string) =>
    `${pointsOf("1", ascii("1 2 3")).slice(0, -8)}<PointData><DataArray type="Float32" ${array}</DataArray></PointData></Piece>`;
  const bomb = Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i + 1} "&e${i};&e${i};&e${i};&e${i};">`);
  const packed = (header: readonly number[]) =>
    '<DataArray type="Float32" NumberOfComponents="3" format="binary">' +
    `${Buffer.from(Uint32Array.from(header).buffer).toString("base64")}</DataArray>`;
  const zlib = 'compressor="vtkZLibDataCompressor"';

  it.each([
    [
      "a document type",
      text('<?xml version="1.0"?>', "<!DOCTYPE VTKFile [", ...bomb, "]>", "<VTKFile/>"),
      /document type/,
    ],
    ["an outer entity", text('<!DOCTYPE a SYSTEM "file:///etc/passwd">', "<VTKFile/>"), /document type/],
    ["an unknown entity", mesh("&e20;"), /not XML/],
    ["elements without end", text("<a>".repeat(100_000)), /begins with <a>/],
    ["nested elements", mesh("<a>".repeat(100_000)), /more than 32 nested elements/],
    ["another file", text("solid cube"), /not XML/],
    ["another root", text("<html></html>"), /begins with <html>/],
    // As VTK 9.2 writes them by SetNumberOfTimeSteps: the pieces of all times follow each other.
    [
      "several times",
      text(
        '<VTKFile type="UnstructuredGrid"><UnstructuredGrid  TimeValues="',
        "0   ",
        "0.5   ",
        '">',
        "</UnstructuredGrid></VTKFile>",
      ),
      /holds 2 time steps: save each as a file of its own/,
    ],
    ["another data set", text('<VTKFile type="ImageData"></VTKFile>'), /type "ImageData", expected/],
    ["a count beyond the file", mesh(pointsOf("9999999", ascii("1 2 3"))), /more than the limit expansion/],
    ["a count beyond the text", mesh(pointsOf("2000", ascii("1 2 3"))), /cut short: 6000 numbers/],
    ["a count that is none", mesh(pointsOf("1e3", ascii("1 2 3"))), /NumberOfPoints is "1e3"/],
    ["words for numbers", mesh(pointsOf("1", ascii("1 2 three"))), /number 2 of 3 is "three"/],
    ["numbers too many", mesh(pointsOf("1", ascii("1 2 3 4"))), /holds more than 3 numbers/],
    [
      "an integer too large",
      mesh(pointsOf("1", ascii("1 2 300").replace("Float32", "UInt8"))),
      /number 2 of 3 is "300"/,
    ],
    ["points in the plane", mesh(pointsOf("1", ascii("1 2").replace('"3"', '"2"'))), /2 components, expected 3/],
    ["no base64", mesh(pointsOf("1", packed([]).replace("><", ">*?*?*?*?<"))), /holds no base64/],
    ["blocks beyond the file", mesh(pointsOf("1", packed([2 ** 31, 8, 8, 4])), zlib), /is cut short/],
    [
      "blocks that claim too much",
      mesh(pointsOf("9999", packed([1, 9999 * 12, 0, 4, 0])), zlib),
      /claims 119988 bytes/,
    ],
    [
      "blocks that are damaged",
      mesh(pointsOf("1", packed([1, 12, 0, 4, 7])), zlib),
      /cannot be decompressed: block 0 of 1/,
    ],
    ["appended data that is cut", text('<VTKFile type="UnstructuredGrid"><AppendedData>_abc'), /is cut short/],
    [
      "an appended array that ends with the file",
      text(
        `<VTKFile type="UnstructuredGrid"><UnstructuredGrid>${pointsOf("1", '<DataArray type="Float32" NumberOfComponents="3" format="appended" offset="0"/>')}`,
        `</UnstructuredGrid><AppendedData encoding="raw">_\x0c\0\0\0${"\0".repeat(8)}</AppendedData></VTKFile>`,
      ),
      /array "" is cut short: 12 bytes, of which at most 8 are there/,
    ],
    [
      "pieces of other components",
      mesh(withData('Name="p">0') + withData('Name="p" NumberOfComponents="2">0 0')),
      /array "p" is not of the same type in all pieces/,
    ],
    ["an unknown byte order", mesh("", 'byte_order="Middle"'), /byte_order is "Middle"/],
    ["two arrays for one", mesh(pointsOf("1", ascii("1 <a/> 2 3"))), /in two places/],
  ])("%s: refused", (_, bytes, message) => {
    expect(() => loadVtu(bytes)).toThrow(message);
    expect(() => loadVtu(bytes)).toThrow(FormatError);
  });

  it("refuses cells of unknown points, and offsets that fall", () => {
    const whole = foreign("vtk-polyhedra.vtu").toString();
    expect(() => loadVtu(text(whole.replace('NumberOfPoints="30"', 'NumberOfPoints="29"')))).toThrow(FormatError);
    const polyhedra = (members: string, last = 2) =>
      mesh(
        `<Piece NumberOfPoints="3" NumberOfCells="1"><Points>${ascii("0 0 0 1 0 0 0 1 0")}</Points><Cells>
        <DataArray type="Int64" Name="connectivity">0 1 2</DataArray>
        <DataArray type="Int64" Name="offsets">3</DataArray>
        <DataArray type="UInt8" Name="types">42</DataArray>
        <DataArray type="Int64" Name="face_connectivity">0 1 ${last}</DataArray>
        <DataArray type="Int64" Name="face_offsets">3</DataArray>
        <DataArray type="Int64" Name="polyhedron_to_faces">${members}</DataArray>
        <DataArray type="Int64" Name="polyhedron_offsets">1</DataArray></Cells></Piece>`,
      );
    expect(loadVtu(polyhedra("0")).cells.polyhedra?.faces).toEqual(Int32Array.of(1, 3, 0, 1, 2));
    for (const face of [1, -1])
      expect(() => loadVtu(polyhedra(`${face}`))).toThrow(`Cells: face ${face} does not exist, there are 1.`);
    expect(() => loadVtu(polyhedra("0", 3))).toThrow("Cells: a face has the point 3 of 3.");
    const cells = (connectivity: string, offsets: string) =>
      mesh(
        `<Piece NumberOfPoints="1" NumberOfCells="2"><Points>${ascii("1 2 3")}</Points><Cells>
        <DataArray type="Int64" Name="connectivity">${connectivity}</DataArray>
        <DataArray type="Int64" Name="offsets">${offsets}</DataArray>
        <DataArray type="UInt8" Name="types">1 1</DataArray></Cells></Piece>`,
      );
    expect(loadVtu(cells("0 0", "1 2")).cells.connectivity).toEqual(Int32Array.of(0, 0));
    expect(() => loadVtu(cells("0 1", "1 2"))).toThrow(/Cells: point 1 does not exist, there are 1/);
    expect(() => loadVtu(cells("0 0", "2 1"))).toThrow(/offsets do not rise/);
    expect(() => loadVtu(cells("0 99999999999", "1 2"))).toThrow(FormatError);
  });

  const check = (bytes: Uint8Array, read = loadVtu) => {
    const file = readOrRefuse(read, bytes);
    if (!file) return;
    const [points] = file.points.shape;
    assert.equal(file.points.data.length, 3 * points);
    assert.equal(file.cells.offsets.at(-1), file.cells.connectivity.length);
    assert.ok(file.cells.connectivity.every((point) => point >= 0 && point < points));
    for (const { shape } of file.pointData.values()) assert.equal(shape[0], points);
    for (const { shape } of file.cellData.values()) assert.equal(shape[0], file.cells.types.length);
  };

  it.each([
    ["vtk.vtp", loadVtp],
    ["vtk-polyhedra.vtu", loadVtu],
    ["meshio-zlib.vtu", loadVtu],
    ["meshio-ascii.vtu", loadVtu],
  ])("%s survives every truncation and every flipped byte", (name, read) => {
    const file = foreign(name);
    const end = file.lastIndexOf(">");
    for (const bytes of truncations(file.subarray(0, end))) mustRefuse(read, bytes);
    for (const bytes of flips(file, file.length, [0x01, 0x80])) check(bytes, read);
  });
});

describe("collections", () => {
  it("reads what ParaView writes", () => {
    const bytes = text(
      '<?xml version="1.0"?>',
      '<VTKFile type="Collection" version="0.1" byte_order="LittleEndian" compressor="vtkZLibDataCompressor">',
      '  <Collection><DataSet timestep="0.5" group="" part="0" file="run/a_0.vtu"/>',
      '  <DataSet timestep="1e-3" group="fluid" part="1" name="b" file="run/a_1.vtu"/><DataSet file="c.vtp"/></Collection>',
      "</VTKFile>",
    );
    const entries = [
      { file: "run/a_0.vtu", time: 0.5, part: 0 },
      { file: "run/a_1.vtu", time: 0.001, part: 1, group: "fluid", name: "b" },
      { file: "c.vtp", time: 0, part: 0 },
    ];
    expect(loadPvd(bytes)).toEqual(entries);
    expect(loadPvd(savePvd(entries))).toEqual(entries);
    const odd = [{ file: 'a & "b" <c>.vtu', time: -0.1, part: 3 }];
    expect(loadPvd(savePvd(odd))).toEqual(odd);
  });

  it.each([
    ['<DataSet timestep="now" file="a.vtu"/>', /data set 0: "now" is not a time/],
    ['<DataSet timestep="1"/>', /data set 0 names no file/],
    ['<DataSet part="x" file="a.vtu"/>', /part is "x"/],
  ])("refuses %s", (entry, message) => {
    const bytes = text(`<VTKFile type="Collection"><Collection>${entry}</Collection></VTKFile>`);
    expect(() => loadPvd(bytes)).toThrow(message);
    expect(() => loadPvd(bytes)).toThrow(FormatError);
  });
});
