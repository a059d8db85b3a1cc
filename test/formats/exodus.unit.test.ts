// Exodus II files, as Sandia's own library and meshio write them (exodus/make.py), and damaged ones.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCloud } from "../../src/cli/clouds.ts";
import { FormatError } from "../../src/errors.ts";
import { MemorySource } from "../../src/experiments/data-source.ts";
import { resolveFolderConfig } from "../../src/experiments/folder/config.ts";
import { FramesSource } from "../../src/experiments/folder/frames.ts";
import { encode } from "../../src/experiments/folder/prediction-file.ts";
import { proposeConfig } from "../../src/experiments/folder/propose.ts";
import { readArrays } from "../../src/experiments/folder/read.ts";
import { readSample } from "../../src/experiments/folder/read-sample.ts";
import { survey } from "../../src/experiments/folder/survey.ts";
import type { SafeTensor } from "../../src/formats/bytes/elements.ts";
import { meshEdges } from "../../src/formats/clouds/cells.ts";
import { cellsOf } from "../../src/formats/exodus/cells.ts";
import { type ExodusFile, loadExodus } from "../../src/formats/exodus/exodus.ts";
import { loadNpz } from "../../src/formats/numpy/npz.ts";
import { loadVtu } from "../../src/formats/vtk/vtu.ts";
import { flips, truncations } from "./corruption.ts";

const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`exodus/${name}`, import.meta.url)));
const load = (name: string) => loadExodus(bytesOf(name), { file: name });
const numbersOf = (array: SafeTensor | undefined) => Array.from(array?.data ?? [], Number);
const listCells = ({ cells: { offsets, connectivity, types } }: ExodusFile) =>
  Array.from(types, (type, i) => [type, ...connectivity.subarray(offsets[i], offsets[i + 1])]);

const corners = [
  ...[0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1],
  ...[2, 0.5, 0, 2, 0.5, 1, 0.5, 0.5, 2, 0.5, -1, 1.5],
];
const places = Array.from({ length: 12 }, (_, i) => corners.slice(3 * i, 3 * i + 3));
const kinds = [
  [12, 0, 1, 2, 3, 4, 5, 6, 7],
  [13, 1, 8, 2, 5, 9, 6],
  [14, 4, 5, 6, 7, 10],
  [10, 4, 5, 10, 11],
];
const heatAt = (time: number) => places.map(([x, y, z]) => time + x + 10 * y + 100 * z);

