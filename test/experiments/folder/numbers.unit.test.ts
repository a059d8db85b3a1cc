// Processing of a sample's values: statistics, normalisation, rotations and noise, losses and metrics.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../../src/errors.ts";
import { meanOfEach } from "../../../src/experiments/baselines.ts";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import type { OnBad } from "../../../src/experiments/experiment.ts";
import { turned, withNoise } from "../../../src/experiments/folder/augment.ts";
import { baselineLosses } from "../../../src/experiments/folder/baselines.ts";
import { cloudOf } from "../../../src/experiments/folder/cloud.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { folderExperiment } from "../../../src/experiments/folder/experiment.ts";
import { layOut } from "../../../src/experiments/folder/layout.ts";
import { measure, summarise } from "../../../src/experiments/folder/metrics.ts";
import { predictionsOf } from "../../../src/experiments/folder/predictions.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import type { FieldSample } from "../../../src/experiments/folder/sample.ts";
import {
  computeStatistics,
  type Pair,
  RunningStatistics,
  scalingOf,
} from "../../../src/experiments/folder/statistics.ts";
import { resolveOptions } from "../../../src/experiments/options.ts";
import { kinds } from "../../../src/formats/clouds/cells.ts";
import { saveVtu } from "../../../src/formats/vtk/vtu-write.ts";
import { Random } from "../../../src/random.ts";

const config = resolveFolderConfig({
  inputs: { normal: {}, kind: { classes: 3 } },
  targets: { pressure: {}, velocity: { loss: "relative_l2" }, region: { classes: 2 } },
  globals: { speed: { normalise: "range" } },
  augmentation: { rotation: "all" },
});

/** Makes a sample with pressures far from zero, as in pascals. */
function sampleOf(points: number, seed: number): FieldSample {
  const random = new Random(seed, "sample");
  const numbers = (count: number, mean: number, deviation: number) =>
    Float64Array.from({ length: count }, () => mean + deviation * random.normal());
  const whole = (below: number) => Float64Array.from({ length: points }, () => Math.floor(below * random.uniform()));
  return {
    file: `sample ${seed}`,
    points,
    dimensions: 3,
    positions: numbers(3 * points, 1e6, 3),
    inputs: [
      { data: numbers(3 * points, 0, 1), width: 3 },
      { data: whole(3), width: 1 },
    ],
    targets: [
      { data: numbers(points, 101_325, 10), width: 1 },
      { data: numbers(3 * points, 2, 5), width: 3 },
      { data: whole(2), width: 1 },
    ],
    globals: [{ data: Float64Array.of(seed), width: 1 }],
  };
}

async function* inTurn(pairs: readonly Pair[]): AsyncGenerator<Pair> {
  yield* pairs;
}

