// Fields on grids, in files that xarray, SciPy and NumPy wrote (grid/make.py): points, rows and frames are as xarray and NumPy have them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { encodeFrames } from "../../../src/cli/predict/fields.ts";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { frameRule } from "../../../src/experiments/folder/array-frames.ts";
import { type FolderConfig, resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { findUnits } from "../../../src/experiments/folder/files.ts";
import { arrayFramesIn, FramesSource } from "../../../src/experiments/folder/frames.ts";
import { encode } from "../../../src/experiments/folder/prediction-file.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { loadNpz, saveNpz } from "../../../src/formats/numpy/npz.ts";
import { loadVtu } from "../../../src/formats/vtk/vtu.ts";

const read = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, "grid", name)));
const expected = JSON.parse(readFileSync(join(import.meta.dirname, "grid", "expected.json"), "utf8"));
const sourceOf = (name: string) => new MemorySource(new Map([[name, read(name)]]), "data");

const configOf = async (name: string) => parse(proposeConfig(await survey(sourceOf(name)), "data"));

/** Reads the frames of a file, in order. */
async function framesOf(name: string, config: FolderConfig) {
  const source = new FramesSource(sourceOf(name), frameRule(config));
  const units = await findUnits(source, { sequence: config.sequence !== undefined });
  const files = units.flatMap(({ files }) => files);
  const frames: { bytes: Uint8Array; sample: Awaited<ReturnType<typeof readSample>> }[] = [];
  for (const file of files) {
    const bytes = await source.read(file);
    frames.push({ bytes, sample: await readSample(bytes, file, config) });
  }
  return frames;
}

const rowsOf = (data: ArrayLike<number>, width: number) =>
  Array.from({ length: data.length / width }, (_, i) => Array.from(data).slice(i * width, (i + 1) * width));
const numbers = (found?: { data: ArrayLike<number> }) => Array.from(found?.data ?? []);

it("is found by its axes, with the frames in time", async () => {
  const proposed = await configOf("weather.nc");
  expect(proposed).toMatchObject({
    globe: ["lon", "lat"],
    grid: ["lat", "lon"],
    graph: "mesh",
    sequence: { stride: 1 },
    targets: { t2m: {}, wind: {} },
  });
  expect(proposed.dimensions).toBeUndefined();
  const { globe: coordinates, ...rest } = proposed;
  const fields = { inputs: ["height"], targets: ["t2m", "wind"], globals: [] };
  const config = resolveFolderConfig({ ...rest, coordinates, ...fields });
  const frames = await framesOf("weather.nc", config);
  expect(frames).toHaveLength(4);
  for (const [time, { sample }] of frames.entries()) {
    const { positions, inputs, targets, edges } = sample;
    expect(rowsOf(positions, 2)).toEqual(expected.weather.positions);
    expect(numbers(inputs[0])).toEqual(expected.weather.height);
    expect(numbers(targets[0])).toEqual(expected.weather.t2m[time]);
    expect(rowsOf(numbers(targets[1]), 2)).toEqual(expected.weather.wind[time]);
    // Each point with the next along both axes, in both directions: 3 rows of 5.
    expect(edges).toHaveLength(2 * 2 * (3 * 4 + 2 * 5));
    const half = edges!.length / 2;
    for (let edge = 0; edge < half; edge++) {
      const [from, to] = [edges![edge], edges![half + edge]];
      const apart = [Math.floor(from / 5) - Math.floor(to / 5), (from % 5) - (to % 5)];
      expect(apart.map(Math.abs).sort()).toEqual([0, 1]);
    }
  }
});

it("is looked for twice, and of a damaged file that is told once", async () => {
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
  const whole = saveNpz({ lat: zeros(3), lon: zeros(4), u: zeros(3, 4) });
  const files = { "a.npz": whole, "b.npz": whole.slice(0, 300) };
  const told: string[] = [];
  const { grid } = await survey(new MemorySource(files), { onBad: (file) => told.push(file) });
  expect([grid, told]).toEqual([["lat", "lon"], ["b.npz"]]);
});

