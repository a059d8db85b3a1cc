// VTK's files on HDF5, as VTK's own writer and h5py make them (vtkhdf/make.py), and damaged ones.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCloud } from "../../src/cli/clouds.ts";
import { FormatError } from "../../src/errors.ts";
import { MemorySource } from "../../src/experiments/data-source.ts";
import { resolveFolderConfig } from "../../src/experiments/folder/config.ts";
import { FramesSource } from "../../src/experiments/folder/frames.ts";
import { readArrays } from "../../src/experiments/folder/read.ts";
import { readSample } from "../../src/experiments/folder/read-sample.ts";
import type { SafeTensor } from "../../src/formats/bytes/elements.ts";
import { arraysOfMesh, type MeshInTime } from "../../src/formats/clouds/mesh-steps.ts";
import { loadVtkHdf } from "../../src/formats/vtk/vtkhdf.ts";
import { readCloud as readExplored } from "../../src/pages/explorer/cloud.ts";

const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`vtkhdf/${name}`, import.meta.url)));
const load = (name: string) => loadVtkHdf(bytesOf(name), { file: name });
const numbersOf = (array: SafeTensor | undefined) => Array.from(array?.data ?? [], Number);
const listCells = ({ cells: { offsets, connectivity, types } }: MeshInTime) =>
  Array.from(types, (type, i) => [type, ...connectivity.subarray(offsets[i], offsets[i + 1])]);

// As make.py has them.
const twelve = Array.from({ length: 12 }, (_, i) => i);
const places = (shift: number) => twelve.flatMap((i) => [(i % 2) + shift, (i >> 1) % 2, 0.5 * (i >> 2)]);
const heatAt = (time: number) => twelve.map((i) => 0.25 * i + time);
const kinds = [
  [12, 0, 1, 3, 2, 4, 5, 7, 6],
  [10, 4, 5, 7, 8],
  [14, 4, 5, 7, 6, 10],
];