const pairs = [sampleOf(5, 1), sampleOf(17, 2), sampleOf(2, 3)].map((sample) => ({ sample }));
const statistics = await computeStatistics(inTurn(pairs), config);
const layout = layOut(config, statistics);
const clouds = pairs.map((pair) => cloudOf(pair, layout));
const all = (index: number) => pairs.flatMap(({ sample }) => [...sample.targets[index]!.data]);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("statistics", () => {
  it("of parts, one after the other, are those of the whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1 }), { minLength: 1 }),
        (parts) => {
          const running = new RunningStatistics();
          for (const part of parts) running.add({ data: Float64Array.from(part), width: 1 });
          const values = parts.flat();
          const { mean: found, deviation, least, most } = running.result;
          const middle = mean(values);
          expect(found[0]).toBeCloseTo(middle, 8);
          expect(deviation[0]).toBeCloseTo(Math.sqrt(mean(values.map((value) => (value - middle) ** 2))), 6);
          expect([least[0], most[0]]).toEqual([Math.min(...values), Math.max(...values)]);
        },
      ),
    );
  });

  it("of a constant column are exact, so that another value in a later file stays a number of its size", () => {
    const running = new RunningStatistics();
    for (const rows of [7, 10]) running.add({ data: new Float64Array(rows).fill(0.1), width: 1 });
    expect(running.result).toMatchObject({ mean: [0.1], deviation: [0] });
    expect(scalingOf(running.result, "standard")).toEqual({ shift: [0.1], scale: [1] });
  });

  it("of a field that changes by the same amount in each step are those of a constant change", async () => {
    const sequence = resolveFolderConfig({ targets: { u: {} }, sequence: {} });
    const changesOf = async (numbers: (values: number[]) => Float32Array | Float64Array, step: number) => {
      const frames = [0, 1, 2, 3].map((t) => {
        const data = numbers([300 + step * t, 310 + step * t]);
        return { ...sampleOf(2, t), inputs: [], globals: [], targets: [{ data, width: 1 }] };
      });
      const steps = frames.slice(1).map((next, t) => ({ sample: frames[t], next }));
      return (await computeStatistics(inTurn(steps), sequence)).changes!.u;
    };
    const [single, double] = [
      (values: number[]) => Float32Array.from(values),
      (values: number[]) => Float64Array.from(values),
    ];
    for (const numbers of [single, double]) {
      const found = await changesOf(numbers, 0.1);
      expect(found.deviation).toEqual([0]);
      expect([found.least, found.most]).toEqual([found.mean, found.mean]);
      expect(found.mean[0]).toBeCloseTo(0.1, 4);
    }
    // Only float64 can tell apart such small changes of 1e-9 from their rounding.
    const grown = await changesOf(
      (values) => Float64Array.from(values, (value) => value + 1e-9 * Math.sin(value)),
      0.1,
    );
    expect(grown.deviation[0]).toBeGreaterThan(1e-12);
  });

  it("make numbers of mean 0 and deviation 1, far from zero, too", () => {
    const columns = clouds.flatMap(({ truth }) => [...truth!.filter((_, i) => i % layout.truths === 0)]);
    expect(mean(columns)).toBeCloseTo(0, 5);
    expect(mean(columns.map((value) => value * value))).toBeCloseTo(1, 5);
    const along = (axis: number) => clouds.flatMap(({ positions }) => [...positions.filter((_, i) => i % 3 === axis)]);
    expect(mean([0, 1, 2].map((axis) => mean(along(axis).map((value) => value * value))))).toBeCloseTo(1, 5);
    // Globals from 1 to 3 are mapped to -1 to 1, in each row.
    const speed = layout.globals[0].first;
    expect(clouds.map(({ features }) => features[layout.features + speed])).toEqual([-1, 0, 1]);
    expect(statistics.targets.region.counts).toEqual([0, 1].map((k) => all(2).filter((value) => value === k).length));
  });

  it("are of fields that later samples must have as they are", () => {
    const [{ sample }] = pairs;
    const narrow = { ...sample, inputs: [{ data: new Float64Array(5), width: 1 }, sample.inputs[1]] };
    expect(() => cloudOf({ sample: narrow }, layout)).toThrow(/sample 1: array "normal" has 1 components.* have 3/);
    expect(() => cloudOf({ sample: { ...sample, dimensions: 2 } }, layout)).toThrow(FormatError);
    const [pressure, , region] = sample.targets;
    const plane = { ...sample, targets: [pressure, { data: new Float64Array(10), width: 2 }, region] };
    expect(() => cloudOf({ sample: plane }, layout)).toThrow(/sample 1: array "velocity" has 2 components.* have 3/);
  });

  it("are not of samples that do not fit the first one", async () => {
    const csv = (columns: string, row: string) => new TextEncoder().encode(`${columns}\n${row}\n${row}\n`);
    const files = {
      "a.csv": csv("x,y,p,v_0,v_1", "1,2,3,4,5"),
      "b.csv": csv("x,y,p,v_0,v_1,v_2", "1,2,3,4,5,6"),
      "c.csv": csv("x,y,p,v_0,v_1", "1,2,3,6,5"),
    };
    const folder = folderExperiment({ inputs: ["v"], targets: ["p"], splits: { train: ["*"] } });
    const source = new MemorySource(new Map(Object.entries(files)));
    const load = (onBad?: OnBad) => folder.load("train", resolveOptions(folder.options) as never, source, onBad);
    await expect(load()).rejects.toThrow('b.csv: array "v" has 3 components');
    const told: string[] = [];
    await load(({ sample }) => told.push(sample));
    expect(told).toEqual(["b.csv"]);
    expect(folder.layout.inputs[0].scaling.shift).toEqual([5, 5]);
  });
});

