// Modules of one's own, made of the library's: names, values from seeds and files, gradients, memory.

import {
  AdamW,
  CheckpointError,
  ConfigError,
  concatenate,
  cos,
  createErwinWorker,
  type Device,
  DisposedError,
  ErwinTransformer,
  InputError,
  loadSafetensors,
  nn,
  noGrad,
  OutOfMemoryError,
  requestDevice,
  reshape,
  saveSafetensors,
  scope,
  sin,
  sum,
  Tensor,
} from "erwin";
import { describe, expect, test } from "vitest";
import {
  cloudOptions,
  joinClouds,
  normals,
  permutation,
  randomCloud,
  randomState,
  seededRandom,
} from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { loadGolden } from "../support/files.ts";
import { numbers } from "../support/golden.ts";
import { checkpointBytes, quickBackend, small, useDevice } from "../support/models.ts";
import { byDifferences, check, given } from "../support/operators.ts";
import { rejection } from "../support/rejection.ts";

const device = useDevice(quickBackend);

test("a part that is declared twice is one part, by its first name", () => {
  class Twice extends nn.Module {
    readonly first = this.child("first", new nn.Linear(2, 3));
    readonly second = this.child("second", this.first);
  }
  using model = new Twice().initialize({ device: device() });
  expect([...model.parameters().keys()]).toEqual(["first.weight", "first.bias"]);
  expect([...model.modules().keys()]).toEqual(["", "first"]);
});

/** The paper's wrapper for car surfaces: Fourier features of the positions, Erwin, a head for the pressure. */
class PressureModel extends nn.Module {
  readonly positions: nn.Linear;
  readonly main: ErwinTransformer;
  readonly head: nn.MLP;

  constructor(readonly config: object) {
    super();
    const main = new ErwinTransformer(config as Record<string, unknown>);
    const { cIn, cHidden } = main.config;
    const options = { bias: false, weightInitializer: nn.normal(0, 1) };
    this.positions = this.child("pos_enc.linear", new nn.Linear(3, cIn / 2, options));
    this.main = this.child("main_model", main);
    this.head = this.child("pred_head", new nn.MLP([cHidden[0], cHidden[0], 1]));
  }

  async forward(nodePositions: Float32Array, edgeIndex: Int32Array): Promise<Tensor> {
    using nodeFeatures = scope(() => {
      const points = Tensor.from(this.device, nodePositions, [nodePositions.length / 3, 3]);
      const angles = this.positions.forward(points);
      return concatenate([cos(angles), sin(angles)], 1);
    });
    using nodes = await this.main.forward({ nodeFeatures, nodePositions, edgeIndex });
    return this.head.forward(nodes);
  }

  override metadata() {
    return { ...this.main.metadata(), experiment: "shapenet" };
  }
}

/** Everything that a file keeps: parameters, buffers, a counter, on several levels. */
class Classifier extends nn.Module {
  readonly kinds = this.child("kinds", new nn.Embedding(4, 6));
  readonly norm = this.child("norm", new nn.BatchNorm(6));
  readonly layers = this.child(
    "layers",
    new nn.Sequential(new nn.RMSNorm(6), new nn.MLP([6, 12, 6]), new nn.LayerNorm(6)),
  );
  readonly scale = this.parameter("scale", [1, 6], nn.uniform(0.5));

  forward(kinds: number[]): Tensor {
    return scope(() => this.layers.forward(this.norm.forward(this.kinds.forward(kinds))));
  }
}

const cloud = (points: number) => {
  const { nodePositions, edgeIndex } = joinClouds([randomCloud(points, cloudOptions(small), seededRandom(5))]);
  return [nodePositions, edgeIndex as Int32Array] as const;
};

