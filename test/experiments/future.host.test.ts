// Predictions past the frames that are given: each goes on from the one before it, has no truth that there is not, and sees what the last
// frame holds, if that does not change.

import { type ConfigError, FormatError } from "erwin";
import { FOLDER, folderExperiment, MemorySource, openRun, resolveOptions, Surrogate } from "erwin/experiments";
import { loadNpz, loadSafetensors, loadVtu, saveNpz, savePvd, saveVtu } from "erwin/formats";
import { expect, test } from "vitest";
import { smallOfFields as model, onEachDevice, quickBackends } from "../support/models.ts";

const points = 20;
const some = (count: number, seed: number) =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(seed + 7 * i * i));
const positions = some(3 * points, 1);
type Files = Record<string, Uint8Array>;

/** A frame whose heat changes, and what else it holds. */
const frame = (i: number, { wind = some(points, 2), heat = some(points, 4 + i) as Float64Array | null } = {}) =>
  saveNpz({
    positions: { shape: [points, 3], data: positions },
    ...(heat && { heat: { shape: [points], data: heat } }),
    wind: { shape: [points], data: wind },
    id: { shape: [points], data: Int32Array.from({ length: points }, (_, p) => p) },
  });
const framesOf = (count: number, one: (i: number) => Uint8Array = frame): Files =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`run_${i}.npz`, one(i)]));
const heated = { inputs: ["wind"], targets: ["heat"], sequence: true, splits: { train: ["*"] }, model };

async function allOf<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