it.each([
  [
    5_400_000,
    0,
    /^coordinates are around 5.40e\+6 and deviate by 1\.\d+, but .dump .* float32, in steps of 0.5: subtract/,
  ],
  [
    40,
    101_325,
    /^the values of "p" are around 1.01e\+5 and deviate by 0.4\d+, but .dump .* in steps of 0.0078125: sub/,
  ],
  [40, 0, /^none$/],
])("says so if coordinates (%d) or fields (%d) are too far from zero for a format's numbers", async (far, p, note) => {
  const rows = Array.from({ length: 30 }, (_, i) => [far + (i % 6), far - (i % 7), 0, p + (i % 3) / 2]);
  const bounds = "ITEM: BOX BOUNDS pp pp pp\n0 1\n0 1\n0 1\n";
  const dump = `ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n30\n${bounds}ITEM: ATOMS x y z p\n`;
  const text = { "a.dump": dump, "a.csv": "x,y,z,p\n" };
  const noteOf = async (file: keyof typeof text) => {
    const lines = rows.map((row) => row.join(file === "a.csv" ? "," : " "));
    const files = new Map([[file, new TextEncoder().encode(`${text[file]}${lines.join("\n")}\n`)]]);
    const folder = folderExperiment({ targets: ["p"], splits: { train: ["*"] } });
    const split = await folder.load("train", resolveOptions(folder.options) as never, new MemorySource(files));
    return split?.note ?? "none";
  };
  expect(await noteOf("a.dump")).toMatch(note);
  expect(await noteOf("a.csv")).toBe("none");
});

it("augments samples in training alone: an evaluation of the same split measures them as they are", async () => {
  const files = new MemorySource(
    new Map([["a.csv", new TextEncoder().encode("x,y,z,p\n0,0,0,1\n1,2,3,4\n5,3,1,6\n")]]),
  );
  const loaded = async (augmentation: object, epoch?: number) => {
    const folder = folderExperiment({ targets: ["p"], augmentation, splits: { train: ["*"] } });
    const split = await folder.load("train", resolveOptions(folder.options) as never, files);
    return (await split!.load(0, new Random(1, "augmentation"), epoch)).positions;
  };
  const plain = await loaded({});
  expect(await loaded({ rotation: "z" })).toEqual(plain);
  expect(await loaded({ rotation: "z" }, 0)).not.toEqual(plain);
});

it("turns vectors with their points, and keeps all lengths", () => {
  const before = pairs[1].sample;
  const after = turned({ sample: before }, config, new Random(4, "turn")).sample;
  const lengths = (values: ArrayLike<number>) =>
    Array.from({ length: values.length / 3 }, (_, i) =>
      Math.hypot(values[3 * i], values[3 * i + 1], values[3 * i + 2]),
    );
  const apart = (values: ArrayLike<number>) => Float64Array.from(values, (value, i) => value - values[i % 3]);
  /** Returns the products of each point's normal with the vector from the first point to it. */
  const products = ({ positions, inputs }: FieldSample) => {
    const ways = apart(positions);
    return Array.from({ length: positions.length / 3 }, (_, p) =>
      [0, 1, 2].reduce((sum, d) => sum + ways[3 * p + d] * inputs[0].data[3 * p + d], 0),
    );
  };
  expect(after.positions[0]).not.toBeCloseTo(before.positions[0], 1);
  lengths(after.targets[1]!.data).forEach((length, i) =>
    expect(length).toBeCloseTo(lengths(before.targets[1]!.data)[i], 9),
  );
  products(after).forEach((product, i) => expect(product).toBeCloseTo(products(before)[i], 6));
  expect(after.targets[0]).toBe(before.targets[0]);
});

it("turns all frames of a sequence alike, and vectors of the whole, but three numbers that are said to be no vector", () => {
  const config = resolveFolderConfig({
    inputs: { normal: {}, colour: { vector: false } },
    targets: ["velocity"],
    globals: ["wind"],
    sequence: { history: 1 },
    augmentation: { rotation: "z" },
  });
  const vector = { data: Float64Array.of(1, 2, 3), width: 3 };
  const frame: FieldSample = {
    ...{ file: "a", points: 1, dimensions: 3, positions: vector.data },
    ...{ inputs: [vector, vector], targets: [vector], globals: [vector] },
  };
  const { sample, next, earlier } = turned(
    { sample: frame, next: frame, earlier: [frame] },
    config,
    new Random(0, "a"),
  );
  const { inputs, targets, globals, positions } = sample;
  expect(inputs[1].data).toEqual(vector.data);
  expect(positions).not.toEqual(vector.data);
  for (const { data } of [inputs[0], targets[0]!, globals[0]]) expect(data).toEqual(positions);
  for (const other of [next, ...earlier!]) expect(other).toEqual(sample);
});

