// Experiments on folders in every host, with the built library: all formats give the same samples, the reported loss is the one that
// is minimised, splits are as requested, and sequences are rolled out.

import { evaluate, fit, MemoryLogger } from "erwin";
import {
  type FieldModel,
  FOLDER,
  fitOptions,
  folderExperiment,
  MemorySource,
  openRun,
  resolveOptions,
} from "erwin/experiments";
import { saveCsv, saveNpz, savePly, savePvd, saveSafetensors, saveVtk, saveVtu } from "erwin/formats";
import { describe, expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { smallOfFields as model, onEachDevice, quickBackends } from "../support/models.ts";

const side = 5;
const points = side * side;
const text = (value: string) => new TextEncoder().encode(value);
const each = (value: (x: number, y: number) => number) =>
  Float32Array.from({ length: points }, (_, p) => value(Math.floor(p / side) / side, (p % side) / side));
const positions = Float32Array.from(
  { length: 3 * points },
  (_, i) => [Math.floor(i / 3 / side), Math.floor(i / 3) % side, 0.25][i % 3] / side,
);
const height = each((x, y) => x * y);
const fields = (shift: number) => ({
  pressure: each((x, y) => 1000 + 10 * Math.sin(4 * x + shift) + y),
  velocity: Float32Array.from({ length: 3 * points }, (_, i) => Math.cos(i + shift)),
  region: each((x, y) => (x > y ? 2 : x + y > 1 + shift / 10 ? 1 : 0)),
});

const formats: Record<string, (shift: number) => Uint8Array> = {
  vtu: (shift) => {
    const { pressure, velocity, region } = fields(shift);
    return saveVtu({
      points: { shape: [points, 3], data: positions },
      pointData: new Map([
        ["height", { shape: [points], data: height }],
        ["pressure", { shape: [points], data: pressure }],
        ["velocity", { shape: [points, 3], data: velocity }],
        ["region", { shape: [points], data: Int32Array.from(region) }],
      ]),
      fieldData: new Map([["speed", { shape: [1], data: Float64Array.of(shift) }]]),
    });
  },
  npz: (shift) => saveNpz(arrays(shift)),
  safetensors: (shift) => saveSafetensors(arrays(shift)),
  vtk: (shift) => saveVtk(cloud(shift)),
  ply: (shift) => savePly(cloud(shift)),
  csv: (shift) => saveCsv(cloud(shift)),
};

function arrays(shift: number) {
  const { pressure, velocity, region } = fields(shift);
  return {
    positions: { shape: [points, 3], data: positions },
    height: { shape: [points], data: height },
    pressure: { shape: [points, 1], data: pressure },
    velocity: { shape: [points, 3], data: velocity },
    region: { shape: [points], data: BigInt64Array.from(region, (value) => BigInt(value)) },
    speed: { shape: [], data: Float32Array.of(shift) },
  };
}

function cloud(shift: number) {
  const { pressure, velocity, region } = fields(shift);
  const attributes = new Map([
    ["height", { data: height, channels: 1 }],
    ["pressure", { data: pressure, channels: 1 }],
    ["velocity", { data: velocity, channels: 3 }],
    ["region", { data: region, channels: 1 }],
    ["speed", { data: new Float32Array(points).fill(shift), channels: 1 }],
  ]);
  return { positions, dimensionality: 3, attributes };
}

const source = (format: string) =>
  new MemorySource(new Map(Array.from({ length: 6 }, (_, i) => [`s${i}.${format}`, formats[format](i)])), "data");

const config = {
  inputs: ["height"],
  targets: { pressure: { loss: "gaussian" }, velocity: { loss: "relative_l2", weight: 2 }, region: { classes: 3 } },
  globals: ["speed"],
  model,
};

onEachDevice((device, backend) => {
  const open = async (given: object, files: MemorySource, more: Record<string, unknown> = {}) => {
    const experiment = folderExperiment(given);
    const options = resolveOptions(experiment.options, more);
    const run = await openRun(FOLDER, experiment, { device: device(), options, source: files });
    return { experiment, options, ...run };
  };
  const load = (data: { load(index: number, random: never): unknown }, index: number) =>
    data.load(index, undefined as never);

  test("all formats give the same samples", async () => {
    const samples: Record<string, Float32Array>[] = [];
    for (const format of Object.keys(formats)) {
      const { trainData, model } = await open({ ...config, splits: { train: ["s2"] } }, source(format));
      const { positions, features, truth } = (await load(trainData, 0)) as Record<string, Float32Array>;
      samples.push({ positions, features, truth });
      model.dispose();
    }
    // The features are height and speed; the truths are pressure, velocity and three classes.
    expect(samples[0].features).toHaveLength(2 * points);
    expect(samples[0].truth).toHaveLength(7 * points);
    for (const sample of samples) expect(sample).toEqual(samples[0]);
  });

  test.each(["knn", "none", { kind: "radius", radius: 0.3 }])(
    "the loss that is trained is the one that is reported: graph %j",
    async (graph) => {
      const { trainData, task, model } = await open({ ...config, graph }, source("vtu"));
      const samples = [await load(trainData, 1)];
      const batch = await task.prepare(samples);
      using loss = await task.loss(batch);
      const { batch: numbers } = await task.details!(batch);
      expectClose([...(await loss.data())], [numbers.loss as number], 1e-4, "loss");
      model.dispose();
    },
  );

  test("a value of the whole is the mean of the points' outputs, and each sample counts the same in its loss", async () => {
    const random = (count: number, seed: number) =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 7 * i * i));
    const sizes = [5, 40, 12];
    const drags = [1, 2, 6];
    const filesOf = (rows: (n: number) => number, shape: (n: number) => number[]) => {
      const file = (n: number, i: number) =>
        saveNpz({
          positions: { shape: [n, 3], data: random(3 * n, i) },
          pressure: { shape: [n], data: random(n, i + 50) },
          drag: { shape: shape(n), data: new Float32Array(rows(n)).fill(drags[i]) },
          kind: { shape: shape(n), data: new Int32Array(rows(n)).fill(i) },
        });
      return new MemorySource(new Map(sizes.map((n, i) => [`s${i}.npz`, file(n, i)])), "data");
    };
    const configOf = (whole: boolean) => ({
      targets: { drag: { whole }, pressure: {}, kind: { classes: 3, whole } },
      splits: { train: ["*"] },
      model,
    });
    const ofWhole = await open(
      configOf(true),
      filesOf(
        () => 1,
        () => [],
      ),
    );
    // The same weights, whose outputs are left as they are.
    const ofPoints = await open(
      { ...configOf(false), targets: ["pressure", "drag", { name: "kind", classes: 3 }] },
      filesOf(
        (n) => n,
        (n) => [n],
      ),
    );
    const outputsOf = async ({ trainData, task, model }: typeof ofWhole) => {
      const batch = await task.prepare(await Promise.all(sizes.map((_, i) => load(trainData, i))));
      using output = await (model as FieldModel).forward((batch as { input: never }).input);
      using loss = await task.loss(batch);
      return {
        rows: (await output.data()) as Float32Array,
        loss: (await loss.data())[0],
        details: await task.details!(batch),
        batch,
      };
    };
    const [found, plain] = [await outputsOf(ofWhole), await outputsOf(ofPoints)];
    // Each row has the pressure, the drag, and three logits.
    const expected = Float64Array.from(plain.rows);
    let [first, ofDrag, ofKind, ofPressure] = [0, 0, 0, 0];
    const truths = (found.batch as { truth: Float32Array }).truth;
    sizes.forEach((n, cloud) => {
      const mean = (column: number) =>
        plain.rows
          .filter((_, i) => i >= 5 * first && i < 5 * (first + n) && i % 5 === column)
          .reduce((sum, value) => sum + value, 0) / n;
      const means = [1, 2, 3, 4].map(mean);
      for (let row = first; row < first + n; row++) {
        expected.set(means, 5 * row + 1);
        ofPressure += (plain.rows[5 * row] - truths[5 * row]) ** 2 / 57;
      }
      ofDrag += (means[0] - (drags[cloud] - 3) / Math.sqrt(14 / 3)) ** 2 / 3;
      ofKind += (Math.log(means.slice(1).reduce((sum, value) => sum + Math.exp(value), 0)) - means[1 + cloud]) / 3;
      first += n;
    });
    expectClose([...found.rows], [...expected], 1e-5, "outputs");
    expectClose([found.loss], [(ofPressure + ofDrag + ofKind) / 3], 1e-5, "loss");
    const { model: trained, experiment, trainData } = ofWhole;
    const fields = await experiment.predictFields(trained as FieldModel, (await load(trainData, 2)) as never);
    const drag = fields.find(({ name }) => name === "drag")!;
    expectClose(
      [...drag.prediction],
      new Array(12).fill(expected[5 * 45 + 1] * Math.sqrt(14 / 3) + 3),
      1e-5,
      "prediction",
    );
    expect([...drag.truth!]).toEqual(new Array(12).fill(6));
    expect(fields.map(({ name, isWhole }) => `${name} ${isWhole ?? false}`)).toEqual([
      "pressure false",
      "drag true",
      "kind true",
    ]);
    for (const { model } of [ofWhole, ofPoints]) model.dispose();
  });

  // One backend is enough for how frames become samples; whole trainings are tested on the other elsewhere.
  if (backend !== "cpu") return;
  // The expected numbers were found in float64 by an implementation of its own in NumPy and PyTorch, written from the specification and
  // the documentation: statistics, graph, model, losses, gradients, AdamW, metrics and the mean, over files and weights from `wave`.
  test("metrics, losses, gradient norms and the loss of the mean are those that PyTorch finds", async () => {
    const wave = (seed: number, count: number) =>
      Float32Array.from({ length: count }, (_, k) => Math.sin(seed + 1.3 * k + 0.37 * k * k));
    const sizes = { a: 9, b: 1, c: 33, d: 20, v: 3, w: 17 };
    const files = Object.entries(sizes).map(([name, n], i) => {
      const velocity = wave(10 * i + 2, 3 * n).map((value) => value + 0.5);
      const arrays = {
        positions: { shape: [n, 3], data: wave(10 * i, 3 * n) },
        height: { shape: [n], data: wave(10 * i + 1, n) },
        still: { shape: [n], data: new Float32Array(n).fill(0.1) },
        material: { shape: [n], data: Int32Array.from({ length: n }, (_, k) => (k * k + i) % 4) },
        pressure: { shape: [n], data: wave(10 * i + 3, n).map((value) => 1000 + 10 * value) },
        velocity: { shape: [n, 3], data: velocity },
        temperature: { shape: [n], data: wave(10 * i + 4, n) },
        region: { shape: [n], data: Int32Array.from({ length: n }, (_, k) => (k * k + k + i) % 3) },
        speed: { shape: [1], data: wave(10 * i + 5, 1) },
      };
      return [`${name}.npz`, saveNpz(arrays)] as const;
    });
    const given = {
      inputs: { height: { normalise: "range" }, still: {}, material: { classes: 4 } },
      targets: {
        pressure: {},
        velocity: { loss: "relative_l2", weight: 0.5 },
        temperature: { loss: "gaussian", weight: 2 },
        region: { classes: 3 },
      },
      globals: ["speed"],
      graph: { kind: "radius", radius: 0.6, max_neighbors: 5 },
      splits: { train: ["a*", "b*", "c*", "d*"], val: ["v*", "w*"] },
      model: { ...model, enc_depths: [2, 2], rotate: 45 },
    };
    const numbers = { steps: 4, batchSize: 2, lr: 1e-3, minLr: 1e-4, warmup: 1, weightDecay: 0.1, maxGradNorm: 1 };
    const more = { ...numbers, shuffle: false, logEvery: 1 };
    const run = await open(given, new MemorySource(new Map(files), "data"), more);
    const { experiment, options, model: trained, task, trainData, validationData } = run;
    const parts = [...trained.state()].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [t, [name, tensor]] of parts.entries()) {
      const { shape } = tensor;
      const scale = shape.length === 2 ? 1 / Math.sqrt(shape[1]) : 0.3;
      const centre = shape.length === 1 && /(weight|running_var)$/.test(name) ? 1 : 0;
      const values = wave(t, tensor.size);
      tensor.set(values.map((value) => centre + scale * value));
    }
    const logger = new MemoryLogger();
    const found = await evaluate({ device: device(), task, data: validationData!, batchSize: 2 });
    const expected = {
      loss: 1.4639733838,
      mae_pressure: 5.890866881,
      rmse_pressure: 7.2849480871,
      relative_l2_pressure: 0.0072256870783,
      r2_pressure: -0.22131728022,
      mae_velocity: 0.9973365478,
      rmse_velocity: 1.210584928,
      relative_l2_velocity: 1.3752700227,
      r2_velocity: -2.2568743977,
      mae_temperature: 1.0107639265,
      rmse_temperature: 1.2768482611,
      relative_l2_temperature: 1.7302627324,
      r2_temperature: -2.5166391211,
      accuracy_region: 5 / 17,
      iou_region_0: 0,
      iou_region_1: 0,
      iou_region_2: 6 / 17,
      iou_region: 2 / 17,
    };
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [metric, value] of Object.entries(expected)) expectClose([found[metric]], [value], 1e-5, metric);
    const { mean } = await experiment.baselines(validationData as never, trainData as never);
    expectClose([mean], [1.166726868], 1e-6, "mean");
    await fit({ ...fitOptions(options), model: trained, task, trainData, logger });
    const logged = (name: string) => logger.entries.map((entry) => Number(entry[name]));
    expectClose(logged("loss"), [1.1589936716, 1.2387102857, 1.0561006855, 1.1937955966], 1e-5, "losses");
    expectClose(
      logged("gradientNorm"),
      [1.3704757362, 1.4779920383, 1.1461759024, 1.1782294615],
      1e-5,
      "gradient norms",
    );
    expectClose(logged("lr"), [0.001, 0.001, 0.000775, 0.000325], 1e-12, "learning rates");
    trained.dispose();
  });

  test("a sequence is learnt better than that nothing changes, and rolled out", async () => {
    const files = new Map<string, Uint8Array>();
    for (const c of [0, 1, 2, 3, 4]) {
      const frames = Array.from({ length: 6 }, (_, f) => ({ file: `frames/c${c}-${f}.vtu`, time: f }));
      for (const { file, time } of frames) files.set(file, formats.vtu(c / 5 + 0.8 * time));
      files.set(`c${c}.pvd`, savePvd([...frames].reverse()));
    }
    const given = { targets: ["pressure"], globals: ["speed"], sequence: { rollout: 4 }, model };
    const {
      experiment,
      options,
      trainData,
      testData,
      model: trained,
      task,
    } = await open(given, new MemorySource(files, "data"), { steps: 60, batchSize: 4, lr: 0.01, warmup: 0 });
    expect(trainData.size).toBe(15);
    expect(testData!.nameOf(2)).toMatch(/^c\d\.pvd, frame 2$/);
    const logger = new MemoryLogger();
    await fit({ ...fitOptions(options), model: trained, task, trainData, testData, logger });
    const { persistence } = await experiment.baselines(testData as never, trainData as never);
    expect(Number(logger.entries.at(-1)?.loss)).toBeLessThan(persistence / 2);
    const { curves } = await experiment.rollout!(trained as never, testData as never, options);
    expect(curves.rmse_pressure).toHaveLength(4);
    expect(curves.rmse_pressure[0]).toBeLessThan(curves.persistence_pressure[0]);
    trained.dispose();
  });
}, quickBackends);

