// Files that hold several frames in each array, as NumPy, h5py and netCDF4 write them (frames/make.py): each frame is a sample, and all
// of a file are a sequence.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, test } from "vitest";
import { parse } from "yaml";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { folderExperiment } from "../../../src/experiments/folder/experiment.ts";
import { findUnits } from "../../../src/experiments/folder/files.ts";
import { arrayFramesIn, FramesSource } from "../../../src/experiments/folder/frames.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { resolveOptions } from "../../../src/experiments/options.ts";
import type { SafeTensorInput } from "../../../src/formats/bytes/elements.ts";
import { loadNpz, saveNpz } from "../../../src/formats/numpy/npz.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "frames", name));
const sourceOf = (...names: string[]) => new MemorySource(new Map(names.map((name) => [name, read(name)])), "data");
const from = (first: number, count: number, scale: number) =>
  Array.from({ length: count }, (_, i) => (first + i) / scale);

it("a frame has its own rows of arrays of all frames, and all of the others", async () => {
  const frames = await arrayFramesIn(read("moving.npz"), "moving.npz", { isSequence: false });
  expect(frames?.map(({ file }) => file)).toEqual([0, 1, 2, 3].map((i) => `moving.npz/${i}.npz`));
  const config = resolveFolderConfig({
    inputs: ["mass", { name: "kind", classes: ["flow", "wall"] }],
    targets: ["u"],
    globals: ["time", { name: "stage", classes: ["a", "b", "c"] }],
    graph: "mesh",
  });
  const { bytes, file } = frames![2];
  const sample = await readSample(bytes, file, config);
  expect([...sample.positions]).toEqual(from(18, 9, 8));
  expect(sample.inputs.map(({ data }) => [...data])).toEqual([
    [1, 2, 3],
    [1, 0, 1],
  ]);
  expect([...(sample.targets[0]?.data ?? [])]).toEqual(from(6, 3, 4));
  expect(sample.globals.map(({ data }) => [...data])).toEqual([[0.2], [1]]);
  expect(sample.edges).toHaveLength(8);
});

it("frames share their points in sequences alone, and where there are as many as points each has its own row", async () => {
  expect(await arrayFramesIn(read("fixed.h5"), "fixed.h5", { isSequence: false })).toBeUndefined();
  const frames = await arrayFramesIn(read("fixed.h5"), "fixed.h5", { isSequence: true });
  const arrays = loadNpz(frames![3].bytes);
  expect([...arrays].map(([name, { shape }]) => [name, shape])).toEqual([
    ["mach", [1]],
    ["edges", [4, 2]],
    ["pos", [3, 3]],
    ["u", [3]],
    ["v", [3, 2]],
  ]);
  expect([...arrays.get("u")!.data]).toEqual(from(9, 3, 4));
  // Numbers [3, points] beside a target are no frames.
  const beside = { isSequence: true, targets: ["w"] };
  const single = saveNpz({
    pos: { shape: [5, 3], data: new Float32Array(15) },
    w: { shape: [5], data: new Float32Array(5) },
    modes: { shape: [3, 5], data: new Float32Array(15) },
  });
  expect(await arrayFramesIn(single, "a.npz", beside)).toBeUndefined();
  // A single row of the target is a frame, not so one of other arrays.
  const oneRow = (name: string) =>
    arrayFramesIn(
      saveNpz({
        pos: { shape: [5, 3], data: new Float32Array(15) },
        [name]: { shape: [1, 5], data: Float32Array.of(1, 2, 3, 4, 5) },
      }),
      "a.npz",
      beside,
    );
  const [only, ...more] = (await oneRow("w")) ?? [];
  expect([only.file, more]).toEqual(["a.npz/0.npz", []]);
  expect(loadNpz(only.bytes).get("w")).toMatchObject({ shape: [5], data: Float32Array.of(1, 2, 3, 4, 5) });
  expect(await oneRow("modes")).toBeUndefined();
  // Nor are those of arrays that tell different numbers, or of a target beside one that has no frames.
  const differing = (targets?: string[]) =>
    arrayFramesIn(
      saveNpz({
        pos: { shape: [5, 3], data: new Float32Array(15) },
        ...{ u: { shape: [4, 5], data: new Float32Array(20) }, v: { shape: [3, 5], data: new Float32Array(15) } },
        w: { shape: [5], data: new Float32Array(5) },
      }),
      "a.npz",
      { isSequence: true, ...(targets && { targets }) },
    );
  expect(await differing(["u"])).toHaveLength(4);
  for (const targets of [undefined, ["u", "v"], ["u", "w"]]) expect(await differing(targets)).toBeUndefined();
  const square = await arrayFramesIn(read("square.npz"), "square.npz", { isSequence: true });
  expect([...loadNpz(square![1].bytes).get("mass")!.data]).toEqual([2]);
  expect(await arrayFramesIn(read("fixed.nc"), "fixed.nc", { isSequence: true })).toBeUndefined();
  const named = { coordinates: ["lon", "lat"], isSequence: true };
  expect(await arrayFramesIn(read("fixed.nc"), "fixed.nc", named)).toHaveLength(4);
});