it("turns vectors of two components in the plane, and the first two of those with three, as mesh files have them", () => {
  const fields = resolveFolderConfig({
    targets: { scalar: {}, flow: {}, padded: {}, four: {} },
    augmentation: { rotation: "all" },
  });
  const columns = (...data: number[]) => ({ data: Float64Array.from(data), width: data.length });
  const sample: FieldSample = {
    file: "plane",
    points: 1,
    dimensions: 2,
    positions: Float64Array.of(3, 4),
    inputs: [],
    targets: [columns(7), columns(3, 4), columns(3, 4, 5), columns(1, 2, 3, 4)],
    globals: [],
  };
  const after = turned({ sample }, fields, new Random(4, "turn")).sample;
  const [scalar, flow, padded, four] = after.targets;
  expect(after.positions[0]).not.toBeCloseTo(3, 1);
  expect(Math.hypot(...after.positions)).toBeCloseTo(5, 12);
  expect([...flow!.data]).toEqual([...after.positions]);
  expect([...padded!.data]).toEqual([...after.positions, 5]);
  expect([scalar, four]).toEqual([sample.targets[0], sample.targets[3]]);
});

it("noise on a sequence's state is what the model is to take away again", async () => {
  const flow = resolveFolderConfig({ targets: ["pressure"], sequence: true });
  const frames = [sampleOf(9, 5), sampleOf(9, 6)].map((sample) => ({
    ...sample,
    inputs: [],
    globals: [],
    targets: [sample.targets[0]],
  }));
  const pair = { sample: frames[0], next: frames[1] };
  const known = await computeStatistics(inTurn([pair]), flow);
  const place = layOut(flow, known);
  const noisy = withNoise(cloudOf(pair, place), place, 0.5, new Random(1, "noise"));
  const { scaling: state } = place.state[0];
  const { scaling: change } = place.targets[0];
  for (let p = 0; p < 9; p++) {
    const seen = noisy.features[p] * state.scale[0] + state.shift[0];
    const asked = noisy.truth![p] * change.scale[0] + change.shift[0];
    expect(seen).not.toBeCloseTo(frames[0].targets[0]!.data[p], 2);
    expect(seen + asked).toBeCloseTo(frames[1].targets[0]!.data[p], 1);
  }
});

it("noise is in units of each column's deviation, however the column is normalised: a constant gets none", async () => {
  const kinds = ["standard", "range", "none"] as const;
  const names = [...kinds, "constant"];
  const fields = Object.fromEntries(
    names.map((name) => [name, { normalise: name === "constant" ? "standard" : name }]),
  );
  const given = resolveFolderConfig({ inputs: fields, targets: { pressure: {} } });
  const points = 400;
  const column = (value: (p: number) => number) => ({
    data: Float64Array.from({ length: points }, (_, p) => value(p)),
    width: 1,
  });
  const inputs = [...kinds.map(() => column((p) => 1e-3 * (p % 20) ** 2)), column(() => 5)];
  const pair = { sample: { ...sampleOf(points, 1), inputs, globals: [] } };
  const known = await computeStatistics(inTurn([pair]), given);
  const place = layOut(given, known);
  const clean = cloudOf(pair, place);
  const noisy = withNoise(clean, place, 0.5, new Random(1, "noise"));
  for (const [i, name] of names.entries()) {
    const added = Array.from({ length: points }, (_, p) => noisy.features[4 * p + i] - clean.features[4 * p + i]);
    const found = Math.sqrt(mean(added.map((value) => value * value))) * place.inputs[i].scaling.scale[0];
    const expected = 0.5 * known.inputs[name].deviation[0];
    expect(found, name).toBeGreaterThanOrEqual(0.9 * expected);
    expect(found, name).toBeLessThanOrEqual(1.1 * expected);
  }
});