describe("splits", () => {
  /** What the splits of the last call have to remark. */
  const notes: string[] = [];
  const names = async (splits: unknown, files: Record<string, Uint8Array> = {}) => {
    const all = new Map(
      Array.from({ length: 10 }, (_, i) => [`${i < 6 ? "train" : i < 8 ? "valid" : "test"}/s${i}.csv`, formats.csv(i)]),
    );
    const data = new MemorySource(new Map([...all, ...Object.entries(files)]), "data");
    const experiment = folderExperiment({ targets: ["pressure"], splits, model });
    const options = resolveOptions(experiment.options);
    const found: Record<string, string[]> = {};
    notes.length = 0;
    for (const split of ["train", "val", "test"] as const) {
      const part = await experiment.load(split, options, data);
      if (part?.note !== undefined) notes.push(part.note);
      found[split] = Array.from({ length: part?.size ?? 0 }, (_, i) => part!.nameOf(i).replace(/^\w+\/|\.csv$/g, ""));
    }
    return found;
  };

  test("by folders where there are such, by lists, patterns and files", async () => {
    const byFolder = { train: ["s0", "s1", "s2", "s3", "s4", "s5"], val: ["s6", "s7"], test: ["s8", "s9"] };
    expect(await names(undefined)).toEqual(byFolder);
    expect(await names({ train: ["train/*"], val: ["valid"], test: ["test/s8.csv", "test/s9"] })).toEqual(byFolder);
    const lists = {
      "a.txt": text("train/s3.csv\n\ntrain/s1.csv\n"),
      "s.yaml": text("train: [train/s2]\nvalidation: [valid]\n"),
    };
    expect(await names({ train: "a.txt", test: ["test"] }, lists)).toEqual({
      train: ["s3", "s1"],
      val: [],
      test: ["s8", "s9"],
    });
    expect(await names("s.yaml", lists)).toEqual({ train: ["s2"], val: ["s6", "s7"], test: [] });
    await expect(names({ train: ["train/s77"] })).rejects.toThrow(
      "data/train/s77: a split lists it, but there is no such sample",
    );
  });

  test("by names that other folders have, too, and with samples in two of them, which are told", async () => {
    const outer = { "s1.csv": formats.csv(1) };
    expect(await names({ train: ["s1.csv"], test: ["train/s1.csv"] }, outer)).toEqual({
      train: ["s1"],
      val: [],
      test: ["s1"],
    });
    expect(notes).toEqual([]);
    await names({ train: ["train/*"], val: ["valid"], test: ["train/s1", "test"] });
    expect(notes).toEqual(["1 of the 3 samples in the split test are in the split train, too: train/s1.csv"]);
    // A copy of a sample with predictions, as the command writes it.
    const lines = new TextDecoder().decode(formats.csv(1)).trim().split("\n");
    const predicted = text(lines.map((line, i) => `${line},${i === 0 ? "prediction" : 1}\n`).join(""));
    await names({ train: ["train/*"], test: ["test"] }, { "train/predicted.csv": predicted });
    expect(notes).toEqual([
      '1 of the 7 samples in the split train have an array "prediction", as erwin predict writes it: train/predicted.csv. If they are copies of samples, leave them out',
    ]);
  });

  test("at random: all once, the same for the same seed", async () => {
    const fractions = { train: 0.6, val: 0.2, test: 0.2 };
    const first = await names({ ...fractions, seed: 1 });
    expect([first.train.length, first.val.length, first.test.length]).toEqual([6, 2, 2]);
    expect([...first.train, ...first.val, ...first.test].sort()).toEqual(Array.from({ length: 10 }, (_, i) => `s${i}`));
    expect(await names({ ...fractions, seed: 1 })).toEqual(first);
    expect(await names({ ...fractions, seed: 2 })).not.toEqual(first);
  });
});