onEachDevice((device) => {
  const open = async (given: object, files: Files) => {
    const experiment = folderExperiment(given);
    const options = resolveOptions(experiment.options);
    const source = new MemorySource(new Map(Object.entries(files)), "data");
    const { model } = await openRun(FOLDER, experiment, { device: device(), options, source });
    using _ = model;
    return Surrogate.load(await model.save(), { device: device() });
  };
  const find = async (surrogate: Surrogate, files: Files) =>
    surrogate.find(new MemorySource(new Map(Object.entries(files)), "data"));
  const first = async (surrogate: Surrogate, files: Files) => (await find(surrogate, files))[0];

  test("a sequence goes on past its last frame from its own predictions, and a single frame from itself", async () => {
    const files = framesOf(3);
    using surrogate = await open(heated, files);
    expect(surrogate.isSequence).toBe(true);
    const sequence = await first(surrogate, files);
    expect([sequence.frames, (await allOf(sequence.predict())).length]).toEqual([3, 3]);
    const found = await allOf(sequence.predict({ steps: 6 }));
    let heat: Float64Array = some(points, 4);
    for (const [step, { fields, file, copyName, time, positions: drawn }] of found.entries()) {
      if (step > 0) {
        const next = await surrogate.predict({ positions, wind: some(points, 2), heat });
        heat = Float64Array.from(next.heat.prediction);
      }
      expect(fields[0].prediction).toEqual(heat);
      expect(fields[0].truth).toEqual(step < 3 ? some(points, 4 + step) : undefined);
      expect([file, copyName, time]).toEqual([`run_${Math.min(step, 2)}.npz`, `run_${step}.npz`, step]);
      expect(drawn).toEqual(Float32Array.from(positions));
    }
    const copies = await Promise.all(found.map(async ({ copy }) => loadNpz(await copy())));
    expect([...copies[2].keys()]).toEqual(["positions", "heat", "wind", "id", "prediction", "error"]);
    // The heat of the last frame would be taken for that of a later one.
    expect([...copies[6].keys()]).toEqual(["positions", "wind", "id", "prediction"]);
    expect(copies[6].get("prediction")!.data).toEqual(Float32Array.from(heat));
    const table = new TextDecoder().decode(await found[6].copy(".csv"));
    expect(table.split("\n")[0]).toBe("x,y,z,wind,id,prediction");
    expect([...loadSafetensors(await found[6].copy("safetensors")).tensors.keys()]).toEqual([
      ...["node_positions", "wind", "id", "prediction"],
    ]);
    for (const wrong of [".doc", "", 5 as never]) await expect(found[6].copy(wrong)).rejects.toThrow(FormatError);

    const single = await first(surrogate, { "run_0.npz": files["run_0.npz"] });
    const alone = await allOf(single.predict({ steps: 6 }));
    expect(alone.map(({ fields }) => fields[0].prediction)).toEqual(found.map(({ fields }) => fields[0].prediction));
    expect(alone.map(({ fields }) => fields[0].truth !== undefined)).toEqual([true, ...Array(6).fill(false)]);
    expect(alone.map(({ copyName, time }) => [copyName, time])).toEqual(
      found.map(({ copyName, time }) => [copyName, time]),
    );
    const inUse: number[] = [];
    for await (const _ of single.predict({ steps: 12 })) inUse.push(device().memory.current);
    expect(new Set(inUse.slice(2)).size).toBe(1);
    // By default its next frame alone.
    const [next, ...more] = await allOf(single.predict());
    expect([next.fields[0].prediction, next.time, more]).toEqual([found[1].fields[0].prediction, undefined, []]);
  });

  test("is ended by a signal, also where no more files are read", async () => {
    const files = framesOf(2);
    using surrogate = await open(heated, files);
    const sequence = await first(surrogate, files);
    const ending = new AbortController();
    let steps = 0;
    const predict = async () => {
      for await (const { file } of sequence.predict({ steps: 10, signal: ending.signal })) {
        expect(file).toBe(`run_${Math.min(steps, 1)}.npz`);
        if (++steps === 4) ending.abort();
      }
    };
    // The second time it is aborted before it begins.
    for (const _ of ["past the last frame", "before the first"]) {
      const error = await predict().catch((error: unknown) => error);
      expect([error === ending.signal.reason, steps]).toEqual([true, 4]);
    }
  });

  test("times and names of a collection go on by the stride", async () => {
    const steps = [0, 1, 2, 3, 4];
    const collection = savePvd(steps.map((i) => ({ file: `run_${i}.npz`, time: i / 10 })));
    const files = { ...framesOf(5), "run.pvd": collection };
    using surrogate = await open({ ...heated, sequence: { stride: 3 } }, files);
    const sequence = await first(surrogate, files);
    const found = await allOf(sequence.predict({ steps: 3 }));
    expect(found.map(({ file, copyName, time }) => [file, copyName, time])).toEqual([
      ["run_0.npz", "run_0.npz", 0],
      ["run_3.npz", "run_3.npz", 0.3],
      ["run_3.npz", "run_6.npz", 0.6],
      ["run_3.npz", "run_9.npz", 0.9],
    ]);
  });

  test("what the model sees may not change where it is not known, and frames that have it need no targets", async () => {
    const wind = (i: number) => some(points, 20 + i);
    const files = framesOf(4, (i) => frame(i, { wind: wind(i) }));
    using surrogate = await open(heated, files);
    const sequence = await first(surrogate, files);
    const known = await allOf(sequence.predict({ steps: 4 }));
    // The last frame has the wind for one step more.
    expect(known.map(({ fields }) => fields[0].truth !== undefined)).toEqual([true, true, true, true, false]);
    const refused = await allOf(sequence.predict({ steps: 5 })).catch((error: unknown) => error as FormatError);
    expect(refused).toBeInstanceOf(FormatError);
    expect((refused as FormatError).message).toBe(
      'data/run_1.npz: the input "wind" differs from that in data/run_0.npz, and what it is after the last frame is not known: predict 4 steps at most, or add frames that have it; they need no targets.',
    );
    const nan = new Float64Array(points).fill(Number.NaN);
    for (const heat of [null, nan]) {
      const ahead = Object.fromEntries([4, 5, 6].map((i) => [`run_${i}.npz`, frame(i, { wind: wind(i), heat })]));
      const found = await allOf((await first(surrogate, { ...files, ...ahead })).predict({ steps: 7 }));
      expect(found.map(({ file }) => file)).toEqual([0, 1, 2, 3, 4, 5, 6, 6].map((i) => `run_${i}.npz`));
      expect(found.slice(0, 5).map(({ fields }) => fields)).toEqual(known.map(({ fields }) => fields));
      expect(found[5].fields[0].truth).toBeUndefined();
      expect(found[5].note).toEqual(
        heat ? expect.stringContaining('predicted without the truth: array "heat", row 0') : undefined,
      );
      const { prediction } = found[5].fields[0];
      const next = await surrogate.predict({ positions, wind: wind(5), heat: Float64Array.from(prediction) });
      expect(found[6].fields[0].prediction).toEqual(next.heat.prediction);
    }
    // Past frames whose inputs are the same, too.
    const still = framesOf(3, (i) => frame(i, i > 0 ? { heat: nan } : {}));
    const onwards = await allOf((await first(surrogate, still)).predict({ steps: 4 }));
    expect(onwards.map(({ fields }) => fields[0].truth !== undefined)).toEqual([true, false, false, false, false]);
    // Frames of other points are no sequence, however far it is predicted.
    const fewer = saveNpz({
      positions: { shape: [2, 3], data: positions.subarray(0, 6) },
      heat: { shape: [2], data: some(2, 1) },
      wind: { shape: [2], data: some(2, 2) },
    });
    for (const steps of [1, 5])
      await expect(
        allOf((await first(surrogate, { "run_0.npz": frame(0), "run_1.npz": fewer })).predict({ steps })),
      ).rejects.toThrow("run_1.npz: has 2 points, the frame before has 20: a sequence keeps its points");
    // The first frame is what all others go on from.
    const begun = await first(
      surrogate,
      framesOf(2, (i) => frame(i, i === 0 ? { heat: nan } : {})),
    );
    await expect(allOf(begun.predict({ steps: 1 }))).rejects.toThrow('array "heat", row 0: is NaN');
  });

  test("points that the model moves are where it predicts them, others have to stay", async () => {
    const vtu = (i: number) =>
      saveVtu({
        points: { shape: [points, 3], data: positions.map((value) => value + i / 10) },
        pointData: new Map([["heat", { shape: [points], data: some(points, 4 + i) }]]),
        cellData: new Map(),
      });
    const files = Object.fromEntries([0, 1, 2].map((i) => [`run_${i}.vtu`, vtu(i)]));
    using moving = await open({ ...heated, inputs: [], targets: ["positions", "heat"] }, files);
    const found = await allOf((await first(moving, files)).predict({ steps: 4 }));
    for (const [step, { fields, copy, positions: drawn }] of found.entries()) {
      const { points: written, pointData } = loadVtu(await copy());
      expect(written.data).toEqual(step < 3 ? loadVtu(files[`run_${step}.vtu`]).points.data : fields[0].prediction);
      expect(drawn).toEqual(Float32Array.from(fields[0].prediction));
      expect(pointData.has("heat")).toBe(step < 3);
      expect(pointData.has("error_positions")).toBe(step < 3);
    }
    // Other formats keep the points of the last frame.
    const arrays = framesOf(2);
    const [copy] = (await allOf((await first(moving, arrays)).predict({ steps: 2 }))).slice(-1);
    const kept = loadNpz(await copy.copy());
    expect([...kept.keys()]).toEqual(["positions", "wind", "id", "prediction_positions", "prediction_heat"]);
    expect(kept.get("positions")!.data).toEqual(positions);
    expect(loadVtu(await copy.copy(".vtu")).points.data).toEqual(copy.fields[0].prediction);
    using fixed = await open({ ...heated, inputs: [] }, files);
    await expect(allOf((await first(fixed, files)).predict({ steps: 4 }))).rejects.toThrow(
      "run_1.vtu: the position of a point differs from that in data/run_0.vtu",
    );
  });

  test("a model with a history begins with as many frames; what is no number of steps is named", async () => {
    const files = framesOf(4);
    using surrogate = await open({ ...heated, sequence: { history: 2 } }, files);
    const sequence = await first(surrogate, files);
    const found = await allOf(sequence.predict({ steps: 3 }));
    expect(found.map(({ copyName }) => copyName)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `run_${i}.npz`));
    const at = (i: number) => ({
      positions,
      wind: some(points, 2),
      heat: Float64Array.from(found[i].fields[0].prediction),
    });
    const next = await surrogate.predict(at(4), { earlier: [at(3), at(2)] });
    expect(found[5].fields[0].prediction).toEqual(next.heat.prediction);
    const single = await first(surrogate, { "initial.npz": files["run_0.npz"] });
    await expect(allOf(single.predict({ steps: 1 }))).rejects.toThrow(
      "data/initial.npz: is one frame, but the model begins with the last of 3 (history 2, stride 1): give it a sequence of as many.",
    );
    const short = await first(surrogate, framesOf(2));
    await expect(allOf(short.predict({ steps: 1 }))).rejects.toThrow(
      "has 2 frames, but the model begins with the last of 3",
    );
    using far = await open({ ...heated, sequence: { history: 1, stride: 2 } }, framesOf(5));
    await expect(allOf((await first(far, framesOf(2))).predict({ steps: 1 }))).rejects.toThrow(
      "has 2 frames, but the model begins with the last of 3 (history 1, stride 2)",
    );
    for (const steps of [0, -1, 1.5, 1e9, Number.NaN, Number.POSITIVE_INFINITY, "3", null] as never[]) {
      const error = await allOf(sequence.predict({ steps })).catch((error: unknown) => error as ConfigError);
      expect(error).toMatchObject({ name: "ConfigError", details: { field: "steps" } });
      expect((error as Error).message).toContain("steps must be a whole number from 1 to 1000000");
    }
    using other = await open({ ...heated, sequence: undefined }, files);
    expect(other.isSequence).toBe(false);
    const sample = await first(other, files);
    await expect(allOf(sample.predict({ steps: 2 }))).rejects.toThrow(
      "steps must be left out for a model of single samples, which makes none, not 2",
    );
  });

  test("what grows beyond float32 is an error that names the step, and the frames before can be written", async () => {
    const files = framesOf(3, (i) => frame(i, { heat: new Float64Array(points).fill(i * 1e37) }));
    using surrogate = await open(heated, files);
    let written = 0;
    const write = async () => {
      for await (const { copy } of (await first(surrogate, files)).predict({ steps: 60 })) {
        await copy();
        written++;
      }
    };
    // Each step adds 1e37, and what the untrained model makes of it.
    await expect(write()).rejects.toThrow(
      /^data\/run_2\.npz, step 3\d: prediction is Infinity in row \d+, column 0, expected finite numbers: errors grow from step to step/,
    );
    expect(written).toBeGreaterThan(30);
  });

  test("a frame whose inputs alone are known has no truth for its points, either", async () => {
    const one = (i: number, isKnown: boolean) =>
      saveNpz({
        positions: { shape: [points, 3], data: positions.map((value) => value + i / 10) },
        ...(isKnown && { heat: { shape: [points], data: some(points, 4 + i) } }),
        wind: { shape: [points], data: some(points, 20 + i) },
      });
    const files = framesOf(5, (i) => one(i < 3 ? i : 0, i < 3));
    using surrogate = await open(
      { ...heated, targets: ["positions", "heat"] },
      framesOf(3, (i) => one(i, true)),
    );
    const found = await allOf((await first(surrogate, files)).predict({ steps: 4 }));
    const known = found.map(({ fields }) => fields.map(({ truth }) => truth !== undefined));
    expect(known).toEqual([0, 1, 2, 3, 4].map((i) => [i < 3, i < 3]));
  });
}, quickBackends);
