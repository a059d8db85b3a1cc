// AdamW, clipping, averaging and the guard against NaN, on parameters of odd sizes, against a float64 implementation.

import {
  AdamW,
  clipGradientNorm,
  type Device,
  InputError,
  NumericalError,
  OutOfMemoryError,
  requestDevice,
  scale,
  Tensor,
} from "erwin";
import { afterEach, describe, expect, test } from "vitest";
import { normals, type Random, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { comparedBackends, onEachDevice, useDevice } from "../support/models.ts";

const device = useDevice();
const sizes = { a: [1], b: [7, 9], c: [64], d: [65, 3], e: [1000], f: [5000] };
const names = Object.keys(sizes) as (keyof typeof sizes)[];
const options = { lr: 0.02, betas: [0.8, 0.99] as const, eps: 1e-8, weightDecay: 0.1 };

type Numbers = Record<string, Float32Array>;
let parameters: Map<string, Tensor>;

function makeParameters(values: Numbers): Map<string, Tensor> {
  parameters = new Map(
    names.map((name) => [name, Tensor.from(device(), values[name], sizes[name]).requireGrad()] as const),
  );
  return parameters;
}

afterEach(() => {
  for (const tensor of parameters.values()) tensor.dispose();
});

const draw = (random: Random): Numbers =>
  Object.fromEntries(
    names.map((name) => [
      name,
      normals(
        sizes[name].reduce((a, b) => a * b),
        random,
      ),
    ]),
  );

/** Gives parameters these gradients, by the backward pass of a suitable sum. */
async function give(gradients: Numbers, only: readonly string[] = names): Promise<void> {
  for (const name of only) {
    const tensor = parameters.get(name)!;
    const result = scale(tensor, 1);
    using gradient = Tensor.from(device(), gradients[name], tensor.shape);
    await result.backward(gradient);
    result.dispose();
  }
}

const read = async (): Promise<Numbers> =>
  Object.fromEntries(
    await Promise.all([...parameters].map(async ([name, tensor]) => [name, await tensor.data()] as const)),
  );

const normOf = (gradients: Numbers) =>
  Math.sqrt(names.reduce((s, n) => s + gradients[n].reduce((t, g) => t + g * g, 0), 0));

/** torch.optim.AdamW in float64. */
class Reference {
  readonly weights: Record<string, Float64Array>;
  readonly #moments = new Map<string, { first: Float64Array; second: Float64Array; t: number }>();

  constructor(values: Numbers) {
    this.weights = Object.fromEntries(names.map((name) => [name, Float64Array.from(values[name])]));
  }

  step(gradients: Numbers, only: readonly string[], factor = 1): void {
    const { lr, betas, eps, weightDecay } = options;
    for (const name of only) {
      const w = this.weights[name];
      const own = this.#moments.get(name) ?? { first: w.map(() => 0), second: w.map(() => 0), t: 0 };
      this.#moments.set(name, own);
      own.t++;
      for (let i = 0; i < w.length; i++) {
        const g = factor * gradients[name][i];
        own.first[i] = betas[0] * own.first[i] + (1 - betas[0]) * g;
        own.second[i] = betas[1] * own.second[i] + (1 - betas[1]) * g * g;
        const root = Math.sqrt(own.second[i] / (1 - betas[1] ** own.t));
        w[i] = w[i] * (1 - lr * weightDecay) - (lr * (own.first[i] / (1 - betas[0] ** own.t))) / (root + eps);
      }
    }
  }
}

function expectWeights(found: Numbers, reference: Reference): void {
  for (const name of names) expectClose(found[name], reference.weights[name], 2e-6, name);
}

describe("AdamW", () => {
  test("equals float64 over 30 steps, with some parameters left out of some", async () => {
    const random = seededRandom(1);
    const initial = draw(random);
    const reference = new Reference(initial);
    using optimizer = new AdamW(makeParameters(initial), options);
    for (let step = 0; step < 30; step++) {
      const gradients = draw(random);
      // f never has a gradient, c and e sometimes.
      const only = names.filter((name) => name !== "f" && !((name === "c" || name === "e") && random() < 0.5));
      await give(gradients, only);
      reference.step(gradients, only);
      optimizer.step();
      optimizer.zeroGrad();
    }
    const found = await read();
    expectWeights(found, reference);
    expect(found.f, "without a gradient").toEqual(initial.f);
  });

  test("continues from a saved state with the same bits", async () => {
    const random = seededRandom(2);
    const initial = draw(random);
    const gradients = [0, 1, 2, 3].map(() => draw(random));
    const run = async (optimizer: AdamW, steps: Numbers[]) => {
      for (const given of steps) {
        await give(given);
        optimizer.step();
        optimizer.zeroGrad();
      }
    };
    const whole = new AdamW(makeParameters(initial), { ...options, averageDecay: 0.9 });
    await run(whole, gradients);
    const expected = await read();
    const average = await whole.withAverage(read);
    whole.dispose();
    for (const tensor of parameters.values()) tensor.dispose();

    const first = new AdamW(makeParameters(initial), { ...options, averageDecay: 0.9 });
    await run(first, gradients.slice(0, 2));
    const state = await first.state();
    first.dispose();
    using second = new AdamW(parameters, { ...options, averageDecay: 0.9 });
    second.load(state);
    await run(second, gradients.slice(2));
    expect(await read()).toEqual(expected);
    expect(await second.withAverage(read)).toEqual(average);

    // Of PyTorch or of a run without an average.
    for (const name of names.slice(1)) state.delete(`average.${name}`);
    expect(() => second.load(state)).toThrow(/Missing \(5\): average\.b, average\.c/);
    state.delete("average.a");
    second.load(state);
    expect(await second.withAverage(read), "begins at the weights").toEqual(expected);
  });

  test("averages the weights of all steps", async () => {
    const random = seededRandom(3);
    const initial = draw(random);
    using optimizer = new AdamW(makeParameters(initial), { ...options, averageDecay: 0.75 });
    const average = Object.fromEntries(names.map((name) => [name, Float64Array.from(initial[name])]));
    for (let step = 0; step < 3; step++) {
      await give(draw(random));
      optimizer.step();
      optimizer.zeroGrad();
      const weights = await read();
      for (const name of names) average[name].forEach((a, i) => (average[name][i] = a + 0.25 * (weights[name][i] - a)));
    }
    const own = await read();
    const found = await optimizer.withAverage(async () => {
      // Restored last, the average would stay; and a step would be lost.
      await expect(optimizer.withAverage(read)).rejects.toThrow("await the call of withAverage first");
      expect(() => optimizer.step()).toThrow("await the call of withAverage first");
      return read();
    });
    for (const name of names) expectClose(found[name], average[name], 1e-6, name);
    expect(await read(), "its own weights afterwards").toEqual(own);
    await expect(optimizer.withAverage(() => optimizer.dispose())).rejects.toThrow("has been disposed");
    expect(await read()).toEqual(found);
  });

  test("releases all memory, and moves the parameters into their own", async () => {
    const { memory } = device();
    const before = memory.current;
    const initial = draw(seededRandom(4));
    makeParameters(initial);
    const own = memory.current;
    const optimizer = new AdamW(parameters, options);
    expect(() => new AdamW(parameters, options)).toThrow(/a already belongs to another optimiser/);
    const twice = new Map([...parameters, ["again", parameters.get("a")!]]);
    expect(() => new AdamW(twice, options)).toThrow(/a and again are one tensor/);
    expect(() => optimizer.load({} as never)).toThrow(InputError);
    await give(initial, ["a", "b"]);
    optimizer.dispose();
    expect(await read()).toEqual(initial);
    expect(await parameters.get("b")!.grad!.data(), "a gradient that has arrived").toEqual(initial.b);
    expect(parameters.get("c")!.grad).toBeUndefined();
    expect(memory.current).toBe(own + 4 * (1 + 63));
    for (const tensor of parameters.values()) tensor.dispose();
    expect(memory.current).toBe(before);
  });
});

test("work on parameters larger than one binding is split, with the same bits", async () => {
  const values = normals(40_000, seededRandom(9));
  const stepped = async (device: Device) => {
    const tensor = Tensor.from(device, values).requireGrad();
    const optimizer = new AdamW(new Map([["large", tensor]]), { ...options, averageDecay: 0.9 });
    for (let step = 0; step < 2; step++) {
      await scale(tensor, 1).backward(tensor);
      expect(() => optimizer.step({ maxNorm: Number.NaN })).toThrow("maxNorm is NaN, expected a number of at least 0");
      optimizer.step({ maxNorm: 10 });
      optimizer.zeroGrad();
    }
    const result = [await tensor.data(), await optimizer.state()];
    optimizer.dispose();
    tensor.dispose();
    return result;
  };
  using small = await requestDevice({ backend: "webgpu", maxBindingBytes: 2 ** 16 });
  expect(await stepped(small)).toEqual(await stepped(device()));
});

// The number that was checked was whatever the optimiser's device had at the same place.
test("a step refuses the loss of another device, and one of several numbers", async () => {
  using optimizer = new AdamW(makeParameters(draw(seededRandom(10))), options);
  using other = await requestDevice({ backend: "cpu" });
  using elsewhere = Tensor.from(other, [Number.NaN]);
  using several = Tensor.from(device(), [1, 2]);
  for (const loss of [elsewhere, several]) {
    expect(() => optimizer.step({ loss })).toThrow("a loss is one number on the parameters' device");
  }
  expect((await optimizer.check()).calls).toBe(0);
});

// More than a workgroup takes at a time of parameters, 512, and of blocks of 64 elements, 2048 (gradient_total.wgsl, gradient_norms.wgsl).
onEachDevice((device) => {
  test("a step takes all of many parameters, and of a large one", async () => {
    const random = seededRandom(8);
    const size = 64 * 2100 + 5;
    const values = [...Array.from({ length: 530 }, () => 1), size].map((size) => normals(size, random));
    const many = new Map(values.map((own, p) => [`p${p}`, Tensor.from(device(), own).requireGrad()]));
    parameters = many;
    const giveOf = async (name: string, gradient: Tensor) => {
      using result = scale(many.get(name)!, 1);
      await result.backward(gradient);
    };
    for (const [name, tensor] of many) await giveOf(name, tensor);
    using optimizer = new AdamW(many, { ...options, lr: 0.5 });
    const squares = values.map((own) => own.reduce((sum, value) => sum + value * value, 0));
    const { gradientNorm } = await optimizer.step({ maxNorm: 1 });
    expectClose([gradientNorm], [Math.sqrt(squares.reduce((a, b) => a + b))], 1e-6, "norm");
    // The first step is as long for small gradients as for large ones.
    for (const p of [0, 1, 511, 512, 529, 530]) {
      const factor = 1 / Math.sqrt(squares.reduce((a, b) => a + b));
      const expected = values[p].map((w) => w * 0.95 - (0.5 * factor * w) / (Math.abs(factor * w) + options.eps));
      expectClose(await many.get(`p${p}`)!.data(), expected, 1e-5, `p${p}`);
    }
    optimizer.zeroGrad();
    using one = Tensor.from(device(), [1]);
    using none = Tensor.from(device(), [Number.NaN]);
    await giveOf("p3", one);
    for (const name of ["p529", "p449"]) await giveOf(name, none);
    await expect(optimizer.step()).rejects.toMatchObject({ details: { tensor: "p449", call: 2 } });
  });
}, comparedBackends);

describe("gradient norm", () => {
  // The last one shows the term that torch adds to the norm.
  test.each([
    [0, 1],
    [0.5, 1],
    [1e6, 1],
    [1e-6, 1e-7],
  ])("is clipped to %d as torch does, with and without an optimiser, times %d", async (maxNorm, size) => {
    const random = seededRandom(5);
    const initial = draw(random);
    const gradients = draw(random);
    for (const gradient of Object.values(gradients)) gradient.forEach((g, i) => (gradient[i] = size * g));
    const norm = normOf(gradients);
    const factor = Math.min(1, maxNorm / (norm + 1e-6));
    const expectScaled = async (found: Tensor) => {
      expectClose(await found.data(), [norm], 1e-6, "norm");
      found.dispose();
      for (const [name, { grad }] of parameters) {
        expectClose(
          await grad!.data(),
          gradients[name].map((g) => factor * g),
          1e-6,
          `gradient of ${name}`,
        );
      }
    };
    makeParameters(initial);
    await give(gradients);
    await expectScaled(clipGradientNorm(parameters, maxNorm));
    using optimizer = new AdamW(parameters, options);
    optimizer.zeroGrad();
    await give(gradients);
    await expectScaled(clipGradientNorm(optimizer, maxNorm));

    const reference = new Reference(initial);
    reference.step(gradients, names, factor);
    optimizer.step();
    expectWeights(await read(), reference);
  });

  test("leaves no memory behind and no gradient changed where memory runs out", async () => {
    const initial = draw(seededRandom(5));
    makeParameters(initial);
    await give(initial);
    const own = device();
    const { allocate, memory } = own;
    const before = memory.current;
    let [calls, failing] = [0, 0];
    own.allocate = (bytes, shape) => {
      if (++calls === failing) throw new OutOfMemoryError("no memory", { bytes });
      return allocate.call(own, bytes, shape);
    };
    try {
      clipGradientNorm(parameters, 1e6).dispose();
      const allocations = calls;
      expect(allocations).toBeGreaterThan(4);
      for (failing = 1; failing <= allocations; failing++) {
        calls = 0;
        expect(() => clipGradientNorm(parameters, 0.5)).toThrow(OutOfMemoryError);
        expect(memory.current, `allocation ${failing}`).toBe(before);
      }
    } finally {
      own.allocate = allocate;
    }
    for (const [name, { grad }] of parameters) expect(await grad!.data()).toEqual(initial[name]);
  });

  test("is clipped on the way by a step's maxNorm", async () => {
    const random = seededRandom(6);
    const initial = draw(random);
    const gradients = draw(random);
    using optimizer = new AdamW(makeParameters(initial), options);
    const reference = new Reference(initial);
    await give(gradients);
    reference.step(gradients, names, 0.5 / (normOf(gradients) + 1e-6));
    optimizer.step({ maxNorm: 0.5 });
    expectWeights(await read(), reference);
  });
});

describe("a step that is not finite", () => {
  const lossOf = (value: number) => Tensor.from(device(), Float32Array.of(value), []);
  const spoilt = (gradients: Numbers, ...places: [string, number, number][]) => {
    const result = Object.fromEntries(names.map((name) => [name, gradients[name].slice()]));
    for (const [name, at, value] of places) result[name][at] = value;
    return result;
  };
  const cases: [string, number, [string, number, number][], string][] = [
    ["a NaN in one gradient", 1, [["d", 100, Number.NaN]], "d"],
    [
      "infinities in two gradients",
      1,
      [
        ["f", 4999, Number.POSITIVE_INFINITY],
        ["c", 63, Number.NEGATIVE_INFINITY],
      ],
      "c",
    ],
    ["an infinite loss", Number.POSITIVE_INFINITY, [["a", 0, Number.NaN]], "loss"],
    ["a NaN as loss alone", Number.NaN, [], "loss"],
  ];

  test.each(cases)("%s: nothing changes, and the error says where", async (_, value, places, tensor) => {
    const random = seededRandom(7);
    const initial = draw(random);
    using optimizer = new AdamW(makeParameters(initial), options);
    const good = draw(random);
    await give(good);
    using sound = lossOf(1);
    await optimizer.step({ loss: sound });
    optimizer.zeroGrad();
    const before = await read();
    const state = await optimizer.state();

    await give(spoilt(draw(random), ...places));
    using loss = lossOf(value);
    optimizer.step({ loss });
    optimizer.zeroGrad();
    // Steps before the next check are skipped, too.
    await give(good);
    optimizer.step();
    optimizer.zeroGrad();
    const error = await optimizer.check().then(
      () => undefined,
      (error) => error,
    );
    expect(error).toBeInstanceOf(NumericalError);
    expect(error.details).toEqual({ tensor, call: 2 });
    expect(error.message).toContain(tensor === "loss" ? "the loss" : `the gradient of ${tensor}`);
    expect(await read()).toEqual(before);
    expect(await optimizer.state()).toEqual(state);

    await give(good);
    expect(await optimizer.step()).toEqual({ calls: 4, skipped: 2, gradientNorm: expect.any(Number) });
    expect(await read(), "after the error steps happen again").not.toEqual(before);
  });

  test("is reported by an optimiser that is disposed meanwhile, and its memory left to others", async () => {
    const random = seededRandom(9);
    const initial = draw(random);
    const optimizer = new AdamW(makeParameters(initial), options);
    await give(spoilt(draw(random), ["d", 100, Number.NaN]));
    optimizer.step();
    optimizer.zeroGrad();
    const report = optimizer.check();
    optimizer.dispose();
    const others = Array.from({ length: 20 }, () => Tensor.from(device(), [1]));
    await expect(report).rejects.toThrow(NumericalError);
    const found = await Promise.all(others.map((other) => other.data()));
    expect(new Set(found.map(([number]) => number))).toEqual(new Set([1]));
    expect(await read()).toEqual(initial);
    for (const other of others) other.dispose();
  });

  test("is skipped if the optimiser is to skip such steps", async () => {
    const random = seededRandom(8);
    const initial = draw(random);
    const gradients = [draw(random), draw(random)];
    using optimizer = new AdamW(makeParameters(initial), { ...options, onNonFinite: "skip" });
    const reference = new Reference(initial);
    for (const given of [gradients[0], spoilt(gradients[0], ["e", 5, Number.NaN]), gradients[1]]) {
      await give(given);
      optimizer.step({ maxNorm: 1 });
      optimizer.zeroGrad();
    }
    for (const given of gradients) reference.step(given, names, 1 / (normOf(given) + 1e-6));
    expect(await optimizer.check()).toEqual({ calls: 3, skipped: 1, gradientNorm: expect.any(Number), tensor: "e" });
    expect(await optimizer.check()).toEqual({ calls: 3, skipped: 1, gradientNorm: expect.any(Number) });
    expectWeights(await read(), reference);
    // A report that comes while later steps are done takes nothing from theirs.
    const spoil = async () => {
      await give(spoilt(gradients[0], ["e", 5, Number.NaN]));
      optimizer.step();
      optimizer.zeroGrad();
    };
    await spoil();
    const report = optimizer.check();
    await spoil();
    expect(await report).toMatchObject({ skipped: 2, tensor: "e" });
    expect(await optimizer.check()).toMatchObject({ skipped: 3, tensor: "e" });
  });
});
