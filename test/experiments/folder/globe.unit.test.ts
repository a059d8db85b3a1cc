// Longitudes and latitudes of points on a globe: distances are those of the haversine formula, across ±180° and at the poles, too.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { frameRule } from "../../../src/experiments/folder/array-frames.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { findUnits } from "../../../src/experiments/folder/files.ts";
import { FramesSource } from "../../../src/experiments/folder/frames.ts";
import { encode } from "../../../src/experiments/folder/prediction-file.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { loadNpz, saveNpz } from "../../../src/formats/numpy/npz.ts";
import { loadVtu } from "../../../src/formats/vtk/vtu.ts";

const targets = ["t2m"];
const stations = resolveFolderConfig({ globe: ["lon", "lat"], targets });

const fileOf = (lon: number[], lat: number[]) =>
  saveNpz(
    Object.fromEntries(
      Object.entries({ lon, lat, t2m: lon }).map(([name, data]) => [
        name,
        { shape: [lon.length], data: Float64Array.from(data) },
      ]),
    ),
  );

async function positionsOf(lon: number[], lat: number[]): Promise<number[][]> {
  const { dimensions, positions } = await readSample(fileOf(lon, lat), "a.npz", stations);
  expect(dimensions).toBe(3);
  return lon.map((_, i) => [...positions.slice(3 * i, 3 * i + 3)]);
}

/** The length of the straight line between two points on a sphere of radius 1. */
function haversineChord([lon, lat]: number[], [otherLon, otherLat]: number[]): number {
  const half = (degrees: number) => Math.sin((degrees * Math.PI) / 360) ** 2;
  const cos = (degrees: number) => Math.cos((degrees * Math.PI) / 180);
  return 2 * Math.sqrt(half(lat - otherLat) + cos(lat) * cos(otherLat) * half(lon - otherLon));
}

it("the axes go through the meridian of 0°, the one of 90° east, and the north pole", async () => {
  const found = await positionsOf([0, 90, 17, -180, 180], [0, 0, 90, 0, 0]);
  const expected = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [-1, 0, 0],
    [-1, 0, 0],
  ];
  for (const [i, point] of found.entries()) {
    for (const [axis, value] of point.entries()) expect(value).toBeCloseTo(expected[i][axis], 12);
  }
});

it("points are as far apart as by the haversine formula", async () => {
  const place = fc.tuple(
    fc.double({ min: -360, max: 360, noNaN: true }),
    fc.double({ min: -90, max: 90, noNaN: true }),
  );
  await fc.assert(
    fc.asyncProperty(place, place, async (a, b) => {
      const [p, q] = await positionsOf([a[0], b[0]], [a[1], b[1]]);
      expect(Math.hypot(...p.map((value, i) => value - q[i]))).toBeCloseTo(haversineChord(a, b), 7);
    }),
    { numRuns: 50 },
  );
});

it("a grid keeps its axes in predictions as arrays, and is a part of the sphere in those as a mesh", async () => {
  const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, "grid", "weather.nc")));
  const config = resolveFolderConfig({ globe: ["lon", "lat"], grid: ["lat", "lon"], targets });
  const source = new FramesSource(new MemorySource(new Map([["weather.nc", bytes]]), "data"), frameRule(config));
  const [{ files }] = await findUnits(source, { sequence: false });
  const frame = await source.read(files[0]);
  const sample = await readSample(frame, files[0], config);
  const arrays = new Map([["prediction", { shape: [15], data: new Float32Array(15) }]]);
  const copy = loadNpz(await encode({ bytes: frame, sample, arrays }, ".npz"));
  expect([...copy.get("lon")!.data]).toEqual([0, 2.5, 5, 7.5, 10]);
  expect(copy.get("prediction")!.shape).toEqual([3, 5]);
  const { points, cells } = loadVtu(await encode({ bytes: frame, sample, arrays }, ".vtu"));
  expect([...points.data]).toEqual([...sample.positions]);
  for (let i = 0; i < 15; i++)
    expect(Math.hypot(...Array.from(points.data, Number).slice(3 * i, 3 * i + 3))).toBeCloseTo(1, 12);
  expect(cells.types).toHaveLength(8);
});