describe("exodus", () => {
  it.each(["steps.e", "steps-hdf5.e"])("reads points, cells, sets and the fields of all steps of %s", async (name) => {
    const mesh = await load(name);
    expect(mesh.points).toEqual({ dtype: "F64", shape: [12, 3], data: Float64Array.from(corners) });
    expect(listCells(mesh)).toEqual(kinds);
    expect([...mesh.times]).toEqual([0, 0.5, 1]);
    expect([...mesh.pointData.keys()]).toEqual(["inlet", "node_set_200", "heat", "flow_x", "flow_y"]);
    expect(mesh.pointData.get("heat")?.shape).toEqual([3, 12]);
    expect(numbersOf(mesh.pointData.get("heat"))).toEqual([0, 0.5, 1].flatMap(heatAt));
    expect(numbersOf(mesh.pointData.get("flow_y"))).toEqual([0, 0.5, 1].flatMap((t) => places.map(([, y]) => t * y)));
    expect(numbersOf(mesh.pointData.get("inlet"))).toEqual([1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0]);
    expect(numbersOf(mesh.pointData.get("node_set_200")).indexOf(1)).toBe(10);
    expect(numbersOf(mesh.fieldData.get("drag"))).toEqual([0, 1, 2]);
    expect(numbersOf(mesh.fieldData.get("lift"))).toEqual([0, -0.5, -1]);
    // As make.py has them: the time and the number of the block, of which each has one cell.
    expect(mesh.cellData.get("size")?.shape).toEqual([3, 4]);
    expect(numbersOf(mesh.cellData.get("size"))).toEqual([0, 0.5, 1].flatMap((t) => [1, 2, 3, 4].map((b) => t + b)));
  });

  it("reads a plane of float32 with one step, and meshio's vectors", async () => {
    const plane = await load("plane.ex2");
    expect(plane.points.dtype).toBe("F32");
    expect(numbersOf(plane.points)).toEqual([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 2, 0.5, 0]);
    expect(listCells(plane)).toEqual([
      [9, 0, 1, 2, 3],
      [5, 1, 4, 2],
    ]);
    expect(plane.pointData.get("heat")).toEqual({ dtype: "F32", shape: [5], data: Float32Array.of(0, 1, 11, 10, 7) });
    expect([...plane.times]).toEqual([2.5]);
    const other = await load("meshio.e");
    expect(numbersOf(other.points)).toEqual(corners);
    expect(listCells(other)).toEqual(kinds.slice(0, 2));
    expect(numbersOf(other.pointData.get("heat"))).toEqual(heatAt(0));
    expect(other.pointData.get("flow")?.shape).toEqual([12, 3]);
    expect(numbersOf(other.pointData.get("flow"))).toEqual(corners.map((value) => 2 * value));
    expect([...other.pointData.keys()]).toEqual(["left", "heat", "flow"]);
  });

  it("reads fields of cells, NaN in blocks without them", async () => {
    const { cellData, times } = await load("cells.e");
    expect([...times]).toEqual([2.5]);
    expect([...cellData.keys()]).toEqual(["size", "stress"]);
    expect(cellData.get("size")).toEqual({ dtype: "F64", shape: [2], data: Float64Array.of(3.5, 4.5) });
    expect(numbersOf(cellData.get("stress"))).toEqual([3.5, Number.NaN]);
    const renamed = replaced("cells.e", "vals_elem_var1eb2", "vals_elem_var1eb1");
    await expect(loadExodus(renamed, { file: "a.e" })).rejects.toThrow(FormatError);
  });

  it("orders the points of second order as VTK does", async () => {
    const mesh = await load("second.exo");
    const pointOf = (i: number) => numbersOf(mesh.points).slice(3 * i, 3 * i + 3);
    expect([...mesh.cells.types]).toEqual([25, 29, 26, 27, 24]);
    const edges = meshEdges(mesh.cells, mesh.points.shape[0]);
    const half = edges.length / 2;
    let middles = 0;
    listCells(mesh).forEach(([type, ...points]) => {
      const corners = { 25: 8, 29: 8, 26: 6, 27: 5, 24: 4 }[type] as number;
      for (const point of points.slice(corners)) {
        const ends = Array.from({ length: half }, (_, i) => i)
          .filter((i) => edges[i] === point)
          .map((i) => edges[half + i]);
        // Those in the middle of faces are in no side.
        if (ends.length === 0) continue;
        middles++;
        const [a, b] = ends.map(pointOf);
        expect(ends.every((end) => points.indexOf(end) < corners)).toBe(true);
        expect(a.map((value, axis) => (value + b[axis]) / 2)).toEqual(pointOf(point));
      }
    });
    expect(middles).toBe(12 + 12 + 9 + 8 + 6);
    const [, [, ...brick]] = listCells(mesh);
    const faces = [
      [0, 4, 7, 3],
      [1, 2, 6, 5],
      [0, 1, 5, 4],
      [3, 2, 6, 7],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ];
    faces.forEach((face, i) => {
      const ends = face.map((corner) => pointOf(brick[corner]));
      const mean = [0, 1, 2].map((axis) => ends.reduce((sum, end) => sum + end[axis], 0) / ends.length);
      expect(pointOf(brick[20 + i])).toEqual(mean);
    });
  });

  it("is a sequence where there are several steps", async () => {
    const source = new MemorySource(new Map([["run.e", bytesOf("steps.e")]]));
    const found = await survey(source);
    expect(found).toMatchObject({ container: "e", files: 3, points: [12, 12], hasSequence: true, hasCells: true });
    const config = proposeConfig(found, "data");
    expect(config).toMatch(/^sequence: \{stride: 1/m);
    expect(config).toMatch(/^graph: mesh/m);
    expect(config).toMatch(/^ {2}inlet: \{classes: 2\}/m);
    expect(config).toMatch(/^ {2}heat: \{\}/m);
    const rule = { isSequence: true, targets: ["heat"] };
    const frames = new FramesSource(source, rule);
    expect((await frames.list("")).map(({ name, folder }) => [name, folder])).toEqual([["run.e", true]]);
    const names = (await frames.list("run.e")).map(({ name }) => name);
    expect(names).toEqual(["0.npz", "1.npz", "2.npz"]);
    const options = { inputs: ["inlet"], targets: ["heat"], globals: ["drag"], graph: "mesh", sequence: { stride: 1 } };
    const sample = await readSample(await frames.read("run.e/2.npz"), "run.e/2.npz", resolveFolderConfig(options));
    expect([...(sample.targets[0]?.data ?? [])]).toEqual(heatAt(1));
    expect([...(sample.globals[0]?.data ?? [])]).toEqual([2]);
    const edges = meshEdges((await load("steps.e")).cells, 12);
    expect(new Set(sample.edges)).toEqual(new Set(edges));
    expect(sample.edges?.length).toBe(edges.length);
  });

  it("is a sample where there is one, whose cells are written into another mesh", async () => {
    const bytes = bytesOf("plane.ex2");
    const sample = await readSample(
      bytes,
      "a.ex2",
      resolveFolderConfig({ targets: ["heat"], graph: "mesh", dimensions: 2 }),
    );
    expect([...(sample.targets[0]?.data ?? [])]).toEqual([0, 1, 11, 10, 7]);
    expect(sample.edges?.length).toBe(2 * 2 * 6);
    const arrays = new Map([["prediction", { shape: [5], data: Float32Array.of(1, 2, 3, 4, 5) }]]);
    const mesh = loadVtu(await encode({ bytes, sample, arrays }, "a.vtu"));
    expect([...mesh.cells.types]).toEqual([9, 5]);
    expect([...mesh.pointData.keys()]).toEqual(["heat", "prediction"]);
    expect([...loadNpz(await encode({ bytes, sample, arrays }, "a.npz")).keys()].sort()).toEqual([
      ...["heat", "node_positions", "prediction", "time"],
    ]);
    const cloud = await readCloud(bytes, "a.ex2", ["heat"]);
    expect([cloud.points, cloud.features?.channels, cloud.edgeIndex?.length]).toEqual([5, 1, 24]);
  });

  it("is told from other files of netCDF", async () => {
    const netcdf = readFileSync(new URL("hdf5/attributes.nc", import.meta.url));
    await expect(loadExodus(netcdf, { file: "a.e" })).rejects.toThrow("a.e: is no file of Exodus II: it has no points");
    await expect(loadExodus(new Uint8Array(), { file: "a.e" })).rejects.toThrow("a.e: is empty.");
  });

  const replaced = (name: string, from: string | number[], to: string | number[]) => {
    const bytes = bytesOf(name);
    const codes = (of: string | number[]) => (typeof of === "string" ? [...new TextEncoder().encode(of)] : of);
    const [wanted, other] = [codes(from), codes(to)];
    const at = bytes.findIndex((_, i) => wanted.every((value, k) => bytes[i + k] === value));
    expect(at).toBeGreaterThan(0);
    bytes.set(other, at);
    return bytes;
  };

  /** The bytes of a whole number, as netCDF has them. */
  const big = (number: number) => [0, 0, 0, number];

  it.each([
    [
      "an unknown type",
      replaced("steps.e", "HEX8", "CUBE"),
      /a\.e:connect1: its elements are of the type "CUBE" with 8 points/,
    ],
    [
      "a type of other points",
      replaced("steps.e", "WEDGE6", "TETRA6"),
      /connect2: .* "TETRA6" with 6 points, which is not known/,
    ],
    [
      "a point that there is not",
      replaced("steps.e", [2, 9, 3, 6, 10, 7].flatMap(big), [2, 13].flatMap(big)),
      /connect2: element 0 has the point 13, there are 12, counted from 1/,
    ],
    [
      "a field without values",
      replaced("steps.e", "vals_nod_var2", "vals_nod_odd2"),
      /vals_nod_var2: expected the values of "flow_x", \[3, 12\], found none/,
    ],
    ["fewer coordinates", replaced("steps.e", "coordx", "noordx"), /it has no points \(coordx, coordy, ... or coord\)/],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(loadExodus(bytes, { file: "a.e" })).rejects.toThrow(message);
  });

  it("refuses elements with different numbers of points, of which the mesh would lack parts", () => {
    const arrays = new Map<string, SafeTensor>([
      ["connect1", { dtype: "I32", shape: [3], data: Int32Array.of(1, 2, 3) }],
    ]);
    const contents = { arrays, notes: new Map([["connect1", "NSIDED"]]), leftOut: new Map() };
    expect(() => cellsOf(contents, 3, "a.e")).toThrow(
      'a.e:connect1: its elements are of the type "NSIDED" with different numbers of points',
    );
  });

  it("takes the fields of as many steps as points for steps, not for components of points", async () => {
    const { pointData, wholeData } = await readArrays(bytesOf("triangle.e"), "triangle.e");
    expect([...pointData.keys()]).toEqual(["corner"]);
    expect(wholeData.get("heat")?.shape).toEqual([3, 3]);
  });

  it("survives every truncation and flipped byte of a header", async () => {
    const attempt = async (damaged: Uint8Array) => {
      try {
        const { cells, points, cellData } = await loadExodus(damaged, { file: "a.ex2" });
        assert.ok(cells.connectivity.every((point) => point < points.shape[0]));
        for (const { shape } of cellData.values()) assert.equal(shape.at(-1), cells.types.length);
      } catch (error) {
        assert.ok(error instanceof FormatError);
        assert.match(error.message, /^a\.ex2/);
      }
    };
    for (const [name, masks] of [
      ["plane.ex2", [0x01, 0x80]],
      ["cells.e", [0x40]],
    ] as const) {
      const bytes = bytesOf(name);
      for (const damaged of truncations(bytes)) await attempt(damaged);
      for (const damaged of flips(bytes, bytes.length, [...masks])) await attempt(damaged);
    }
  });
});