test("says what a sample lacks, and where a number is none", async () => {
  const refuse = async (given: object, files: Record<string, Uint8Array>) => {
    const experiment = folderExperiment({ targets: ["pressure"], ...given });
    const data = new MemorySource(new Map(Object.entries(files)), "data");
    try {
      await experiment.load("train", resolveOptions(experiment.options), data);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("was not refused");
  };
  const csv = { "a.csv": text("x,y,pressure\n0,0,1\n1,0,2\n0,1,3\n") };
  expect(await refuse({}, {})).toMatch(/^data: holds no sample/);
  expect(await refuse({}, { "a.e57": text("ASTM-E57") })).toMatch(
    /holds no sample .* "a\.e57" is a point cloud of another format: convert it/,
  );
  expect(await refuse({ inputs: ["sdf"] }, csv)).toMatch(
    /^data\/a\.csv: has no array "sdf" of its points; there are "pressure"/,
  );
  expect(await refuse({ globals: ["pressure"] }, csv)).toMatch(
    /a\.csv: array "pressure" is a global, but point 1 has another value/,
  );
  expect(await refuse({ graph: "mesh" }, csv)).toMatch(/a\.csv: has no cells/);
  expect(await refuse({ dimensions: 3 }, csv)).toMatch(/a\.csv: has 2 coordinates, expected 3/);
  expect(await refuse({ sequence: true }, csv)).toMatch(/holds no sequence/);
  const nan = saveNpz({
    positions: { shape: [2, 2], data: Float32Array.of(0, 0, 1, 1) },
    pressure: { shape: [2], data: Float32Array.of(0, Number.NaN) },
  });
  expect(await refuse({}, { "n.npz": nan })).toMatch(/n\.npz: array "pressure", row 1: is NaN/);
  const long = saveNpz({
    xyz: { shape: [2, 2], data: new Float32Array(4) },
    pressure: { shape: [3], data: new Float32Array(3) },
  });
  expect(await refuse({}, { "l.npz": long })).toMatch(/l\.npz: holds no array of positions.*"xyz", "pressure"/);
  expect(await refuse({ coordinates: "xyz" }, { "l.npz": long })).toMatch(
    /l\.npz: array "pressure" has 3 rows, there are 2 points/,
  );
});