describe("vtkhdf", () => {
  it("joins the pieces of a mesh, one of them without cells", async () => {
    const mesh = await load("pieces.vtkhdf");
    const data = Float64Array.from([0, 10, 20].flatMap(places));
    expect(mesh.points).toEqual({ dtype: "F64", shape: [36, 3], data });
    expect(listCells(mesh)).toEqual([...kinds, [9, 24, 25, 27, 26]]);
    expect(mesh.times.length).toBe(0);
    expect([...mesh.pointData.keys()].sort()).toEqual(["heat", "velocity", "wall"]);
    expect(mesh.pointData.get("heat")).toMatchObject({ dtype: "F32", shape: [36] });
    expect(numbersOf(mesh.pointData.get("heat"))).toEqual([0, 0, 7].flatMap(heatAt));
    expect(mesh.pointData.get("velocity")?.shape).toEqual([36, 3]);
    expect(numbersOf(mesh.cellData.get("stress"))).toEqual([1.5, 2.5, 3.5, 8.5]);
    expect(mesh.cellData.get("normal")?.shape).toEqual([4, 3]);
  });

  it("has cells of polygonal data in VTK's order, with types that follow from their points", async () => {
    const mesh = await load("surface.vtkhdf");
    expect(mesh.points).toMatchObject({ dtype: "F32", shape: [8, 3] });
    expect(listCells(mesh)).toEqual([
      [1, 7],
      [3, 0, 1],
      [4, 1, 2, 3],
      [5, 0, 1, 2],
      [9, 2, 3, 4, 5],
      [7, 0, 2, 4, 6, 7],
      [6, 1, 2, 3, 4],
    ]);
    expect(numbersOf(mesh.cellData.get("number"))).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("reads the fields of all steps", async () => {
    const mesh = await load("steps.vtkhdf");
    expect([...mesh.times]).toEqual([0, 0.5, 2]);
    expect(listCells(mesh)).toEqual(kinds);
    expect(mesh.pointData.get("velocity")?.shape).toEqual([3, 12, 3]);
    expect(mesh.pointData.get("heat")?.shape).toEqual([3, 12]);
    expect(numbersOf(mesh.pointData.get("heat"))).toEqual([0, 0.5, 2].flatMap(heatAt));
    expect(numbersOf(mesh.cellData.get("stress"))).toEqual([0, 0.5, 2].flatMap((t) => [1.5 + t, 2.5 + t, 3.5 + t]));
    expect(numbersOf(mesh.fieldData.get("speed"))).toEqual([30, 30.5, 32]);
    const other = await load("h5py.vtkhdf");
    expect([...other.times]).toEqual([1, 3]);
    expect(listCells(other)).toEqual([
      [5, 0, 1, 2],
      [5, 0, 2, 3],
    ]);
    expect(numbersOf(other.pointData.get("heat"))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const place = other.pointData.get("place");
    expect(place?.shape).toEqual([2, 4, 2]);
    expect(numbersOf(place)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("is a sample, or a sequence where there are several steps, of points or of cells", async () => {
    const cells = await readArrays(bytesOf("pieces.vtkhdf"), "a.vtkhdf", undefined, { location: "cells" });
    expect(numbersOf(cells.pointData.get("stress"))).toEqual([1.5, 2.5, 3.5, 8.5]);
    // Vectors of as many cells as points have no steps.
    expect(cells.pointData.get("normal")?.shape).toEqual([4, 3]);
    const source = new MemorySource(new Map([["run.vtkhdf", bytesOf("steps.vtkhdf")]]));
    const frames = new FramesSource(source, { isSequence: true, targets: ["velocity"] });
    const options = { targets: ["velocity"], globals: ["speed"], graph: "mesh", sequence: { stride: 1 } };
    await frames.list("");
    expect((await frames.list("run.vtkhdf")).map(({ name }) => name)).toEqual(["0.npz", "1.npz", "2.npz"]);
    const file = "run.vtkhdf/2.npz";
    const sample = await readSample(await frames.read(file), file, resolveFolderConfig(options));
    expect([...(sample.targets[0]?.data ?? [])]).toEqual(twelve.flatMap((i) => [i + 2, -i + 2, 2]));
    expect([...(sample.globals[0]?.data ?? [])]).toEqual([32]);
    expect(sample.edges?.length).toBe(2 * 40);
    const cloud = await readCloud(bytesOf("pieces.vtkhdf"), "a.vtkhdf", ["velocity"]);
    expect([cloud.points, cloud.features?.channels, cloud.edgeIndex?.length]).toEqual([36, 3, 2 * 48]);
    const explored = await readExplored(bytesOf("steps.vtkhdf"), "a.vtkhdf");
    expect([...explored.fields].sort()).toEqual(["heat", "velocity", "wall"]);
    expect([...explored.field("heat").data]).toEqual(heatAt(2));
  });

  it.each([
    ["moves.vtkhdf", /^moves\.vtkhdf: has 3 steps in time with meshes that differ, which is not read: save its steps/],
    [
      "image.vtkhdf",
      /^image\.vtkhdf: holds no mesh that is read here, for it has no VTKHDF\/NumberOfPoints: save it by/,
    ],
    ["../hdf5/attributes.nc", /holds no mesh that is read here/],
    ["rows.vtkhdf", /^rows\.vtkhdf:VTKHDF\/PointData\/heat: expected \[4\], found \[8\]\.$/],
    ["points.vtkhdf", /VTKHDF\/Connectivity: piece 0 has the point 3, there are 3\.$/],
    ["negative.vtkhdf", /VTKHDF\/NumberOfPoints: has a number below 0\.$/],
  ])("refuses %s", async (name, message) => {
    await expect(load(name)).rejects.toThrow(message);
  });

  it("has no edges of cells whose sides are not known, and says so", async () => {
    const mesh = await load("surface.vtkhdf");
    mesh.cells.types[6] = 68;
    for (const location of ["points", "cells"] as const) {
      const { arrays, leftOut } = arraysOfMesh(mesh, location);
      expect(arrays.has("positions") && !arrays.has("edge_index")).toBe(true);
      expect(leftOut.get("edge_index")).toMatch(/^cell 6 is of VTK's type 68, whose sides are not known/);
    }
  });

  it("survives damage, wherever it is", async () => {
    const bytes = bytesOf("h5py.vtkhdf");
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 131) {
      const damaged = bytes.slice();
      damaged[at] ^= 0x41;
      try {
        const mesh = await loadVtkHdf(damaged, { file: "a.vtkhdf" });
        const { cells, points, pointData, times } = mesh;
        assert.ok(arraysOfMesh(mesh).arrays.has("positions"));
        assert.ok(cells.connectivity.every((point) => point < points.shape[0]));
        for (const { shape } of pointData.values()) assert.equal(shape[times.length > 1 ? 1 : 0], points.shape[0]);
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
        assert.match(error.message, /^a\.vtkhdf/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5);
  });
});
