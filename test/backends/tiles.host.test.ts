// The variants of products for GPUs, on the software adapters of these tests: smaller tiles for small products, and in Chromium,
// whose SwiftShader has its own kernel for products, the GPU's kernel.

import { type Device, linear, operators, Tensor } from "erwin";
import { expect, test } from "vitest";
import { cloudOptions, normals, permutation, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { useDevice } from "../support/models.ts";
import { sizeOf, VALUE_TOLERANCE } from "../support/operators.ts";
import { expectGolden, goldenPass, pass } from "./passes.ts";

const device = useDevice();
/** Chromium's software adapter takes long to compile these kernels, so that it does only what covers most. */
const isDeno = "Deno" in globalThis;

/**
 * Does work on the device as if its software adapter were a GPU. It is the same device, so that kernels which are the same for both
 * are compiled once for all tests.
 * @param unrolled whether products multiply in unrolled text, as GPUs do: lavapipe compiles it in twice the time
 */
async function asGPU<Result>(
  { productTuning, fewRegisters }: Pick<Device["info"], "productTuning" | "fewRegisters">,
  work: (gpu: Device) => Promise<Result>,
  unrolled = !isDeno,
): Promise<Result> {
  const gpu = device();
  const { pipelines } = gpu as unknown as {
    pipelines: { get(name: string, constants: Record<string, number>): unknown };
  };
  const get = pipelines.get.bind(pipelines);
  const rolled: typeof get = (name, constants) =>
    get(name, "UNROLLED" in constants ? { ...constants, UNROLLED: 0 } : constants);
  const { info } = gpu;
  const { software, productTuning: before } = info;
  // Compiling ahead and measuring tiles are left out, because only a GPU is fast at them.
  const leftOut = { compileFor: () => {}, tune: async () => {} };
  Object.assign(info, { software: false, productTuning, fewRegisters });
  Object.assign(gpu, leftOut);
  if (!unrolled) pipelines.get = rolled;
  try {
    return await work(gpu);
  } finally {
    info.software = software;
    info.fewRegisters = false;
    if (before) info.productTuning = before;
    else delete info.productTuning;
    for (const name in leftOut) Reflect.deleteProperty(gpu, name);
    Reflect.deleteProperty(pipelines, "get");
  }
}

const tiles = [
  [128, 128],
  [128, 64],
  [64, 64],
  [32, 64],
];

/** Makes the device use this tile even if there are few of it. */
const tuningFor = (rows: number, columns: number) => ({ productTuning: { tile: { rows, columns }, fewTiles: 0 } });

// The inner dimension is no multiple of the kernel's step; is one and has a tail; is one in each of two arrays (product.wgsl).
const inners = [
  { inner: 36, more: 0 },
  { inner: 48, more: 18 },
  { inner: 32, more: 32 },
];

// In Chromium the largest tile and the one that GPUs begin with; the golden case below has the smallest.
test.each(isDeno ? tiles : tiles.slice(0, 2))(
  "a product gives the same bits in tiles of %i x %i as on a software adapter",
  async (...tile) => {
    const [rows, columns] = [205, 216];
    const random = seededRandom(1);
    // The unrolled text depends on the tile only in how many rows a thread computes: half as many in the smallest as in those of 64
    // columns, which Chromium covers by 128 x 64, and twice as many in the largest, which it covers too.
    const unrolled = !isDeno || String(tile) === "32,64";
    for (const { inner, more } of inners) {
      const x = normals(rows * inner, random);
      const second = normals(rows * more, random);
      const weight = normals(columns * (inner + more), random);
      const product = async (own: Device) => {
        using left = Tensor.from(own, x, [rows, inner]);
        using leftMore = more > 0 ? Tensor.from(own, second, [rows, more]) : undefined;
        using right = Tensor.from(own, weight, [columns, inner + more]);
        using result = linear(left, right, { second: leftMore });
        return await result.data();
      };
      expect(await asGPU(tuningFor(tile[0], tile[1]), product, unrolled)).toEqual(await product(device()));
    }
  },
);

/** Returns a result, and the number of dispatches that it takes. */
async function counted(compute: () => Tensor): Promise<{ data: Float32Array; dispatches: number }> {
  const { recorder } = device() as unknown as { recorder: { dispatches: number } };
  const before = recorder.dispatches;
  using result = compute();
  // Work waits for kernels that are being compiled.
  const data = await result.data();
  return { data, dispatches: recorder.dispatches - before };
}

// In a part of both halves of a tile's columns, in a part of one, and in all.
test.each(isDeno ? [52, 24, 64] : [52])(
  "a linear map of %i columns and its LayerNorm are the same in one kernel as in two, to the bit in tiles of any size",
  async (columns) => {
    const [rows, inner, more] = [205, 20, 12];
    const random = seededRandom(columns);
    const make = (...shape: number[]) => Tensor.from(device(), normals(sizeOf(shape), random), shape);
    const [x, second, weight, residual] = [
      make(rows, inner),
      make(rows, more),
      make(columns, inner + more),
      make(rows, columns),
    ];
    const [bias, ...norm] = [make(columns), make(columns), make(columns)];
    const compute = (extras: operators.LinearExtras) =>
      counted(() => operators.linearLayerNorm(x, weight, extras, { weight: norm[0], bias: norm[1] }, residual));
    for (const extras of [{ second, bias }, { second }]) {
      const two = await compute(extras);
      let first: Float32Array | undefined;
      for (const rows of [32, 128]) {
        const one = await asGPU(tuningFor(rows, 64), () => compute(extras));
        expect([one.dispatches, two.dispatches]).toEqual([1, 2]);
        expectClose(one.data, two.data, VALUE_TOLERANCE, "the result");
        expect(one.data).toEqual((first ??= one.data));
      }
    }
    for (const tensor of [x, second, weight, residual, bias, ...norm]) tensor.dispose();
  },
);

const feedForwards = ["scattered and feed-forward", "added and feed-forward", "feed-forward"];

// The hidden layer is no multiple of the 64 columns of gates and values that the kernel computes at a time.
test.each(isDeno ? feedForwards : feedForwards.slice(0, 1))(
  "a %s part of 32 channels is the same in one kernel as in several",
  async (kind) => {
    const [rows, width, hidden] = [131, 32, 96];
    const random = seededRandom(3);
    const shapes = [[rows, width], [rows, width], [width, width], [width], [width], [hidden, width], [hidden]];
    shapes.push([hidden, width], [hidden], [width, hidden], [width]);
    const tensors = shapes.map((shape) => Tensor.from(device(), normals(sizeOf(shape), random), shape));
    const [x, given, weight, bias, norm, ...weights] = tensors;
    const [gate, value, output] = [0, 2, 4].map((i) => ({ weight: weights[i], bias: weights[i + 1] }));
    const index = Tensor.from(device(), Uint32Array.from(permutation(rows, random)));
    const scatter = kind.startsWith("scattered") ? index : undefined;
    const compute = () =>
      counted(() => {
        if (kind === "feed-forward") return operators.feedForward(x, norm, gate, value, output);
        const attention = { attended: given.view(), projection: { weight, bias }, scatter };
        return operators.attendedFeedForward(attention, x, norm, gate, value, output);
      });
    const several = kind === "feed-forward" ? 2 : 3;
    // What the kernels keep of the weights follows all that is written to them, and only then takes a dispatch. The several kernels
    // keep gate and value in one array.
    for (const written of [undefined, norm, ...weights]) {
      const joins = [undefined, gate.weight, value.weight].includes(written) ? 1 : 0;
      written?.set(normals(written.size, random));
      const [first, one, two] = [await asGPU({}, compute), await asGPU({}, compute), await compute()];
      expect([first, one, two].map(({ dispatches }) => dispatches)).toEqual([2, 1, several + joins]);
      // SwiftShader's own kernel for products adds the squares of a norm in another order.
      if (isDeno) expect(one.data).toEqual(two.data);
      expectClose(one.data, two.data, VALUE_TOLERANCE, "the result");
    }
    for (const tensor of [...tensors, index]) tensor.dispose();
  },
);

// Chromium's software adapter takes long to compile the kernels of all tiles, and has its own kernel for products, which adds the
// squares of a norm in another order: there the smallest tile alone gives the stored values of a small model. In Deno all tiles give
// the bits of the kernels that other tests hold against such values.
if (isDeno) {
  // One width, at which products have nearly the columns of a tile of 64 or 128: few kernels, and of the wide tiles all. Of heads,
  // which no tile has, as many as make them narrow: attention's kernels compile in half the time of those for two.
  const config = {
    ...{ cIn: 4, cHidden: [40, 40], ballSizes: [16, 16], encNumHeads: [5, 5], encDepths: [1, 1] },
    ...{ decNumHeads: [5], decDepths: [1], strides: [2], rotate: 30, mlpRatio: 3, dimensionality: 3, mpSteps: 1 },
  };
  const cloud = randomCloud(150, cloudOptions(config), seededRandom(1));
  const train = (on: Device) => pass(on, config, randomState(config, 2), cloud, { train: true });
  /** On the software adapter as it is, made once. */
  let plain: ReturnType<typeof pass> | undefined;

  test.each(tiles)("a model and its gradients are the same bits in tiles of %i x %i", async (rows, columns) => {
    const tiled = await asGPU(tuningFor(rows, columns), train);
    const whole = await (plain ??= train(device()));
    expect(tiled.out).toEqual(whole.out);
    expect(tiled.gradients).toEqual(whole.gradients);
  });

  // Three whole steps of the inner dimension, which no width of the model above has.
  test("a norm and the product behind it are the same bits in whole steps as on a software adapter", async () => {
    const [rows, width, hidden] = [70, 48, 24];
    const random = seededRandom(5);
    const shapes = [
      [rows, width],
      [width],
      [hidden, width],
      [hidden],
      [hidden, width],
      [hidden],
      [width, hidden],
      [width],
    ];
    const tensors = shapes.map((shape) => Tensor.from(device(), normals(sizeOf(shape), random), shape));
    const [x, norm, ...weights] = tensors;
    const [gate, value, output] = [0, 2, 4].map((i) => ({ weight: weights[i], bias: weights[i + 1] }));
    const compute = async () => {
      using result = operators.feedForward(x, norm, gate, value, output);
      return await result.data();
    };
    expect(await asGPU(tuningFor(32, 64), compute, false)).toEqual(await compute());
    for (const tensor of tensors) tensor.dispose();
  });

  // Its kernels for messages add up a mean in another order in the backward pass.
  test("a model is the same bits on a GPU whose threads have few registers, its gradients nearly", async () => {
    const few = await asGPU({ fewRegisters: true }, train);
    const whole = await (plain ??= train(device()));
    expect(few.out).toEqual(whole.out);
    for (const [name, gradient] of whole.gradients)
      expectClose(few.gradients.get(name)!, gradient, VALUE_TOLERANCE, name);
  });
} else {
  test.each([false, true])(
    "a GPU's variants give a golden case's outputs and gradients, with few registers: %s",
    async (fewRegisters) => {
      const name = "a_2d_tiny_train";
      await expectGolden(name, await asGPU({ fewRegisters }, (gpu) => goldenPass(gpu, name)));
    },
  );
}