it("a grid around the globe has its last meridian beside the first, in graphs and meshes, and others have not", async () => {
  const read = async (lon: number[], axes: readonly string[], around = lon.length) => {
    const lat = [-60, 0, 60];
    const shape = axes.map((axis) => (axis === "lon" ? lon.length : lat.length));
    const t2m = { shape, data: new Float64Array(lon.length * lat.length) };
    const axis = (data: number[]) => ({ shape: [data.length], data: Float64Array.from(data) });
    const bytes = saveNpz({ lon: axis(lon), lat: axis(lat), t2m });
    const config = resolveFolderConfig({ globe: ["lon", "lat"], grid: axes, targets, graph: "mesh" });
    const sample = await readSample(bytes, "a.npz", config);
    const edges = sample.edges as Int32Array;
    const pairs = edges.length / 4;
    const at = (point: number) => [...sample.positions.slice(3 * point, 3 * point + 3)];
    const distance = (a: number, b: number) => Math.hypot(...at(a).map((value, i) => value - at(b)[i]));
    const lengths = Array.from({ length: pairs }, (_, i) => distance(edges[i], edges[2 * pairs + i]));
    expect(pairs).toBe(lat.length * around + (lat.length - 1) * lon.length);
    const arrays = new Map([
      ["prediction", { shape: [lon.length * lat.length], data: new Float32Array(3 * lon.length) }],
    ]);
    const { cells } = loadVtu(await encode({ bytes, sample, arrays }, ".vtu"));
    expect(cells.types.length).toBe((lat.length - 1) * around);
    return Math.max(...lengths);
  };
  const turn = (steps: number, first = 0) => Array.from({ length: steps }, (_, i) => first + (360 / steps) * i);
  for (const axes of [
    ["lat", "lon"],
    ["lon", "lat"],
  ]) {
    // All sides are those between neighbours: 60° of latitude, or 45° of longitude on the equator.
    const side = haversineChord([0, 0], [0, 60]);
    expect(await read(turn(8), axes)).toBeCloseTo(side, 12);
    expect(await read(turn(8, -180).reverse(), axes)).toBeCloseTo(side, 12);
    expect(await read([180, 225, 270, 315, 0, 45, 90, 135], axes)).toBeCloseTo(side, 12);
    expect(await read([...turn(8, -180), 180], axes)).toBeCloseTo(side, 12);
    expect(await read(turn(8).slice(0, 6), axes, 5)).toBeCloseTo(side, 12);
    expect(await read([0, 20, 40], axes, 2)).toBeCloseTo(side, 12);
  }
});

it("tables have them as columns, which init finds; other columns are no degrees", async () => {
  const table = (header: string) => new TextEncoder().encode(`${header}\n1,180,0,5\n2,-90,0,6\n`);
  const source = new MemorySource(new Map([["a.csv", table("station,Lon,Lat,t2m")]]), "data");
  const proposed = parse(proposeConfig(await survey(source), "data"));
  expect(proposed).toMatchObject({ globe: ["Lon", "Lat"] });
  expect(proposed.dimensions).toBeUndefined();
  const config = resolveFolderConfig({ globe: proposed.globe, targets });
  const { positions } = await readSample(await source.read("a.csv"), "a.csv", config);
  for (const [i, value] of [-1, 0, 0, 0, -1, 0].entries()) expect(positions[i]).toBeCloseTo(value, 12);
  const map = resolveFolderConfig({ targets });
  expect([...(await readSample(await source.read("a.csv"), "a.csv", map)).positions]).toEqual([180, 0, -90, 0]);
  // Beside plain coordinates they are columns as any other.
  const both = table("x,lon,lat,y").slice();
  expect([...(await readSample(both, "b.csv", resolveFolderConfig({ targets: ["lat"] }))).positions]).toEqual([
    1, 5, 2, 6,
  ]);
  await expect(readSample(table("x,y,z,t2m"), "c.csv", stations)).rejects.toThrow('c.csv: has no array "lon"');
});

it("what cannot be degrees, or contradicts them, is refused", async () => {
  await expect(positionsOf([10, 20], [50, 95])).rejects.toThrow(
    'a.npz: "lon" and "lat", which the config\'s globe names as longitudes and latitudes in degrees, are 20 and 95 of point 1',
  );
  await expect(positionsOf([400_000], [50])).rejects.toThrow("Distances on a map are coordinates: [lon, lat].");
  const config = (more: object) => () => resolveFolderConfig({ globe: ["lon", "lat"], targets, ...more });
  expect(config({ globe: ["lon"] })).toThrow("globe must be two names, [longitudes, latitudes]");
  expect(config({ coordinates: ["lon", "lat"] })).toThrow("coordinates: leave it out, or globe");
  expect(config({ dimensions: 2 })).toThrow("dimensions: leave it out, or globe");
  expect(config({ dimensions: 3 })).not.toThrow();
  expect(config({ grid: ["y", "lon"] })).toThrow("globe must be the axes of the grid, in any order: y, lon");
  expect(config({ targets: ["positions"], sequence: true })).toThrow("the points of a globe do not move");
});