describe("metrics", () => {
  /** Returns model outputs for predictions with given errors, in units of the truth. */
  const output = ({ truth, points }: (typeof clouds)[number], off: number) => {
    const rows = new Float64Array(points * layout.outputs);
    for (let p = 0; p < points; p++) {
      for (let column = 0; column < layout.truths; column++) {
        const scale = column === 0 ? statistics.targets.pressure.deviation[0] : 1;
        rows[p * layout.outputs + column] = truth![p * layout.truths + column] + (column === 0 ? off / scale : 0);
      }
    }
    return rows;
  };

  it("are in the file's units, and say 1 of a perfect prediction", () => {
    const perfect = summarise(measure(output(clouds[1], 0), clouds[1].truth!, layout), layout);
    expect(perfect.mae_pressure).toBeCloseTo(0, 3);
    expect([perfect.r2_velocity, perfect.accuracy_region, perfect.iou_region]).toEqual([1, 1, 1]);
    const off = summarise(measure(output(clouds[1], 3), clouds[1].truth!, layout), layout);
    expect(off.mae_pressure).toBeCloseTo(3, 2);
    expect(off.rmse_pressure).toBeCloseTo(3, 2);
    const truth = [...pairs[1].sample.targets[0]!.data];
    const variance = mean(truth.map((value) => (value - mean(truth)) ** 2));
    expect(off.r2_pressure).toBeCloseTo(1 - 9 / variance, 3);
    expect(off.relative_l2_pressure).toBeCloseTo(3 / Math.sqrt(mean(truth.map((value) => value ** 2))), 6);
  });

  it("relate errors to the truth only of samples that have one, which is not zero everywhere", () => {
    const [shift, scale] = [layout.targets[0].scaling.shift[0], layout.targets[0].scaling.scale[0]];
    const truth = clouds[0].truth!.map((value, i) => (i % layout.truths === 0 ? -shift / scale : value));
    const found = [{ ...clouds[0], truth }, clouds[1]].map((cloud) => measure(output(cloud, 3), cloud.truth!, layout));
    const [zero, other, both] = [found[0], found[1], meanOfEach(found)].map((numbers) => summarise(numbers, layout));
    expect(zero).not.toHaveProperty("relative_l2_pressure");
    // Where nothing is shifted, zeros are zero without rounding.
    const targets = layout.targets.map(({ scaling, ...target }) => ({
      ...target,
      scaling: { ...scaling, shift: scaling.shift.map(() => 0) },
    }));
    const [unshifted, zeros] = [{ ...layout, targets }, truth.map(() => 0)];
    const exact = summarise(measure(output({ ...clouds[0], truth: zeros }, 3), zeros, unshifted), unshifted);
    expect(exact).not.toHaveProperty("relative_l2_velocity");
    expect(both.relative_l2_pressure).toBeCloseTo(other.relative_l2_pressure, 12);
    expect(both.mae_pressure).toBeCloseTo(3, 2);
  });

  it("have no R2 of truth that is the same everywhere, as a whole is in one sample, and have it where samples differ", () => {
    const config = resolveFolderConfig({ targets: { drag: { whole: true } } });
    const columns = { mean: [0], deviation: [1], least: [0], most: [1] };
    const one = layOut(config, { ...statistics, inputs: {}, globals: {}, targets: { drag: columns } });
    const found = [0.1, 0.1, 0.7].map((value, i) =>
      measure(new Float32Array(3000 + i), new Float32Array(3000 + i).fill(value), one),
    );
    for (const alike of [found[2], meanOfEach([found[0], found[1]])])
      expect(Object.keys(summarise(alike, one))).toEqual(["loss", "mae_drag", "rmse_drag", "relative_l2_drag"]);
    const [squares, variance] = [(0.1 ** 2 + 0.7 ** 2) / 2, 0.3 ** 2];
    expect(summarise(meanOfEach([found[0], found[2]]), one).r2_drag).toBeCloseTo(1 - squares / variance, 5);
  });

  it("count classes over all samples, not sample by sample", () => {
    const flipped = clouds.map((cloud, i) => {
      const rows = output(cloud, 0);
      const { first } = layout.targets[2].output;
      // In the first sample the prediction for each point is the other class.
      if (i === 0)
        for (let p = 0; p < cloud.points; p++)
          rows.subarray(p * layout.outputs + first, p * layout.outputs + first + 2).reverse();
      return measure(rows, cloud.truth!, layout);
    });
    const average = Object.fromEntries(
      Object.keys(flipped[0]).map((name) => [name, mean(flipped.map((numbers) => numbers[name]))]),
    );
    const found = summarise(average, layout);
    expect(found.accuracy_region).toBeCloseTo(2 / 3, 10);
    // Each sample's points have a total weight of 1: with the share s of a class in each sample, s1 + s2 of samples 1 and 2 are correct.
    const share = (i: number, k: number) =>
      mean([...pairs[i].sample.targets[2]!.data].map((value) => Number(value === k)));
    for (const k of [0, 1]) {
      const right = share(1, k) + share(2, k);
      expect(found[`iou_region_${k}`]).toBeCloseTo(right / (right + 1), 10);
    }
  });

  it("have no IoU of a class that neither occurs nor is predicted, and the mean of the others", () => {
    const config = resolveFolderConfig({ targets: { region: { classes: 3 } } });
    const columns = { mean: [0], deviation: [0], least: [0], most: [0], counts: [1, 1, 1] };
    const targets = { region: columns };
    const three = layOut(config, { ...statistics, inputs: {}, globals: {}, targets });
    // Of two points of the class 0 one is taken for one of the class 2.
    const numbers = measure([9, 0, 0, 0, 0, 9], [1, 0, 0, 1, 0, 0], three);
    const { loss: _, ...found } = summarise(numbers, three);
    expect(found).toEqual({ accuracy_region: 0.5, iou_region_0: 0.5, iou_region_2: 0, iou_region: 0.25 });
  });

  it("are undone by predictions to what the file has", () => {
    const fields = predictionsOf(Float32Array.from(output(clouds[1], 2)), clouds[1], layout);
    expect(fields.map(({ name, channels }) => [name, channels])).toEqual([
      ["pressure", 1],
      ["velocity", 3],
      ["region", 1],
    ]);
    fields[0].prediction.forEach((value: number, p: number) => expect(value - fields[0].truth![p]).toBeCloseTo(2, 2));
    expect([...fields[2].prediction]).toEqual([...fields[2].truth!]);
    const nothing = predictionsOf(new Float32Array(output(clouds[1], 2).length).fill(Number.NaN), clouds[1], layout);
    for (const { name, prediction } of nothing) expect(prediction.every(Number.isNaN), name).toBe(true);
  });

  it("have the deviations that a model predicts beside its means, in the file's units, too", () => {
    const likely = resolveFolderConfig({ targets: { velocity: { loss: "gaussian" } } });
    const place = layOut(likely, { ...statistics, inputs: {}, globals: {} });
    const pair = { sample: { ...pairs[2].sample, inputs: [], globals: [], targets: [pairs[2].sample.targets[1]] } };
    // Of each of the two points: three means, then the three numbers of which the deviations are the softplus.
    const rows = Float32Array.of(0, 1, -1, 0, 2, -40, 3, 0, 0, -1, 0, 0);
    const [field] = predictionsOf(rows, cloudOf(pair, place), place);
    const { mean, deviation } = statistics.targets.velocity;
    const found = [0, 1, -1, 3, 0, 0].map((value, i) => mean[i % 3] + value * deviation[i % 3]);
    const softplus = [Math.log(2), Math.log1p(Math.exp(2)), 0, Math.log1p(Math.exp(-1)), Math.log(2), Math.log(2)];
    const deviations = softplus.map((value, i) => (value + 1e-6) * deviation[i % 3]);
    expect(field.prediction).toHaveLength(6);
    expect(field.deviation).toHaveLength(6);
    field.prediction.forEach((value: number, i: number) => expect(value).toBeCloseTo(found[i], 6));
    field.deviation!.forEach((value: number, i: number) => expect(value).toBeCloseTo(deviations[i], 6));
  });
});

