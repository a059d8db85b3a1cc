// Surrogates: arrays that a program gives have the predictions that the same numbers in a file have, and what is wrong is named.

import { CheckpointError, DisposedError, ErwinError, ErwinTransformer, FormatError, InputError, Random } from "erwin";
import {
  type FieldCloud,
  type FieldModel,
  FOLDER,
  folderExperiment,
  MemorySource,
  openRun,
  resolveOptions,
  Surrogate,
} from "erwin/experiments";
import { loadNpz, saveNpz } from "erwin/formats";
import { expect, test } from "vitest";
import { smallOfFields as model, onEachDevice, quickBackends } from "../support/models.ts";

const points = 40;
const some = (count: number, seed: number) =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(seed + 7 * i * i));
const positions = some(3 * points, 1).map((value) => 500000.125 + value);
const normals = some(3 * points, 2);
const triangles = Int32Array.from({ length: 3 * (points - 2) }, (_, i) => Math.floor(i / 3) + (i % 3));
const edgeIndex = edgesOf(triangles);
const kinds = ["steel", "glass"];
const material = Array.from({ length: points }, (_, i) => kinds[i % 3 === 0 ? 1 : 0]);
const speed = [30.5];

/** One direction of each side. */
function edgesOf(triangles: Int32Array): Int32Array {
  const sides = new Set<string>();
  for (let t = 0; t < triangles.length; t += 3) {
    for (const [a, b] of [
      [0, 1],
      [1, 2],
      [0, 2],
    ])
      sides.add(`${triangles[t + a]},${triangles[t + b]}`);
  }
  const pairs = [...sides].map((side) => side.split(",").map(Number));
  return Int32Array.from([...pairs.map(([from]) => from), ...pairs.map(([, to]) => to)]);
}

async function allOf<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** Expects that a signal ends a call that waits for one of an object's methods, which never answers. */
async function endsBySignal<Name extends string>(
  waitedFor: Readonly<Record<Name, unknown>>,
  method: Name,
  call: (options: { signal: AbortSignal }) => Promise<unknown>,
): Promise<void> {
  const controller = new AbortController();
  const reason = new Error("ended by the test");
  const never = () => {
    controller.abort(reason);
    return new Promise(() => {});
  };
  Object.defineProperty(waitedFor, method, { value: never, configurable: true });
  try {
    await expect(call({ signal: controller.signal })).rejects.toBe(reason);
  } finally {
    Reflect.deleteProperty(waitedFor, method);
  }
}

const codes = [10, 20];
const config = {
  inputs: [
    { name: "n", from: ["normals"] },
    { name: "code", classes: codes },
  ],
  globals: ["speed"],
  targets: { pressure: { loss: "gaussian" }, drag: { whole: true }, kind: { classes: kinds } },
  graph: "mesh",
  splits: { train: ["*"] },
  model,
};
const code = Int32Array.from({ length: points }, (_, i) => codes[i % 2]);
const csv = (header: string, rows: string[]) => new TextEncoder().encode([header, ...rows].join("\n"));

/** The file of a mesh with all that the model sees; labels that are texts are in tables alone. */
const file = (more: Parameters<typeof saveNpz>[0] = {}) =>
  saveNpz({
    positions: { shape: [points, 3], data: positions },
    normals: { shape: [points, 3], data: normals },
    code: { shape: [points], data: code },
    speed: { shape: [1], data: Float64Array.from(speed) },
    triangles: { shape: [points - 2, 3], data: triangles },
    ...more,
  });
const truth = {
  pressure: { shape: [points], data: some(points, 3) },
  drag: { shape: [], data: Float64Array.of(4) },
  kind: { shape: [points], data: Int32Array.from(material, (text) => kinds.indexOf(text)) },
};