test.each([
  ["moving.npz", 4, { targets: ["u", "positions"], sequence: { history: 1 } }],
  ["fixed.h5", 4, { targets: ["u"], sequence: true }],
  ["fixed.nc", 4, { targets: ["u"], sequence: { stride: 2 }, coordinates: ["lon", "lat"] }],
])("%s is a sequence", async (name, count, config) => {
  const source = sourceOf(name);
  const resolved = resolveFolderConfig(config);
  const frames = new FramesSource(source, { coordinates: resolved.coordinates, isSequence: true });
  const [unit, ...others] = await findUnits(frames, { sequence: true });
  expect([unit.name, unit.files.length, others]).toEqual([name, count, []]);
  const experiment = folderExperiment({ ...config, splits: { train: [name] } });
  const data = await experiment.load("train", resolveOptions(experiment.options) as never, source);
  const { stride, history = 0 } = resolved.sequence!;
  expect(data!.size).toBe(4 - stride * (history + 1));
  const { pair } = await data!.load(0, undefined as never);
  expect([...pair.sample.targets[0]!.data]).toEqual(from(3 * history * stride, 3, 4));
  expect([...pair.next!.targets[0]!.data]).toEqual(from(3 * (history + 1) * stride, 3, 4));
});

it("init finds frames, and proposes a sequence where they share their points", async () => {
  const proposedFor = async (name: string) => {
    const text = proposeConfig(await survey(sourceOf(name)), "data");
    return { text, config: parse(text) };
  };
  const moving = await proposedFor("moving.npz");
  expect(moving.text).toContain("4 frames in .npz files of 3 points");
  expect(moving.config.sequence).toBeUndefined();
  expect(moving.config.splits).toEqual({ train: 0.8, val: 0.1, test: 0.1, seed: 0 });
  // Of many such files whole ones are held out.
  const many = new Map(Array.from({ length: 10 }, (_, i) => [`${i}.npz`, read("moving.npz")] as const));
  const { splits } = parse(proposeConfig(await survey(new MemorySource(many, "data")), "data"));
  expect(splits).toEqual({ train: 0.8, val: 0.1, test: 0.1, seed: 0, group_by: "file" });
  expect(Object.keys(moving.config.targets)).toEqual(["u"]);
  for (const name of ["fixed.h5", "fixed.nc"]) {
    const { config } = await proposedFor(name);
    expect(config.sequence).toEqual({ stride: 1, rollout: 100 });
    expect(Object.keys(config.targets)).toEqual(name === "fixed.h5" ? ["u", "v"] : ["u"]);
    expect(config.globe).toEqual(name === "fixed.h5" ? undefined : ["lon", "lat"]);
  }
});