it("knows what the mean and zero are worth", () => {
  const only = (targets: object) => {
    const one = resolveFolderConfig({ targets });
    const known = { ...statistics, inputs: {}, globals: {} };
    const place = layOut(one, known);
    const names = ["pressure", "velocity", "region"];
    const samples = pairs.map(({ sample }) => ({
      sample: {
        ...sample,
        inputs: [],
        globals: [],
        targets: one.targets.map(({ name }) => sample.targets[names.indexOf(name)]),
      },
    }));
    return baselineLosses(
      samples.map((pair) => cloudOf(pair, place)),
      { statistics: known, layout: place },
    );
  };
  // The mean square of each sample is computed separately, because samples have equal weights.
  const ofSamples = pairs.map(({ sample }) =>
    mean([...sample.targets[0]!.data].map((value) => (value - mean(all(0))) ** 2)),
  );
  const { deviation } = statistics.targets.pressure;
  expect(only({ pressure: {} }).mean).toBeCloseTo(mean(ofSamples) / deviation[0] ** 2, 4);
  expect(only({ velocity: { loss: "relative_l2" } }).zero).toBeCloseTo(1, 6);
  const gaussian = only({ pressure: { loss: "gaussian" } });
  expect(gaussian.mean).toBeCloseTo(0.5 * Math.log(2 * Math.PI) + (0.5 * mean(ofSamples)) / deviation[0] ** 2, 4);
  const size = Math.hypot(deviation[0], mean(all(0)));
  const squares = pairs.map(({ sample }) => mean([...sample.targets[0]!.data].map((value) => (value / size) ** 2)));
  const ofZero = 0.5 * Math.log(2 * Math.PI) + Math.log(size / deviation[0]) + 0.5 * mean(squares);
  expect(gaussian.zero).toBeCloseTo(ofZero, 4);
  const shares = [0, 1].map((k) => mean(all(2).map((value) => Number(value === k))));
  const entropy = mean(pairs.map(({ sample }) => mean([...sample.targets[2]!.data].map((k) => -Math.log(shares[k])))));
  expect(only({ region: { classes: 2 } })).toEqual({ mean: expect.closeTo(entropy, 6) });
  const weights = [1, 5];
  const weighted = shares.map((share, k) => share * weights[k]);
  const ofWeighted = pairs.map(({ sample }) => {
    const labels = [...sample.targets[2]!.data];
    const losses = labels.map((k) => -weights[k] * Math.log(weighted[k] / (weighted[0] + weighted[1])));
    return mean(losses) / mean(labels.map((k) => weights[k]));
  });
  expect(only({ region: { classes: 2, class_weights: weights } }).mean).toBeCloseTo(mean(ofWeighted), 5);
});