it("holds samples where nothing says that its frames are in time, and may be square and curved", async () => {
  const proposed = await configOf("darcy.mat");
  expect(proposed).toMatchObject({ coordinates: ["x", "y"], grid: ["y", "x"], dimensions: 2 });
  expect(proposed.sequence).toBeUndefined();
  const square = { grid: ["x", "y"], inputs: ["coeff"], targets: ["sol"] };
  const media = await framesOf("darcy.mat", resolveFolderConfig(square));
  expect(media.map(({ sample }) => numbers(sample.inputs[0]))).toEqual(expected.darcy.coeff);
  expect(rowsOf(media[0].sample.positions, 2)).toEqual(expected.darcy.positions);
  const ring = resolveFolderConfig({ grid: ["X", "Y"], inputs: ["p"], targets: ["velocity"] });
  const [{ sample }] = await framesOf("ring.npz", ring);
  expect(rowsOf(sample.positions, 2)).toEqual(expected.ring.positions);
  expect(rowsOf(numbers(sample.targets[0]), 2)).toEqual(expected.ring.velocity);
  // On a globe two axes have three coordinates.
  const globe = saveNpz(
    Object.fromEntries(
      ["x", "y", "z", "u"].map((name, i) => [name, { shape: [2, 1], data: Float32Array.of(i, 4 + i) }]),
    ),
  );
  const onGlobe = await readSample(globe, "a.npz", resolveFolderConfig({ grid: ["x", "y", "z"], targets: ["u"] }));
  expect([...onGlobe.positions]).toEqual([0, 1, 2, 4, 5, 6]);
  const curved = saveNpz(
    Object.fromEntries(
      ["x", "y", "z", "u"].map((name, i) => [
        name,
        { shape: [1, 2, 2], data: Float32Array.from([0, 1, 2, 3], (k) => 4 * i + k) },
      ]),
    ),
  );
  const solid = await readSample(curved, "a.npz", resolveFolderConfig({ grid: ["x", "y", "z"], targets: ["u"] }));
  expect([...solid.positions]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  expect(numbers(solid.targets[0])).toEqual([12, 13, 14, 15]);
});

it("has as many frames as rows, of which one is no sequence, and times only where they are of the frames", async () => {
  const file = (frames: number, times: Record<string, number>) =>
    saveNpz({
      ...{ y: { shape: [3], data: Float32Array.of(0, 1, 2) }, x: { shape: [2], data: Float32Array.of(0, 1) } },
      height: { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      u: { shape: [frames, 3, 2], data: Float32Array.from({ length: 6 * frames }, (_, i) => i) },
      ...Object.fromEntries(
        Object.entries(times).map(([name, size]) => [name, { shape: [size], data: new Float32Array(size) }]),
      ),
    });
  const config = resolveFolderConfig({ grid: ["y", "x"], inputs: ["height"], targets: ["u"] });
  const frames = (await arrayFramesIn(file(3, {}), "a.npz", frameRule(config)))!;
  const sample = await readSample(frames[1].bytes, frames[1].file, config);
  expect([frames.length, numbers(sample.inputs[0]), numbers(sample.targets[0])]).toEqual([
    ...[3, [1, 2, 3, 4, 5, 6], [6, 7, 8, 9, 10, 11]],
  ]);
  expect(await arrayFramesIn(file(1, {}), "a.npz", frameRule(config))).toBeUndefined();
  const isSequence = async (times: Record<string, number>) =>
    (await survey(new MemorySource({ "a.npz": file(4, times) }))).hasSequence === true;
  expect([await isSequence({ time: 4 }), await isSequence({ T: 4 })]).toEqual([true, true]);
  expect([await isSequence({ time: 5 }), await isSequence({ mach: 4 })]).toEqual([false, false]);
});

it("is kept in predictions, which the same config reads; a mesh has its cells", async () => {
  const config = resolveFolderConfig({ grid: ["lat", "lon"], coordinates: ["lon", "lat"], targets: ["t2m"] });
  const frames = await framesOf("weather.nc", config);
  const [{ bytes, sample }] = frames;
  const prediction = (offset: number) =>
    new Map([["prediction", { shape: [15], data: Float32Array.from({ length: 15 }, (_, i) => i + offset) }]]);
  const shapes = (file: Uint8Array) =>
    Object.fromEntries([...loadNpz(file)].map(([name, { shape }]) => [name, shape.join()]));

  const copy = await encode({ bytes, sample, arrays: prediction(0) }, ".npz");
  expect(shapes(copy)).toMatchObject({ t2m: "3,5", wind: "3,5,2", lat: "3", lon: "5", prediction: "3,5" });
  const again = resolveFolderConfig({ ...{ grid: ["lat", "lon"], targets: ["prediction"] } });
  expect(numbers((await readSample(copy, "copy.npz", again)).targets[0])).toEqual(
    numbers(prediction(0).get("prediction")),
  );

  const all = await encodeFrames(
    frames.map(({ bytes, sample }, frame) => ({ bytes, sample, arrays: prediction(100 * frame) })),
    "all.npz",
  );
  expect(shapes(all)).toEqual({
    ...{ time: "4", lat: "3", lon: "5", height: "4,3,5", t2m: "4,3,5", wind: "4,3,5,2", prediction: "4,3,5" },
  });
  expect([...loadNpz(all).get("prediction")!.data].slice(15, 17)).toEqual([100, 101]);
  expect([...loadNpz(all).get("lon")!.data]).toEqual([0, 2.5, 5, 7.5, 10]);

  const mesh = loadVtu(await encode({ bytes, sample, arrays: prediction(0) }, ".vtu"));
  expect(mesh.cells.types).toEqual(new Uint8Array(8).fill(9));
  expect([...mesh.pointData.keys()].sort()).toEqual(["height", "prediction", "t2m", "wind"]);
  expect([...mesh.points.data].slice(3, 6)).toEqual([2.5, 50, 0]);
});

it("that files do not have is an error that says what they have, and a config that contradicts itself", async () => {
  const config = (grid: unknown, more = {}) => resolveFolderConfig({ grid, targets: ["u"], ...more });
  const file = (arrays: Record<string, number[]>) =>
    saveNpz(
      Object.fromEntries(
        Object.entries(arrays).map(([name, shape]) => [
          name,
          { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
        ]),
      ),
    );
  const reading = (arrays: Record<string, number[]>) => readSample(file(arrays), "a.npz", config(["y", "x"]));
  await expect(reading({ x: [4], u: [3, 4] })).rejects.toThrow(
    'a.npz: has not the grid of the config: expected arrays [n] of its axes, or arrays [n, m] of its points\' coordinates; "y" is missing, "x" has the shape [4].',
  );
  await expect(reading({ x: [4], y: [3], u: [4, 3] })).rejects.toThrow(
    'a.npz: array "u" has the shape [4,3], expected [3,4], the grid of y, x, and components after it.',
  );
  await expect(reading({ x: [4], y: [3], v: [3, 4] })).rejects.toThrow('has no array "u"');
  // Moments are no components.
  await expect(reading({ x: [4], y: [3], u: [2, 3, 4] })).rejects.toThrow('array "u" has the shape [2,3,4]');
  await expect(reading({ x: [3, 4], y: [4, 3], u: [3, 4] })).rejects.toThrow("a.npz: has not the grid of the config");
  // A file of one moment may have an axis for it.
  expect((await reading({ x: [4], y: [3], u: [1, 3, 4] })).targets[0]).toMatchObject({ width: 1 });
  expect(() => config(["x"])).toThrow("grid must be the names of two or three axes");
  expect(() => config(["x", "x"])).toThrow("grid must be the names of two or three axes");
  expect(() => config(["y", "x"], { coordinates: ["lon", "lat"] })).toThrow(
    "coordinates must be the axes of the grid, in any order: y, x",
  );
  const moving = { targets: ["positions"], sequence: true };
  expect(() => config(["y", "x"], moving)).toThrow("targets.positions: the points of a grid do not move");
  const huge = file({ x: [40_000], y: [40_000], u: [1] });
  await expect(readSample(huge, "a.npz", config(["y", "x"]))).rejects.toThrow("1600000000 points");
  const long = file({ x: [300_000], y: [300_000], z: [300_000] });
  await expect(readSample(long, "a.npz", config(["z", "y", "x"]))).rejects.toThrow("27000000000000000 points");
});