it("init knows the layouts of MD17, ModelNet40 and PDEBench", async () => {
  const numbers = (shape: number[], value: (i: number) => number) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
    return { shape, data };
  };
  const proposedFor = async (arrays: Record<string, SafeTensorInput>) => {
    const source = new MemorySource(new Map([["a.npz", saveNpz(new Map(Object.entries(arrays)))]]), "data");
    return proposeConfig(await survey(source), "data");
  };
  const molecules = await proposedFor({
    E: numbers([20, 1], (i) => -i / 3),
    F: numbers([20, 4, 3], Math.sin),
    R: numbers([20, 4, 3], Math.cos),
    z: { shape: [4], data: Uint8Array.of(6, 1, 1, 1) },
    old_indices: numbers([20], (i) => i),
  });
  expect(parse(molecules)).toMatchObject({
    coordinates: "R",
    dimensions: 3,
    inputs: { z: { classes: 7 } },
    globals: {},
  });
  expect(parse(molecules).targets).toEqual({ F: {}, E: { whole: true } });
  const clouds = await proposedFor({
    data: numbers([20, 16, 3], Math.sin),
    label: { shape: [20, 1], data: Uint8Array.from({ length: 20 }, (_, i) => i) },
  });
  const parts = await proposedFor({ data: numbers([20, 16, 3], Math.sin), pid: numbers([20, 16], (i) => i % 5) });
  expect(parse(parts).targets).toEqual({ pid: { classes: 5 } });
  expect(parse(clouds)).toMatchObject({ coordinates: "data", targets: { label: { whole: true } } });
  expect(clouds).toMatch(
    /classes: \d+, whole: true\} +# whole numbers, 0 to \d+ in 8 samples: edit, if others have larger ones/,
  );
  const grids = {
    nu: numbers([20, 4, 5], Math.sin),
    tensor: numbers([20, 1, 4, 5], (i) => i),
    "x-coordinate": numbers([4], (i) => i),
    "y-coordinate": numbers([5], (i) => i),
  };
  const axes = ["x-coordinate", "y-coordinate"];
  const ofGrid = parse(await proposedFor(grids));
  expect(ofGrid).toMatchObject({ coordinates: axes, grid: axes, inputs: { nu: {} }, targets: { tensor: {} } });
  const rule = { grid: { axes, coordinates: axes }, isSequence: false, targets: ["tensor"] };
  const frames = (await arrayFramesIn(saveNpz(new Map(Object.entries(grids))), "a.npz", rule)) ?? [];
  expect(frames).toHaveLength(20);
  const config = resolveFolderConfig(ofGrid);
  const [target] = (await readSample(frames[3].bytes, frames[3].file, config)).targets;
  expect([...target!.data]).toEqual(Array.from({ length: 20 }, (_, i) => 60 + i));
});

it("a file of frames is a data set of its own, beside others: as NumPy, h5py and ASE wrote it", async () => {
  const atoms = readFileSync(join(import.meta.dirname, "..", "..", "formats", "maps", "ase.extxyz"));
  const files = { "moving.npz": read("moving.npz"), "fixed.h5": read("fixed.h5"), "train.extxyz": atoms };
  const source = new MemorySource(new Map<string, Uint8Array>(Object.entries(files)), "data");
  const sizeOf = async (list: string, given: object) => {
    const experiment = folderExperiment({ ...given, splits: { train: 1 } }, { list });
    const data = await experiment.load("train", resolveOptions(experiment.options) as never, source);
    return Array.from({ length: data!.size }, (_, i) => data!.nameOf(i));
  };
  expect(await sizeOf("moving.npz", { targets: ["u"] })).toEqual([0, 1, 2, 3].map((i) => `moving.npz/${i}.npz`));
  expect(await sizeOf("fixed.h5", { targets: ["u"], sequence: true })).toHaveLength(3);
  const energy = { energy: { whole: true } };
  expect(await sizeOf("train.extxyz", { targets: energy })).toEqual(["train.extxyz/0.extxyz", "train.extxyz/1.extxyz"]);
  const listed = async (lines: string[], given: object) => {
    const list = new TextEncoder().encode(lines.join("\n"));
    const experiment = folderExperiment({ ...given, splits: { train: 1 } }, { list: "list.txt" });
    const beside = new MemorySource(new Map<string, Uint8Array>([...source.files, ["list.txt", list]]), "data");
    const data = await experiment.load("train", resolveOptions(experiment.options) as never, beside);
    return Array.from({ length: data!.size }, (_, i) => data!.nameOf(i));
  };
  // Each means all of its frames in a list, too.
  expect(await listed(["moving.npz"], { targets: ["u"] })).toEqual([0, 1, 2, 3].map((i) => `moving.npz/${i}.npz`));
  expect(await listed(["train.extxyz"], { targets: energy })).toEqual([0, 1].map((i) => `train.extxyz/${i}.extxyz`));
  expect(await listed(["fixed.h5"], { targets: ["u"], sequence: true })).toHaveLength(3);
  const lost = "data/lost.extxyz: there is no such file";
  await expect(listed(["lost.extxyz"], { targets: energy })).rejects.toThrow(lost);
  const flows = { targets: ["u"], sequence: true };
  await expect(listed(["fixed.h5", "lost.extxyz"], flows)).rejects.toThrow(lost);
  await expect(listed(["fixed.h5", "lost.h5"], flows)).rejects.toThrow("data/lost.h5: there is no such file");
  // Alone it is no split of that name.
  const found = await survey(source, { files: "train.extxyz" });
  expect(found).toMatchObject({ files: 2, splitFolders: false });
  expect(parse(proposeConfig(found, "data"))).toMatchObject({ files: "train.extxyz", splits: { train: 0.8 } });
  expect(proposeConfig(found, "data")).toContain("2 frames in .extxyz files of 2 points");
  await expect(sizeOf("fixed.h5", { targets: ["u"] })).rejects.toThrow(
    'data/fixed.h5: array "u" has 4 rows, there are 3 points. Arrays [frames, points, ...] are of a sequence: sequence: true.',
  );
  await expect(sizeOf("train.extxyz", { targets: energy, globals: ["co2"] })).rejects.toThrow(
    'data/train.extxyz/0.extxyz: has no array "co2"; there are "species", "energy".',
  );
});