onEachDevice((device) => {
  /** What training would write, but untrained. */
  const trained = async (given: object, files: Record<string, Uint8Array>) => {
    const experiment = folderExperiment(given);
    const options = resolveOptions(experiment.options);
    const source = new MemorySource(new Map(Object.entries(files)), "data");
    const { model } = await openRun(FOLDER, experiment, { device: device(), options, source });
    using _ = model;
    return model.save();
  };
  const ofMesh = () =>
    trained(
      { ...config, targets: { ...config.targets, kind: { classes: 2 } } },
      {
        "a.npz": file(truth),
        "b.npz": file({
          ...truth,
          speed: { shape: [1], data: Float64Array.of(10) },
          drag: { shape: [], data: Float64Array.of(9) },
        }),
      },
    );

  test("arrays have the predictions of the file that holds them, whatever their form", async () => {
    using surrogate = await Surrogate.load(await ofMesh(), { device: device() });
    const expected = await surrogate.predictFile(new File([file(truth)], "a.npz"));
    expect(expected.pressure.truth).toEqual(Float64Array.from(truth.pressure.data));
    expect(expected.drag.prediction).toHaveLength(1);
    const withoutTruth = (fields: typeof expected) =>
      Object.fromEntries(Object.entries(fields).map(([name, { truth: _, ...field }]) => [name, field]));
    const given = { positions, n: normals, code, speed, triangles };
    const rows = (values: ArrayLike<number>) =>
      Array.from({ length: points }, (_, p) => Array.from(values).slice(3 * p, 3 * p + 3));
    for (const form of [
      given,
      { ...given, positions: rows(positions), n: rows(normals).map((row) => Float64Array.from(row)), code: [...code] },
      { ...given, triangles: undefined, edgeIndex, speed: 30.5 },
      { ...given, code: BigInt64Array.from([...code], BigInt), triangles: Uint32Array.from(triangles) },
    ]) {
      expect(withoutTruth(await surrogate.predict(form))).toEqual(withoutTruth(expected));
    }
    expect(surrogate.needsMesh).toBe(true);
    expect(surrogate.inputs.map(({ name, channels, isWhole }) => [name, channels, isWhole])).toEqual([
      ["positions", 3, false],
      ["n", 3, false],
      ["code", 1, false],
      ["speed", 1, true],
    ]);
    expect(surrogate.inputs[2].classes).toEqual(codes);
    expect(surrogate.inputs[3].range).toEqual({ least: [10], most: [30.5] });
    // What is of the whole comes last, as in the model's rows.
    expect(surrogate.targets.map(({ name, isWhole }) => [name, isWhole])).toEqual([
      ["pressure", false],
      ["kind", false],
      ["drag", true],
    ]);
  });

  test("what is read of a file has the file's prediction, and another one with another global", async () => {
    using surrogate = await Surrogate.load(await ofMesh(), { device: device() });
    const given = new File([file(truth)], "a.npz");
    const sample = await surrogate.readFile(given);
    expect(Object.keys(sample).sort()).toEqual(["code", "edgeIndex", "n", "positions", "speed"]);
    expect(sample.positions).toEqual(positions);
    expect(sample.code).toEqual([...code]);
    const expected = await surrogate.predictFile(given);
    const found = await surrogate.predict(sample);
    expect(found.pressure.prediction).toEqual(expected.pressure.prediction);
    expect((await surrogate.predict({ ...sample, speed: 10 })).pressure.prediction).not.toEqual(
      found.pressure.prediction,
    );
    const signal = AbortSignal.abort();
    await expect(surrogate.readFile(given, { signal })).rejects.toBe(signal.reason);
    await expect(surrogate.readFile(new File(["x"], "a.npz"))).rejects.toThrow(FormatError);
  });

  test("what is wrong with an array is named", async () => {
    using surrogate = await Surrogate.load(await ofMesh(), { device: device() });
    const given = { positions, n: normals, code, speed, triangles };
    const wrong = async (more: object) => {
      const error = await surrogate.predict({ ...given, ...more } as never).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(InputError);
      return (error as InputError).message;
    };
    expect(await wrong({ n: undefined, speed: undefined })).toBe(
      "n, speed is missing: the model sees positions, n, code, speed",
    );
    expect(await wrong({ normal: normals })).toBe(
      "the model has no input normal: it sees positions, n, code, speed, edgeIndex, triangles",
    );
    expect(await wrong({ sped: [1] })).toContain("did you mean speed?");
    expect(await wrong({ n: normals.subarray(3) })).toBe("n has 39 rows, expected 40");
    expect(await wrong({ n: normals.subarray(1) })).toBe("n has 119 numbers, expected rows of 3");
    expect(await wrong({ speed: [1, 2] })).toBe("speed has 2 rows, expected 1");
    expect(await wrong({ n: normals.map((value, i) => (i === 7 ? Number.NaN : value)) })).toContain(
      'array "n", row 2: is NaN',
    );
    expect(await wrong({ code: code.map((value, i) => (i === 5 ? 15 : value)) })).toContain(
      "is 15, expected one of the classes 10, 20",
    );
    expect(await wrong({ triangles: Int32Array.of(0, 1, 40) })).toContain("is the point 40, there are 40");
    expect(await wrong({ triangles: undefined })).toContain("has no cells with sides");
    expect(await wrong({ positions: "none" })).toBe('positions, row 0: is "none", expected a number');
    expect(await wrong({ positions: new Map() })).toBe("positions is Map, expected an array or a list of numbers");
    expect(await wrong({ positions: [] })).toBe("positions has no points");
    const sent = { positions: positions.slice(), n: Float32Array.from(normals), triangles: triangles.slice() };
    structuredClone(sent, { transfer: Object.values(sent).map(({ buffer }) => buffer) });
    for (const [name, array] of Object.entries(sent))
      expect(await wrong({ [name]: array })).toContain(`${name} has no memory any more: it was transferred to another`);
    expect(await wrong({ positions: [["a", 1, 2]] })).toBe('positions, row 0: is "a", expected a number');
    const running = surrogate.predict(given);
    surrogate.dispose();
    // What was disposed is the model, not the weight that happens to be needed first.
    for (const call of [running, surrogate.predict(given)])
      await expect(call).rejects.toThrow(new DisposedError("this model has been disposed: create or load it again"));
    surrogate.dispose();
  });

  test("whoever takes it for an Erwin by itself, or another model for it, hears what to do", async () => {
    const bytes = await ofMesh();
    await expect(ErwinTransformer.load(bytes, { device: device() })).rejects.toThrow(
      "checkpoint holds a model of the experiment folder: load it by Surrogate.load or readModel of erwin/experiments",
    );
    using other = await ErwinTransformer.create(model, { device: device() });
    await expect(Surrogate.load(await other.save(), { device: device() })).rejects.toThrow(CheckpointError);
    await expect(Surrogate.load(bytes, {} as never)).rejects.toThrow("device is undefined");
  });

  test("labels that are texts go in and come out", async () => {
    const row = (i: number) =>
      [...positions.subarray(3 * i, 3 * i + 3), material[i], material[points - 1 - i]].join(",");
    const bytes = csv(
      "x,y,z,material,other",
      Array.from({ length: points }, (_, i) => row(i)),
    );
    const fields = { inputs: { material: { classes: kinds } }, targets: { other: { classes: kinds } } };
    using surrogate = await Surrogate.load(
      await trained({ ...fields, model, splits: { train: ["*"] } }, { "a.csv": bytes }),
      {
        device: device(),
      },
    );
    const { other } = await surrogate.predict({ positions, material });
    const table = new File([bytes as Uint8Array<ArrayBuffer>], "a.csv");
    const inFile = await surrogate.predictFile(table);
    expect((await surrogate.readFile(table)).material).toEqual(material);
    expect(other.prediction).toEqual(inFile.other.prediction);
    expect([...other.labels!.values()]).toEqual(kinds);
    await expect(
      surrogate.predict({ positions, material: material.map((text, i) => (i === 3 ? "wood" : text)) }),
    ).rejects.toThrow('material, row 3: is "wood", expected one of steel, glass');
  });

  test("values that lie in a table beside the files are given beside a file, and go before its own", async () => {
    const at = (i: number) => [...positions.subarray(3 * i, 3 * i + 3)].join(",");
    const rows = (more: string) => Array.from({ length: points }, (_, i) => `${at(i)},${i % 7}${more}`);
    const whole = csv("x,y,z,u,u_inf,v_inf,kind", rows(",3,-1,glass"));
    const globals = [
      { name: "flow", from: ["u_inf", "v_inf"] },
      { name: "kind", classes: kinds },
    ];
    const described = { targets: ["u"], globals, model, splits: { train: ["*"] } };
    using surrogate = await Surrogate.load(
      await trained(described, { "a.csv": whole, "b.csv": csv("x,y,z,u,u_inf,v_inf,kind", rows(",9,2,steel")) }),
      { device: device() },
    );
    const fileOf = (bytes: Uint8Array) => new File([bytes as Uint8Array<ArrayBuffer>], "a.csv");
    const bare = fileOf(csv("x,y,z,u", rows("")));
    const values = { flow: [3, -1], kind: "glass" };
    const expected = await surrogate.predictFile(fileOf(whole));
    expect(await surrogate.predictFile(bare, { values })).toEqual(expected);
    const other = await surrogate.predictFile(fileOf(whole), { values: { flow: [9, 2] } });
    expect(other.u.prediction).not.toEqual(expected.u.prediction);
    const again = await surrogate.predict(await surrogate.readFile(fileOf(whole), { values: { flow: [9, 2] } }));
    expect(again.u.prediction).toEqual(other.u.prediction);

    await expect(surrogate.predictFile(bare)).rejects.toThrow('has no array "u_inf"; there are "u"');
    for (const [wrong, message] of [
      [{ flwo: [3, -1] }, "the model has no global flwo: did you mean flow?"],
      [{ u: 1 }, "the model has no global u: its globals are flow, kind"],
      [{ flow: 3 }, "flow has 1 numbers, expected rows of 2"],
      [{ flow: [1, 2, 3, 4] }, "flow has 2 rows, expected 1"],
      [{ flow: [1, Number.NaN] }, "flow is NaN, expected a finite number"],
      [{ kind: "wood" }, 'kind, row 0: is "wood", expected one of steel, glass'],
      [null, "values is null, expected an object of globals"],
    ] as const) {
      const refused = surrogate.readFile(bare, { values: wrong as never });
      await expect(refused).rejects.toThrow(message);
      await expect(refused).rejects.toThrow(ErwinError);
    }
  });

  test("a sequence goes on from what it has predicted, and its points move", async () => {
    const frame = (i: number) => ({
      positions: { shape: [points, 3], data: some(3 * points, 1).map((value) => value + i / 10) },
      heat: { shape: [points], data: some(points, 4 + i) },
    });
    const files = Object.fromEntries([0, 1, 2].map((i) => [`run_${i}.npz`, saveNpz(frame(i))]));
    const bytes = await trained(
      { targets: ["heat", "positions"], sequence: true, splits: { train: ["*"] }, model },
      files,
    );
    using surrogate = await Surrogate.load(new Blob([bytes as Uint8Array<ArrayBuffer>]), { device: device() });
    let state = { positions: frame(0).positions.data, heat: frame(0).heat.data };
    const given = surrogate.predict(state);
    expect(surrogate.inputs.map(({ name }) => name)).toEqual(["positions", "heat"]);
    for (let step = 0; step < 2; step++) {
      const next = await surrogate.predict(state);
      if (step === 0) expect(next).toEqual(await given);
      expect(next.positions.prediction).not.toEqual(state.positions);
      state = {
        positions: Float64Array.from(next.positions.prediction),
        heat: Float64Array.from(next.heat.prediction),
      };
    }
    const ofFile = await surrogate.readFile(new File([files["run_0.npz"] as Uint8Array<ArrayBuffer>], "run_0.npz"));
    expect(await surrogate.predict(ofFile)).toEqual(await given);
    const gone = AbortSignal.abort();
    await expect(surrogate.predict(state, { signal: gone })).rejects.toBe(gone.reason);
    await expect(Surrogate.load(bytes, { device: device(), signal: gone })).rejects.toBe(gone.reason);
  });

  test("a model with a history takes the earlier frames, and says how many", async () => {
    const frame = (i: number) => ({ positions: some(3 * points, 1), heat: some(points, 4 + i) });
    const files = [0, 1, 2, 3].map((i): [string, Uint8Array] => {
      const { positions, heat } = frame(i);
      return [
        `run_${i}.npz`,
        saveNpz({ positions: { shape: [points, 3], data: positions }, heat: { shape: [points], data: heat } }),
      ];
    });
    const experiment = folderExperiment({
      targets: ["heat"],
      sequence: { history: 2 },
      splits: { train: ["*"] },
      model,
    });
    const options = resolveOptions(experiment.options);
    const source = new MemorySource(new Map(files), "data");
    const run = await openRun(FOLDER, experiment, { device: device(), options, source });
    using untrained = run.model;
    untrained.eval();
    const [expected] = await experiment.predictFields(
      untrained as never,
      (await run.trainData.load(0, undefined as never)) as never,
    );
    using surrogate = await Surrogate.load(await untrained.save(), { device: device() });
    expect(surrogate.history).toBe(2);
    const { heat } = await surrogate.predict(frame(2), { earlier: [frame(1), frame(0)] });
    expect(heat.prediction).toEqual(expected.prediction);
    const turned = await surrogate.predict(frame(2), { earlier: [frame(0), frame(1)] });
    expect(turned.heat.prediction).not.toEqual(expected.prediction);
    const three = [frame(1), frame(0), frame(0)];
    await expect(surrogate.predict(frame(2), { earlier: three })).rejects.toThrow(
      "earlier has 3 frames, but the model",
    );
    await expect(surrogate.predict(frame(2))).rejects.toThrow(
      "earlier has 0 frames, but the model sees 2 before the input, the latest first",
    );
    const short = { positions: some(9, 1), heat: some(3, 1) };
    await expect(surrogate.predict(frame(2), { earlier: [frame(1), short] })).rejects.toThrow(
      `earlier[1]: has 3 points, expected ${points}`,
    );
    const file = new File([files[2][1] as Uint8Array<ArrayBuffer>], "run_2.npz");
    await expect(surrogate.predictFile(file)).rejects.toThrow("run_2.npz: the model sees the 2 frames before it, too");
    const two = new File(["1\n\nH 0 0 0\n1\n\nH 0 0 1\n"], "two.xyz");
    await expect(surrogate.predictFile(two)).rejects.toThrow("two.xyz: holds 2 frames");
    // What is given again is what a rollout sees.
    const { pair } = (await run.trainData.load(0, undefined as never)) as FieldCloud;
    async function* samples() {
      yield* [...pair.earlier!].reverse();
      for (let step = 0; step < 4; step++) yield pair.sample;
    }
    let seen = [frame(2), frame(1), frame(0)];
    let steps = 0;
    for await (const [{ prediction }] of experiment.rollOut(untrained as FieldModel, samples())) {
      // The frames that it begins with are as they were given.
      if (steps++ < 3) continue;
      const [now, ...earlier] = seen;
      const next = await surrogate.predict(now, { earlier });
      expect(next.heat.prediction).toEqual(prediction);
      seen = [{ ...now, heat: Float64Array.from(next.heat.prediction) }, now, seen[1]];
    }
    expect(steps).toBe(6);
  });

  test("samples are found in files, and their copies have what is predicted", async () => {
    using surrogate = await Surrogate.load(await ofMesh(), { device: device() });
    const files = { "a.npz": file(truth), "b/c.npz": file(), "notes.txt": new Uint8Array(3) };
    const found = await surrogate.find(new MemorySource(new Map(Object.entries(files)), "data"));
    expect(found.map(({ name, files, frames }) => [name, files, frames])).toEqual([
      ["a.npz", ["a.npz"], 1],
      ["b/c.npz", ["b/c.npz"], 1],
    ]);
    const [predicted, ...others] = await allOf(found[0].predict());
    expect(others).toEqual([]);
    const expected = await surrogate.predictFile(new File([files["a.npz"] as Uint8Array<ArrayBuffer>], "a.npz"));
    const [pressure, , drag] = predicted.fields;
    expect(pressure).toEqual(expected.pressure);
    expect([predicted.positions, predicted.dimensionality]).toEqual([Float32Array.from(positions), 3]);
    expect([predicted.file, predicted.copyName, predicted.time]).toEqual(["a.npz", "a.npz", undefined]);
    const copy = loadNpz(await predicted.copy());
    expect(copy.get("normals")!.data).toEqual(normals);
    const error = (i: number) => pressure.prediction[i] - truth.pressure.data[i];
    expect([...(copy.get("error_pressure")!.data as Float32Array)]).toEqual(
      Array.from({ length: points }, (_, i) => Math.fround(error(i))),
    );
    expect(copy.get("prediction_drag")).toMatchObject({ shape: [1], data: Float32Array.of(drag.prediction[0]) });
    const none = surrogate.find(new MemorySource(new Map([["notes.txt", new Uint8Array(3)]]), "data"));
    await expect(none).rejects.toThrow("data: holds no sample");
    await expect(surrogate.find([] as never)).rejects.toThrow("source is [], expected a data source");
  });

  test("of a sample on a grid the prediction has the grid's shape, also that of a training", async () => {
    const axis = (count: number) => ({ shape: [count], data: some(count, 1).sort() });
    const heat = { shape: [5, 8], data: some(40, 3) };
    const files = new Map([["a.npz", saveNpz({ lat: axis(5), lon: axis(8), heat })]]);
    const given = {
      grid: ["lat", "lon"],
      coordinates: ["lon", "lat"],
      targets: ["heat"],
      splits: { train: ["*"] },
      model,
    };
    const experiment = folderExperiment(given);
    const options = resolveOptions(experiment.options);
    const source = new MemorySource(files, "data");
    const run = await openRun(FOLDER, experiment, { device: device(), options, source });
    using trainedModel = run.model;
    const cloud = (await run.trainData.load(0, new Random(0))) as FieldCloud;
    const [ofTraining] = await experiment.predict!(trainedModel as FieldModel, cloud, options as never);
    using surrogate = await Surrogate.load(await trainedModel.save(), { device: device() });
    const [sample] = await surrogate.find(source);
    const [ofFile] = await allOf(sample.predict());
    expect([ofTraining.grid, ofFile.grid]).toEqual([
      [5, 8],
      [5, 8],
    ]);
    // The points follow one another along the last axis.
    const longitudes = ofFile.positions.filter((_, i) => i % 2 === 0).subarray(0, 8);
    expect(longitudes).toEqual(Float32Array.from(axis(8).data));
  });

  test("sequences are found in files, and predicted from their first frame on", async () => {
    const frame = (i: number) => ({
      positions: { shape: [points, 3], data: some(3 * points, 1).map((value) => value + i / 10) },
      heat: { shape: [points], data: some(points, 4 + i) },
    });
    const files = Object.fromEntries([0, 1, 2, 3, 4].map((i) => [`run_${i}.npz`, saveNpz(frame(i))]));
    const fields = { targets: ["heat", "positions"], sequence: { stride: 2 }, files: "run_*.npz" };
    const bytes = await trained({ ...fields, splits: { train: ["*"] }, model }, files);
    using surrogate = await Surrogate.load(bytes, { device: device() });
    // Others than those of the training: all that can be read.
    const others = Object.fromEntries(Object.entries(files).map(([name, file]) => [name.replace("run", "flow"), file]));
    const find = (given: object) => surrogate.find(new MemorySource(new Map(Object.entries(given)), "data"));
    for (const [name, given] of [
      ["run", files],
      ["flow", others],
    ] as const) {
      const [sequence, ...more] = await find(given);
      expect(more).toEqual([]);
      expect([sequence.name, sequence.files.length, sequence.frames]).toEqual([name, 5, 3]);
      const frames = await allOf(sequence.predict());
      expect(frames.map(({ file, time }) => [file, time])).toEqual([0, 2, 4].map((i) => [`${name}_${i}.npz`, i]));
      const [first, second, third] = frames.map(({ fields }) => fields.map(({ prediction }) => prediction));
      expect(first).toEqual([frame(0).heat.data, frame(0).positions.data]);
      const next = await surrogate.predict({ positions: frame(0).positions.data, heat: frame(0).heat.data });
      expect(second).toEqual([next.heat.prediction, next.positions.prediction]);
      const [heat, positions] = second.map((values) => Float64Array.from(values));
      const afterNext = await surrogate.predict({ heat, positions });
      expect(third).toEqual([afterNext.heat.prediction, afterNext.positions.prediction]);
      // Points that move are where they are predicted to be.
      expect(frames[1].positions).toEqual(Float32Array.from(positions));
      expect(frames[1].fields[0].truth).toEqual(frame(2).heat.data);
      expect(await allOf(sequence.predict({ steps: 1 }))).toHaveLength(2);
      const copy = loadNpz(await frames[1].copy());
      expect(copy.get("prediction_heat")!.data).toEqual(Float32Array.from(heat));
    }
    // A frame by itself is taken to the next one.
    const [single] = await find({ "run_0.npz": files["run_0.npz"] });
    const [{ fields: predicted, time }] = await allOf(single.predict());
    const next = await surrogate.predict({ positions: frame(0).positions.data, heat: frame(0).heat.data });
    expect(predicted[0].prediction).toEqual(next.heat.prediction);
    expect(time).toBeUndefined();
    const gone = AbortSignal.abort();
    await expect(allOf(single.predict({ signal: gone }))).rejects.toBe(gone.reason);
    await expect(allOf(single.predict({ step: 1 } as never))).rejects.toThrow("step");
  });

  test("a signal ends what is being read or computed, not only what has yet to begin", async () => {
    const frame = (i: number) =>
      saveNpz({
        positions: { shape: [points, 3], data: some(3 * points, 1) },
        heat: { shape: [points], data: some(points, 4 + i) },
      });
    const given = { targets: ["heat"], splits: { train: ["*"] }, model };
    const files = { "run_0.npz": frame(0), "run_1.npz": frame(1) };
    using ofSamples = await Surrogate.load(await trained(given, files), { device: device() });
    using ofSequences = await Surrogate.load(await trained({ ...given, sequence: true }, files), { device: device() });
    const source = new MemorySource(new Map(Object.entries(files)));
    const [sample] = await ofSamples.find(source);
    const [sequence] = await ofSequences.find(source);
    const positions = some(3 * points, 1);

    // Of a device or a source that does not answer, only the signal can end the wait.
    const calls: ((options: { signal: AbortSignal }) => Promise<unknown>)[] = [
      (options) => ofSamples.predict({ positions }, options),
      (options) => ofSamples.predictFile(new File([files["run_0.npz"]], "run_0.npz"), options),
      (options) => allOf(sample.predict(options)),
      (options) => allOf(sequence.predict(options)),
    ];
    for (const call of calls) await endsBySignal(device(), "read", call);
    const before = device().memory.current;
    await endsBySignal(device(), "read", calls[0]);
    expect(device().memory.current).toBe(before);
    expect((await ofSamples.predict({ positions })).heat.prediction).toHaveLength(points);

    await endsBySignal(source, "read", (options) => allOf(sample.predict(options)));
    await endsBySignal(source, "list", (options) => ofSamples.find(source, options));
    await expect(ofSamples.find(source, { signal: AbortSignal.abort("gone") })).rejects.toBe("gone");
  });
}, quickBackends);
