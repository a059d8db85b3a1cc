// The profile of a pass on both backends: which operators it calls and how often, their work as counted by hand, and their times.
// Also the measurement of the roofline.

import { AdamW, ErwinTransformer, mse, requestDevice, Tensor } from "erwin";
import { describe, expect, test, vi } from "vitest";
import { countWork, type OperatorProfile, profile } from "../../src/bench/rates/profile.ts";
import { measureRoofline } from "../../src/bench/rates/roofline.ts";
import { normals, seededRandom, uniformCloud } from "../support/clouds.ts";
import { useDevice } from "../support/models.ts";

/** A narrow model with the same shapes on both levels, because software adapters compile each kernel slowly. */
const config = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [32, 16],
  encNumHeads: [2, 2],
  encDepths: [1, 2],
  decNumHeads: [2],
  decDepths: [1],
  strides: [2],
  rotate: 45,
  mlpRatio: 2,
  dimensionality: 2,
  mpSteps: 1,
};
/** A power of two, so that no ball is padded. */
const points = 256;
/** The number of blocks of the first level (encoder and decoder) and of the second. */
const blocks = [2, 2];
const D = config.dimensionality;

const random = seededRandom(1);
const input = {
  nodeFeatures: normals(points * config.cIn, random),
  nodePositions: uniformCloud(points, D, random),
  edgeIndex: Int32Array.from({ length: 4 * points }, () => Math.floor(random() * points)),
};

const product = (rows: number, columns: number, inner: number) => 2 * rows * columns * inner;
/** The operations of all blocks, each kind of product counted this many times for one of the forward pass. */
function inBlocks(times: { positions: number; matrices: number; attention: number }): number {
  return config.cHidden.reduce((sum, width, level) => {
    const nodes = points / 2 ** level;
    const matrices = product(nodes, width, (4 + 3 * config.mlpRatio) * width);
    const attention = product(nodes, width, 2 * config.ballSizes[level]);
    const positions = product(nodes, width, D);
    return (
      sum + blocks[level] * (times.positions * positions + times.matrices * matrices + times.attention * attention)
    );
  }, 0);
}
const [fine, coarse] = config.cHidden;
const embedding = product(points, fine, config.cIn);
const messages = product(points, fine, 2 * fine);
const between = product(points / 2, coarse, 2 * fine);
/** The products with offsets between points: in the messages, and between the levels. */
const offsets = product(points, fine, D) + product(points / 2, coarse, 2 * D) + product(points / 2, 2 * fine, 2 * D);
const forwardOperations =
  embedding + 2 * messages + 2 * between + offsets + inBlocks({ positions: 1, matrices: 1, attention: 1 });
/** The backward pass leaves out the gradients of features and positions, which are not requested. */
const backwardOperations =
  embedding + 4 * messages + 4 * between + offsets + inBlocks({ positions: 1, matrices: 2, attention: 2.5 });

const callsOf = (operators: OperatorProfile[], ...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, operators.find(({ operator }) => operator === name)?.calls]));

describe.each(["webgpu", "cpu"] as const)("%s", (backend) => {
  const deviceOf = useDevice(backend);

  test("a forward pass: its operators, their operations, and the time of each kernel", async () => {
    const device = deviceOf();
    using model = await ErwinTransformer.create(config, { device });
    const prepared = await model.prepare(input);
    const pass = async () => (await model.forward(prepared)).dispose();
    await pass();
    const before = device.memory.current;
    const operators = (await profile(device, pass))!;
    expect(device.memory.current).toBe(before);
    expect(
      callsOf(operators, "feedForward", "normPositionQkv", "ballAttention", "messageMean", "linearLayerNorm"),
    ).toEqual({
      feedForward: 4,
      normPositionQkv: 4,
      ballAttention: 4,
      messageMean: 1,
      linearLayerNorm: 1,
    });
    // The embedding, the blocks' output projections, pooling and unpooling.
    expect(callsOf(operators, "linear")).toEqual({ linear: 7 });
    expect(operators.reduce((sum, { operations }) => sum + operations, 0)).toBe(forwardOperations);

    const kernels = operators.flatMap(({ kernels }) => kernels);
    for (const { calls, time } of kernels) {
      expect(calls).toBeGreaterThan(0);
      expect(time).toBeGreaterThanOrEqual(0);
    }
    const attention = operators.find(({ operator }) => operator === "ballAttention")!;
    expect(attention.kernels.map(({ kernel, calls }) => [kernel.toLowerCase().replace("_", ""), calls])).toEqual([
      ["ballattention", 4],
    ]);
    const total = kernels.reduce((sum, { time }) => sum + time, 0);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeCloseTo(operators.reduce((sum, { time }) => sum + time, 0));
  });

  test("multiplyAdd does all its rounds", async () => {
    const device = deviceOf();
    const start = Float32Array.from({ length: 1536 }, (_, i) => i % 7);
    using x = Tensor.from(device, start);
    device.operators.multiplyAdd({ x: x.storage, size: x.size, rounds: 16, factor: 1, term: 0.5 });
    expect(await x.data()).toEqual(start.map((value) => value + 8));
  });

  test("a measurement that fails leaves no memory in use", async () => {
    const device = deviceOf();
    const before = device.memory.current;
    const fail = () => {
      throw new Error("as of a lost device");
    };
    for (const operator of ["add", "multiplyAdd"] as const) {
      using _multiply = vi.spyOn(device.operators, "multiplyAdd").mockImplementation(() => {});
      using _failing = vi.spyOn(device.operators, operator).mockImplementation(fail);
      await expect(measureRoofline(device, 0.01, 2 ** 16)).rejects.toThrow("as of a lost device");
      expect(device.memory.current).toBe(before);
    }
  });
});

test("a training step: backward twice the products of forward, attention's scores again", async () => {
  using device = await requestDevice({ backend: "cpu" });
  using model = await ErwinTransformer.create(config, { device });
  model.train();
  using optimizer = new AdamW(model.parameters());
  const prepared = await model.prepare(input);
  using target = Tensor.from(device, normals(points * fine, random), [points, fine]);
  const { operations } = await countWork(device, async () => {
    using output = await model.forward(prepared);
    using loss = mse(output, target);
    await loss.backward();
    optimizer.step({ loss });
  });
  expect(operations).toBe(forwardOperations + backwardOperations);
});