it("data of cells is refused, with what makes it the points'", async () => {
  const file = saveVtu({
    points: { shape: [3, 3], data: Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0) },
    cells: {
      offsets: Int32Array.of(0, 3),
      connectivity: Int32Array.of(0, 1, 2),
      types: Uint8Array.of(kinds.triangle),
    },
    cellData: new Map([["pressure", { shape: [1], data: Float32Array.of(5) }]]),
  });
  const ofPressure = resolveFolderConfig({ targets: "pressure" });
  const refused = readSample(file, "duct.vtu", ofPressure);
  await expect(refused).rejects.toThrow(FormatError);
  await expect(refused).rejects.toThrow(/duct\.vtu.*"pressure".*Cell Data to Point Data/);
});

it("truth with gaps is none for a prediction, and an error for training and for a sequence", async () => {
  const file = new TextEncoder().encode("x,y,wall,pressure\n0,0,1,\n1,0,2,5\n0,1,3,7\n");
  const ofPressure = resolveFolderConfig({ inputs: ["wall"], targets: "pressure" });
  const { inputs, targets } = await readSample(file, "duct.csv", ofPressure, { truth: false });
  expect([[...inputs[0].data], targets]).toEqual([[1, 2, 3], [undefined]]);
  const gap = /duct\.csv: row 2, column 4: "" is not a number/;
  await expect(readSample(file, "duct.csv", ofPressure)).rejects.toThrow(gap);
  const inTime = resolveFolderConfig({ inputs: ["wall"], targets: "pressure", sequence: { stride: 1 } });
  await expect(readSample(file, "duct.csv", inTime, { truth: false })).rejects.toThrow(gap);
  const ofWall = resolveFolderConfig({ inputs: ["pressure"], targets: "wall" });
  await expect(readSample(file, "duct.csv", ofWall, { truth: false })).rejects.toThrow(gap);
});

it("reads a graph of PyTorch Geometric, which PyTorch saved as a dictionary", async () => {
  const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, "torch", "graph.pt")));
  const given = { inputs: ["x"], targets: { y: { classes: 3 }, energy: { whole: true } }, graph: "mesh" };
  const sample = await readSample(bytes, "graph.pt", resolveFolderConfig(given));
  const positions = Float64Array.from({ length: 15 }, (_, i) => i ** 2 / 8);
  expect(sample.positions).toEqual(positions);
  expect(sample.inputs[0]).toEqual({ data: Float32Array.from(positions), width: 3, row: [3] });
  expect(sample.targets.map((target) => [...(target?.data ?? [])])).toEqual([[0, 1, 2, 0, 1], [-1.5]]);
  expect(sample.edges).toEqual(Int32Array.of(0, 1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4, 0, 1, 2, 3));
});
