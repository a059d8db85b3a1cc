// Numbers far from zero that other software wrote in float64 (maps/make.py) are read without float32's rounding, and those of float32 are
// their roundings.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { framesIn } from "../../src/experiments/folder/frames.ts";
import { readArrays } from "../../src/experiments/folder/read.ts";
import { readPointCloud, writePointCloud } from "../../src/formats/pointcloud.ts";

const folder = join(import.meta.dirname, "maps");
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const expected: Record<"points" | "p" | "energies", number[]> = JSON.parse(
  new TextDecoder().decode(read("expected.json")),
);
// VTK writes eleven digits.
const digits = (name: string) => (name === "vtk-ascii.vtk" ? 3 : 9);
const expectNear = (found: Float64Array | undefined, values: readonly number[], name: string) => {
  expect(found?.length, name).toBe(values.length);
  values.forEach((value, i) => expect(found?.[i], name).toBeCloseTo(value, digits(name)));
};

it.each(readdirSync(folder).filter((name) => /\.(csv|ply|vtk|pcd)$/.test(name)))(
  "%s: coordinates and a field",
  (name) => {
    const cloud = readPointCloud(read(name), name, { attributes: ["p"] });
    expectNear(cloud.exact, expected.points, name);
    expect(cloud.positions).toEqual(Float32Array.from(cloud.exact as Float64Array));
    expectNear(cloud.attributes?.get("p")?.exact, expected.p, name);
    // The same file with its own numbers, once it has gone through a table.
    expectNear(readPointCloud(writePointCloud(cloud, "csv"), "a.csv").exact, expected.points, name);
  },
);

it("ase.extxyz: an energy that is the same at all atoms, and differs between frames by less than float32's steps", async () => {
  const frames = await framesIn(read("ase.extxyz"), "ase.extxyz");
  const energies = frames.map(async ({ bytes, file }) => (await readArrays(bytes, file)).pointData.get("energy")?.data);
  expect(await Promise.all(energies)).toEqual(expected.energies.map((energy) => Float64Array.of(energy, energy)));
});

it("numbers that float32 holds well for their range are in float32 alone", () => {
  const { exact } = readPointCloud(new TextEncoder().encode("x,y,z\n0.1,273.15,9.9\n0.2,374.2,10.1\n"), "a.csv");
  expect(exact).toBeUndefined();
});

it.each([".csv", ".ply", ".npz", ".vtk", ".vtu"] as const)(
  "%s: coordinates are written as they were read, and as a program has them that changed them since or left some out",
  (format) => {
    const cloud = readPointCloud(read("pandas.csv"), "pandas.csv");
    const { positions } = cloud;
    const again = (changed: Float32Array) =>
      readPointCloud(writePointCloud({ ...cloud, positions: changed }, format), `a${format}`);
    expect(again(positions).exact).toEqual(cloud.exact);
    const moved = positions.map((value) => 2 * value);
    expect(again(moved).positions).toEqual(moved);
    expect(again(positions.slice(3)).positions).toEqual(positions.slice(3));
  },
);
