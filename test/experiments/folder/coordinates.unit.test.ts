// Coordinates that a config names: those that the format defines or usual names tell, and others beside them.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { encode } from "../../../src/experiments/folder/prediction-file.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { loadNpz, saveNpz } from "../../../src/formats/numpy/npz.ts";
import { saveVtu } from "../../../src/formats/vtk/vtu-write.ts";

const named = (coordinates: string | string[], more: object = {}) =>
  resolveFolderConfig({ targets: ["p"], coordinates, graph: "none", ...more });
const numbers = (shape: number[], first = 0) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => first + i),
});
const positions = [...numbers([2, 3]).data];

it("are those of the file where they are called so: a mesh's points, a table's x, y and z, an archive's positions", async () => {
  const mesh = saveVtu({ points: numbers([2, 3]), pointData: new Map([["p", numbers([2])]]) });
  const table = new TextEncoder().encode("x,y,z,p\n0,1,2,0\n3,4,5,1\n");
  const archive = saveNpz({ positions: numbers([2, 3]), p: numbers([2]) });
  for (const [bytes, file, coordinates] of [
    [mesh, "a.vtu", "points"],
    [table, "a.csv", ["x", "y", "z"]],
    [archive, "a.npz", "positions"],
  ] as const) {
    const sample = await readSample(bytes, file, named(coordinates as string));
    expect([...sample.positions], file).toEqual(positions);
  }
  await expect(readSample(mesh, "a.vtu", named("centre"))).rejects.toThrow('no array "centre" of its points');
});

it("tell which arrays are of the points, also in a file that has others under a usual name", async () => {
  const bytes = saveNpz({
    points: numbers([5, 3], 100),
    xyz: numbers([2, 3]),
    p: numbers([2]),
    speed: { shape: [2], data: Float32Array.of(7, 7) },
  });
  const config = named("xyz", { globals: ["speed"] });
  const sample = await readSample(bytes, "a.npz", config);
  expect([...sample.positions]).toEqual(positions);
  expect(sample.globals[0]).toMatchObject({ width: 1, data: Float32Array.of(7) });
  const table = new TextDecoder().decode(
    await encode({ bytes, sample, arrays: new Map([["prediction", numbers([2])]]) }, "a.csv"),
  );
  expect(table.split("\n")[1]).toMatch(/^0,1,2,/);
  const archive = loadNpz(await encode({ bytes, sample, arrays: new Map([["prediction", numbers([2])]]) }, "a.npz"));
  expect(archive.get("points")?.shape).toEqual([5, 3]);
});

it("leave attributes numbers of the whole, though there are as many as points", async () => {
  const bytes = readFileSync(new URL("../../formats/hdf5/attributes.h5", import.meta.url));
  const cp = "flow/cp";
  const config = named([cp, cp], { targets: [cp], globals: ["mach", "axis"] });
  const { globals } = await readSample(bytes, "a.h5", config);
  expect(globals.map(({ data }) => [...data])).toEqual([[0.45], [0, 1, 2]]);
});

it("an array with other rows than the points is said to have them", async () => {
  const bytes = saveNpz({ positions: numbers([2, 3]), p: numbers([1]) });
  await expect(readSample(bytes, "a.npz", resolveFolderConfig({ targets: ["p"] }))).rejects.toThrow(
    'a.npz: array "p" has one row, there are 2 points. Numbers of the whole sample are globals, or targets with whole: true.',
  );
});