test("the paper's wrapper for ShapeNet takes the reference's weights and gives its predictions", async () => {
  const { tensors, metadata } = await loadGolden("experiments/shapenet/init");
  const predictions = await loadGolden("experiments/shapenet/predictions");
  using model = new PressureModel(JSON.parse(metadata.config));
  model.restore(tensors, "init.safetensors", device());
  const saved = loadSafetensors(await model.save());
  expect([...saved.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
  expect(saved.metadata.experiment).toBe("shapenet");
  for (const car of [0, 1]) {
    const [positions, edges] = [`${car}.node_positions`, `${car}.edge_index`].map((name) => numbers(predictions, name));
    using out = await model.forward(positions as Float32Array, edges as Int32Array);
    expectClose(await out.data(), numbers(predictions, `${car}.pred_f64`), 1e-5, `pressure of car ${car}`);
  }
});

test("a module's state goes through a file bit for bit, and decides what it computes", async () => {
  using first = new Classifier().initialize({ device: device(), seed: 3 });
  expect([...first.state().keys()].sort()).toEqual(
    [
      "kinds.weight",
      ...["weight", "bias", "running_mean", "running_var"].map((name) => `norm.${name}`),
      "layers.0.weight",
      ...["0.weight", "0.bias", "2.weight", "2.bias"].map((name) => `layers.1.${name}`),
      ...["weight", "bias"].map((name) => `layers.2.${name}`),
      "scale",
    ].sort(),
  );
  const kinds = [0, 3, 3, 1, 2, 0];
  // This updates the running statistics.
  first.train().forward(kinds).dispose();
  expect(first.layers.layers.every((layer) => layer.training)).toBe(true);
  const file = await first.save();
  using second = await new Classifier().load(file, { device: device() });
  expect(await second.save()).toEqual(file);
  using expected = first.eval().forward(kinds);
  using found = second.forward(kinds);
  expect(await found.data()).toEqual(await expected.data());
  using third = new Classifier().initialize({ device: device(), seed: 4 });
  using other = third.forward(kinds);
  expect(await other.data()).not.toEqual(await expected.data());
});

test("a loaded model becomes part of another, which initializes only what is new", async () => {
  const before = device().memory.current;
  const state = randomState(small, 1);
  const main = await ErwinTransformer.load(checkpointBytes(small, state), { device: device() });
  class Finetuned extends nn.Module {
    readonly main = this.child("main", main);
    readonly head = this.child("head", new nn.Linear(8, 1));
  }
  const model = new Finetuned().initialize({ device: device() });
  expect(await model.parameters().get("main.embed.embed_fn.weight")?.data()).toEqual(
    state.get("embed.embed_fn.weight")?.data,
  );
  expect(model.parameters().get("head.weight")?.shape).toEqual([1, 8]);
  model.dispose();
  expect(device().memory.current).toBe(before);
  await expect(main.save()).rejects.toThrow(DisposedError);
});

test("with strict: false a checkpoint gives the part that it has, and the rest keeps its values or is initialized", async () => {
  const before = device().memory.current;
  class Network extends nn.Module {
    readonly body = this.child("body", new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm(4)));
    readonly head: nn.Linear;

    constructor(name: string, classes: number) {
      super();
      this.head = this.child(name, new nn.Linear(4, classes));
    }
  }
  using pretrained = new Network("head", 5).initialize({ device: device(), seed: 1 });
  const file = await pretrained.save();
  const { tensors } = loadSafetensors(file);
  using fresh = await new Network("classifier", 2).load(file, { device: device(), strict: false });
  expect(() => fresh.head.weight).toThrow("no values yet");
  fresh.initialize({ device: device(), seed: 2 });
  expect(await fresh.body.save()).toEqual(await pretrained.body.save());
  const head = await fresh.head.save();
  expect(fresh.restore(tensors, "pretrained", device(), { strict: false })).toEqual({
    missing: ["classifier.weight", "classifier.bias"],
    unexpected: ["head.bias", "head.weight"],
  });
  expect(await fresh.head.save()).toEqual(head);
  expect(() => fresh.restore(tensors)).toThrow(/Missing \(2\): .* Unexpected \(2\)/);
  const loose = (model: nn.Module) => () => model.restore(tensors, "it", device(), { strict: false });
  // Another shape, or nothing at all that fits, is no checkpoint of this model.
  expect(loose(new Network("head", 2))).toThrow(
    "it does not fit the model's config. Misshapen (2): head.weight has [5,4]",
  );
  expect(loose(new nn.Linear(4, 5))).toThrow("Missing (2): weight, bias. Unexpected (9)");
  for (const model of [pretrained, fresh]) model.dispose();
  expect(device().memory.current).toBe(before);
});

test("an encoder is loaded from a model that decodes, with strict: false", async () => {
  const state = randomState(small, 1);
  const file = checkpointBytes(small, state);
  const options = { device: device(), config: { ...small, decode: false } };
  await expect(ErwinTransformer.load(file, options)).rejects.toThrow("Unexpected");
  using encoder = await ErwinTransformer.load(file, { ...options, strict: false });
  for (const [name, tensor] of encoder.state()) expect(await tensor.data(), name).toEqual(state.get(name)?.data);
  const deeper = { ...small, encDepths: [3, 1] };
  using other = await ErwinTransformer.load(file, { device: device(), config: deeper, strict: false });
  const [nodePositions, edgeIndex] = cloud(40);
  using output = await other.forward({ nodeFeatures: new Float32Array(40 * small.cIn), nodePositions, edgeIndex });
  expect((await output.data()).every(Number.isFinite)).toBe(true);
  expect(other.parameters().get("encoder.0.blocks.2.norm1.weight")?.shape).toEqual([8]);
});

test("gradients of a head, Erwin and features of one's own are the slopes of the loss", async () => {
  using model = new PressureModel(small).initialize({ device: device(), seed: 2 });
  const random = seededRandom(6);
  const [positions, edges] = cloud(40);
  const loss = async () => {
    using out = await model.forward(positions, edges);
    return sum(out);
  };
  // Larger weights, so that every part matters.
  for (const tensor of model.parameters().values()) {
    const values = await tensor.data();
    tensor.set(values.map((value) => value + 0.2 * (random() - 0.5)));
  }
  using total = await loss();
  await total.backward();
  for (const part of ["pos_enc", "main_model.embed", "main_model.encoder", "main_model.decoder", "pred_head"]) {
    let expected = 0;
    const moved: { tensor: Tensor; values: Float32Array; direction: Float32Array }[] = [];
    for (const [name, tensor] of model.parameters()) {
      if (!name.startsWith(part)) continue;
      const [values, gradient] = [await tensor.data(), await tensor.grad?.data()];
      const direction = normals(tensor.size, random);
      gradient?.forEach((slope, i) => (expected += slope * direction[i]));
      moved.push({ tensor, values, direction });
    }
    const at = async (step: number) => {
      for (const { tensor, values, direction } of moved) tensor.set(values.map((v, i) => v + step * direction[i]));
      using moving = await loss();
      return (await moving.data())[0];
    };
    const step = 2e-3;
    const slope = ((await at(step)) - (await at(-step))) / (2 * step);
    await at(0);
    expect(moved.length).toBeGreaterThan(0);
    expect(Math.abs(slope - expected), `slope ${slope}, expected ${expected} for ${part}`).toBeLessThan(
      0.01 * Math.abs(expected) + 0.01,
    );
  }
});

test("an output that is still there does not keep the memory of a model that has been disposed", async () => {
  const [nodePositions, edgeIndex] = cloud(40);
  const before = device().memory.current;
  const model = await ErwinTransformer.create(small, { device: device() });
  using output = await model.forward({ nodeFeatures: new Float32Array(40 * small.cIn), nodePositions, edgeIndex });
  model.dispose();
  expect(device().memory.current - before).toBe(4 * output.size);
  await expect(output.backward(output)).rejects.toThrow(DisposedError);
});

test("a pass has the mode of its call, and its gradients too, whatever is set before they are computed", async () => {
  const [nodePositions, edgeIndex] = cloud(40);
  const input = { nodeFeatures: new Float32Array(40 * small.cIn).fill(0.5), nodePositions, edgeIndex };
  /** The output, gradients and buffers of a pass in evaluation mode. */
  const pass = async (afterCall: (model: ErwinTransformer) => void, afterPass: (model: ErwinTransformer) => void) => {
    using model = await ErwinTransformer.create(small, { device: device(), seed: 3 });
    const output = model.forward(input);
    afterCall(model);
    using result = await output;
    using total = sum(result);
    afterPass(model);
    await total.backward();
    const gradients = [...model.parameters().values()].flatMap(({ grad }) => grad ?? []);
    expect(gradients.length).toBeGreaterThan(0);
    return Promise.all([result, ...gradients, ...model.buffers().values()].map((tensor) => tensor.data()));
  };
  const train = (model: ErwinTransformer) => void model.train();
  const expected = await pass(
    () => {},
    () => {},
  );
  expect(await pass(train, () => {})).toEqual(expected);
  expect(await pass(() => {}, train)).toEqual(expected);

  // A pass in training mode changes the running statistics that the pass before it used.
  using model = await ErwinTransformer.create(small, { device: device(), seed: 3 });
  using result = await model.forward(input);
  using total = sum(result);
  (await noGrad(() => model.train().forward(input))).dispose();
  await expect(total.backward()).rejects.toThrow(/shape \[8\] was changed after/);
});

test("attention and the feed-forward part, one after the other, are their block, with its gradients", async () => {
  const [rows, width, dimensions] = [12, 8, 3];
  const random = seededRandom(9);
  using block = new nn.ErwinBlock({ width, heads: 2, mlpRatio: 2, dimensions }).initialize({
    device: device(),
    seed: 1,
  });
  const make = (columns: number) => Tensor.from(device(), normals(rows * columns, random), [rows, columns]);
  const host = Uint32Array.of(0, 8, 8, 4);
  const [x, positions, offsets] = [make(width), make(dimensions), make(dimensions)];
  const [index, balls] = [permutation(rows, random), host].map((list) => Tensor.from(device(), Uint32Array.from(list)));
  const order = { index, positions, offsets };
  const level = {
    nodes: rows,
    balls: { tensor: balls, host, largest: 8 },
    straight: order,
    rotated: undefined,
    grouping: undefined,
  };
  const results = async (compute: () => Tensor) => {
    using y = compute();
    using total = scope(() => sum(y));
    await total.backward();
    const gradients = await Promise.all([...block.parameters().values()].map(({ grad }) => grad!.data()));
    for (const tensor of block.parameters().values()) tensor.zeroGrad();
    return [await y.data(), ...gradients];
  };
  const whole = await results(() => block.forward(x, order, level));
  const parts = await results(() =>
    scope(() => {
      const attended = block.attention.forward(x, block.attentionNorm, order, level);
      return block.swiglu.forward(attended, block.feedForwardNorm);
    }),
  );
  expect(whole.length).toBeGreaterThan(10);
  parts.forEach((values, i) => expectClose(values, whole[i], 1e-6, `array ${i}`));
  for (const tensor of [x, positions, offsets, index, balls]) tensor.dispose();
});

test("consoles show tensors, modules and devices by a line that says what they are, also before and after they have memory", () => {
  const shown = (object: object) =>
    (object as Record<symbol, () => string>)[Symbol.for("nodejs.util.inspect.custom")]();
  const { description } = device().info;
  const tensor = Tensor.from(device(), [1, 2, 3, 4, 5, 6], [2, 3]);
  const lines = [`Tensor ([2, 3], f32, on ${description})`, `Linear (12 parameters on ${description})`];
  const module = new nn.Linear(3, 3);
  expect(shown(module)).toBe("Linear (12 parameters)");
  module.initialize({ device: device() });
  expect([shown(tensor), shown(module)]).toEqual(lines);
  for (const object of [tensor, module]) object.dispose();
  expect([shown(tensor), shown(module)]).toEqual(lines);
  expect(shown(device())).toBe(`${device().constructor.name} (${description})`);
});

test("RMSNorm and LayerNorm stand alone", async () => {
  const random = seededRandom(8);
  const [rows, width] = [5, 7];
  const normalised = (center: boolean, eps: number) =>
    byDifferences((x) => {
      const out = new Float64Array(rows * width);
      for (let row = 0; row < rows; row++) {
        const values = Array.from(x.slice(row * width, (row + 1) * width));
        const mean = center ? values.reduce((a, b) => a + b) / width : 0;
        const square = values.reduce((total, value) => total + (value - mean) ** 2, 0) / width;
        values.forEach((value, i) => (out[row * width + i] = (value - mean) / Math.sqrt(square + eps)));
      }
      return out;
    });
  for (const [norm, reference] of [
    [new nn.RMSNorm(width), normalised(false, 2 ** -23)],
    [new nn.LayerNorm(width), normalised(true, 1e-5)],
  ] as const) {
    norm.initialize({ device: device() });
    // The weights' own gradients stay, and so have to be there before memory is compared.
    using x = Tensor.from(device(), normals(rows * width, random), [rows, width]);
    using total = scope(() => sum(norm.forward(x)));
    await total.backward();
    await check(device(), [given([rows, width], random)], (input) => norm.forward(input), reference, random);
    norm.dispose();
  }
  const added = new nn.LayerNorm(width).initialize({ device: device() });
  const residual = normals(rows * width, random);
  using x = Tensor.from(device(), normals(rows * width, random), [rows, width]);
  using alone = added.forward(x);
  using both = added.forward(x, Tensor.from(device(), residual, [rows, width]));
  const values = await alone.data();
  expectClose(
    await both.data(),
    residual.map((value, i) => value + values[i]),
    1e-6,
    "LayerNorm with a residual",
  );
  added.dispose();
});

describe("what fails leaves no memory taken", () => {
  /** Runs `action`, which must fail, and checks that it gave back what it took. */
  async function failure(on: Device, action: () => Promise<unknown>): Promise<unknown> {
    const before = on.memory.current;
    const error = await rejection(action());
    expect(on.memory.current).toBe(before);
    return error;
  }

  test("a model that does not fit names the tensor that did not", async () => {
    const huge = { ...small, cHidden: [32768, 32768], mpSteps: 0 };
    // On the device of other tests, those tensors would be released first that they have forgotten.
    using own = await requestDevice({ backend: device().backend });
    const error = await failure(own, () => ErwinTransformer.create(huge, { device: own }));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect((error as OutOfMemoryError).message).toMatch(/BMSA\.qkv\.weight \[98304,32768\]/);
    expect((error as OutOfMemoryError).details.tensor).toMatch(/BMSA\.qkv\.weight$/);
  });

  test("a file with a value that float32 cannot hold names file and tensor", async () => {
    const name = "decoder.0.blocks.0.swiglu.w3.bias";
    const state: Map<string, object> = new Map(randomState(small, 1));
    state.set(name, { shape: [8], data: new Float64Array(8).fill(1e300) });
    const bytes = saveSafetensors(state as Parameters<typeof saveSafetensors>[0], { config: JSON.stringify(small) });
    const error = await failure(device(), () => ErwinTransformer.load(bytes, { device: device() }));
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toContain(`checkpoint: ${name}: element 0 is 1e+300`);
    expect((error as CheckpointError).details).toMatchObject({ tensor: name, file: "checkpoint" });

    using model = await ErwinTransformer.load(checkpointBytes(small, randomState(small, 2)), { device: device() });
    const was = await model.save();
    expect(() => model.restore(loadSafetensors(bytes).tensors)).toThrow(CheckpointError);
    expect(await model.save(), "a model that could not be restored is as it was").toEqual(was);
  });

  test("a module is used with values alone, and named parts are there once", async () => {
    class Twice extends nn.Module {
      readonly a = this.child("layer", new nn.Linear(2, 2));
      readonly b = this.child("layer", new nn.Linear(2, 2));
    }
    expect(() => new Twice()).toThrow(ConfigError);
    expect(() => new nn.Linear(2, 2).parameters()).toThrow(/initialize/);
  });

  test("what is declared later, however deep, is part of a module that has been asked for its parts before", async () => {
    class Growing extends nn.Module {
      add<Part extends nn.Module>(name: string, part: Part): Part {
        return this.child(name, part);
      }
    }
    const outer = new Growing();
    const inner = outer.add("inner", new Growing());
    outer.add("last", new nn.Linear(2, 2));
    expect([...outer.modules().keys()]).toEqual(["", "inner", "last"]);
    const late = inner.add("late", new nn.Linear(2, 2));
    expect([...outer.modules().keys()]).toEqual(["", "inner", "inner.late", "last"]);
    outer.initialize({ device: device(), seed: 1 }).train();
    expect(late.training).toBe(true);
    expect([...outer.parameters().keys()]).toEqual([
      "inner.late.weight",
      "inner.late.bias",
      "last.weight",
      "last.bias",
    ]);
    outer.parameters().clear();
    expect(outer.parameters().size, "a caller's map is the caller's own").toBe(4);
    outer.dispose();
    expect(late.disposed).toBe(true);
  });

  test("an error in a layer names it as checkpoints do, also after an await and where a layer is used twice", async () => {
    class Body extends nn.Module {
      readonly narrow = this.child("narrow", new nn.Linear(4, 6));
      readonly head = this.child("head", new nn.Sequential(new nn.Linear(6, 6), new nn.GELU(), new nn.Linear(5, 1)));

      async forward(x: Tensor): Promise<Tensor> {
        await device().finished();
        return scope(() => this.head.forward(this.narrow.forward(x)));
      }
    }
    class Model extends nn.Module {
      readonly body = this.child("body", new Body());
      readonly again = this.child("again", this.body.narrow);
    }
    using model = new Model().initialize({ device: device(), seed: 0 });
    using x = Tensor.from(device(), new Float32Array(8), [2, 4]);
    const error = await rejection(model.body.forward(x));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /^in body\.head\.2: x has the shape \[2,6\], but the weight \[1,5\] maps rows of 5 numbers$/,
    );
    expect((error as InputError).details).toMatchObject({ module: "body.head.2", tensor: "x", expected: 5 });
    expect((error.cause as Error).message, "the cause is the first error, not one for each level").toMatch(/^x has/);
    expect(() => model.again.forward(reshape(x, [4, 2]))).toThrow(/^in narrow: x has the shape \[4,2\]/);
  });

  test("layers of impossible sizes are refused when they are built", () => {
    const block = { width: 8, heads: 2, mlpRatio: 2, dimensions: 3 };
    const layers: [string, () => unknown][] = [
      ["shape [0,3]", () => new nn.Linear(3, 0)],
      ["shape [3,NaN]", () => new nn.Linear(Number.NaN, 3)],
      ["shape [3,]", () => new nn.Embedding(3, undefined as never)],
      ["steps must be", () => new nn.MPNN({} as never)],
      ["shape [0]", () => new nn.RMSNorm(0)],
      ["shape [8]", () => new nn.LayerNorm("8" as never)],
      ["shape [-1]", () => new nn.BatchNorm(-1)],
      ["width / heads must be", () => new nn.BallAttention({ ...block, heads: 3 })],
      ["shape [0,8]", () => new nn.SwiGLU({ ...block, mlpRatio: 0 })],
      ["shape [8,0]", () => new nn.ErwinBlock({ ...block, dimensions: 0 })],
      ["depth must be", () => new nn.BallLayer(block as never)],
      ["shape [,", () => new nn.BallPooling({ stride: 2, fineWidth: 8, dimensions: 3 } as never)],
      ["an MLP needs the widths", () => new nn.MLP(3 as never)],
    ];
    for (const [message, build] of layers) {
      expect(build, message).toThrow(ConfigError);
      expect(build, message).toThrow(message);
    }
  });
});

test("what owns memory is not taken for a plain object, such as by Vue, which would put a proxy without its private fields in its place", async () => {
  const tensor = Tensor.from(device(), [1]).requireGrad();
  const module = new nn.Linear(3, 3);
  const optimizer = new AdamW(new Map([["tensor", tensor]]), { lr: 1 });
  const erwin = await createErwinWorker({ backend: "cpu" });
  const tags = [tensor, module, optimizer, erwin, device()].map((object) => Object.prototype.toString.call(object));
  for (const object of [tensor, module, optimizer, erwin]) object.dispose();
  const named = ["Tensor", "Linear", "AdamW", "ErwinWorker", device().constructor.name];
  expect(tags).toEqual(named.map((name) => `[object ${name}]`));
});