it("a gap in a sequence is an error, unless it may be there, which is proposed and advised", async () => {
  const gaps = saveNpz({
    pos: { shape: [2, 3], data: Float32Array.of(0, 0, 0, 1, 1, 1) },
    u: { shape: [3, 2], data: Float32Array.of(1, 2, 3, Number.NaN, 5, 6) },
  });
  const source = new MemorySource(new Map([["a.npz", gaps]]), "data");
  const text = proposeConfig(await survey(source), "data");
  expect(text).toMatch(/u: \{missing: nan\} +# 1 to 6; 16\.7 % missing\n/);
  const load = (targets: object) => {
    const experiment = folderExperiment({ ...parse(text), targets, splits: { train: ["*"] } });
    return experiment.load("train", resolveOptions(experiment.options) as never, source);
  };
  await expect(load({ u: {} })).rejects.toThrow(
    /^data\/a\.npz\/1\.npz: array "u", row 1: is NaN, expected finite numbers; missing: nan leaves such values out\.$/,
  );
  const data = await load(parse(text).targets);
  expect((await data!.load(0, undefined as never)).truth).toEqual(Float32Array.of(0, Number.NaN));
});

it("a damaged file is an error among sequences, before and after others, and else a sample as any other", async () => {
  const damaged = read("moving.npz").subarray(0, 1000);
  const filesOf = (...files: Uint8Array[]) =>
    new MemorySource(new Map(files.map((file, i) => [`run${i}.npz`, file])), "d");
  for (const [i, files] of [
    [read("moving.npz"), damaged],
    [damaged, read("moving.npz")],
  ].entries()) {
    const list = (isSequence: boolean) =>
      findUnits(new FramesSource(filesOf(...files), { isSequence, targets: ["u"] }), { sequence: isSequence });
    await expect(list(true)).rejects.toThrow(new RegExp(`^d/run${1 - i}\\.npz: not a ZIP archive, or truncated`));
    expect(await list(false)).toHaveLength(5);
    const problems: string[] = [];
    const found = await survey(filesOf(...files), { onBad: (file) => problems.push(file) });
    expect([found.files, found.looked, problems]).toEqual([5, 4, [`run${1 - i}.npz`]]);
  }
});

it("of many files without frames one is read, and of those with frames each once", async () => {
  const single = saveNpz({ pos: { shape: [2, 3], data: new Float32Array(6) } });
  const reads: string[] = [];
  const listed = async (files: Record<string, Uint8Array>) => {
    const memory = new MemorySource(new Map(Object.entries(files)), "data");
    const source = {
      name: "data",
      list: (folder: string) => memory.list(folder),
      size: (path: string) => memory.size(path),
      read: (path: string) => {
        reads.push(path);
        return memory.read(path);
      },
    };
    const frames = new FramesSource(source, { isSequence: false });
    const units = await findUnits(frames, { sequence: false });
    for (const { files } of units) {
      if (!files[0].includes("/")) continue;
      const whole = await frames.read(files[0]);
      expect(await frames.read(files[0], { offset: 2, length: 9 })).toEqual(whole.subarray(2, 11));
    }
    return units.length;
  };
  expect(await listed({ "a.npz": single, "b.npz": single, "c.npz": single })).toBe(3);
  expect(reads.splice(0)).toEqual(["a.npz"]);
  expect(await listed({ "a.npz": read("moving.npz"), "b.npz": read("moving.npz"), "c.npz": single })).toBe(9);
  expect(reads).toEqual(["a.npz", "b.npz", "c.npz"]);
  // One without points tells nothing of others.
  const table = saveNpz({ weights: { shape: [2], data: new Float32Array(2) } });
  expect(await listed({ "a.npz": table, "b.npz": read("moving.npz") })).toBe(5);
});
