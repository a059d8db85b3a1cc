// The CPU backend against the golden cases; the same bits for any number of threads; its memory; how it fails and ends.

import {
  type Device,
  DeviceLostError,
  DisposedError,
  ErwinTransformer,
  linear,
  OutOfMemoryError,
  operators,
  requestDevice,
  Tensor,
} from "erwin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudOptions, normals, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { expectSame } from "../support/compare.ts";
import { forwardCases } from "../support/golden.ts";
import { sizeOf } from "../support/operators.ts";
import { expectGolden, expectGoldenSteps, goldenPass, pass } from "./passes.ts";

let one: Device;
let two: Device;
beforeAll(async () => {
  [one, two] = await Promise.all([1, 2].map((threads) => requestDevice({ backend: "cpu", threads })));
});
afterAll(() => {
  one.dispose();
  two.dispose();
});

const config = {
  cIn: 3,
  cHidden: [12, 24],
  ballSizes: [32, 16],
  encNumHeads: [2, 3],
  encDepths: [2, 2],
  decNumHeads: [2],
  decDepths: [2],
  strides: [2],
  rotate: 45,
  mlpRatio: 3,
  dimensionality: 3,
  mpSteps: 1,
};
const cloud = randomCloud(700, cloudOptions(config), seededRandom(1));
const state = randomState(config, 2);

describe.each(forwardCases)("%s", (name) => {
  test("gives the stored output, statistics and gradients, with one thread and two the same bits", async () => {
    const alone = await goldenPass(one, name);
    await expectGolden(name, alone);
    expect(await goldenPass(two, name)).toEqual(alone);
  });
});

test("Deno and Chromium use fused multiply-adds", () => {
  expect(one.info.features).toContain("relaxed-simd");
});

test("three steps of AdamW follow the stored trajectory", () => expectGoldenSteps(two));

test("many threads give the bits of one", async () => {
  using many = await requestDevice({ backend: "cpu", threads: 5 });
  const options = { train: true };
  expect(await pass(many, config, state, cloud, options)).toEqual(await pass(one, config, state, cloud, options));
});

/** A product in several blocks and chunks, and a ball of more points than all distances are kept of; with their gradients. */
async function largeOperators(device: Device): Promise<Float32Array[]> {
  const random = seededRandom(3);
  const make = (...shape: number[]) => Tensor.from(device, normals(sizeOf(shape), random), shape).requireGrad();
  const [x, second, weight, bias] = [make(301, 270), make(301, 30), make(141, 300), make(141)];
  const [qkv, sigma, positions] = [make(537, 30), make(2), Tensor.from(device, normals(3 * 537, random), [537, 3])];
  const host = Uint32Array.of(0, 530, 530, 7);
  const balls = { tensor: Tensor.from(device, host), host, largest: 530 };
  const results = [linear(x, weight, { second, bias }), operators.ballAttention(qkv, positions, sigma, balls)];
  for (const result of results) await result.backward(result);
  const gradients = [x, second, weight, bias, qkv, sigma].map(({ grad }) => grad!);
  const all = await Promise.all([...results, ...gradients].map((tensor) => tensor.data()));
  for (const tensor of [...results, x, second, weight, bias, qkv, sigma, positions, balls.tensor]) tensor.dispose();
  return all;
}

test("nothing is read that nobody wrote, or beyond an array, and nothing is written there", async () => {
  using guarded = await requestDevice({ backend: "cpu", threads: 2 });
  type Pool = { allocate(bytes: number): ReturnType<Device["allocate"]>; release(storage: object): void };
  const { pool } = guarded as unknown as { pool: Pool };
  const allocate = pool.allocate.bind(pool);
  const guards: ReturnType<Device["allocate"]>[] = [];
  const [guardBytes, signal] = [1024, 0x7fc0bad0];
  const fill = (bytes: number) => new Uint32Array(Math.ceil(bytes / 4)).fill(signal);
  pool.allocate = (bytes) => {
    const whole = allocate(bytes + guardBytes);
    guarded.write(whole, fill(bytes + guardBytes));
    guards.push(whole.slice(Math.ceil(bytes / 4) * 4, guardBytes - 4));
    return whole.slice(0, bytes);
  };
  // So that each guard stays.
  pool.release = () => {};
  const options = { train: true };
  const run = async (device: Device) => {
    const { out, gradients } = await pass(device, config, state, cloud, options);
    return [out, ...gradients.values(), ...(await largeOperators(device))];
  };
  const found = await run(guarded);
  Object.assign(pool, { allocate });
  for (const [i, expected] of (await run(one)).entries()) expectSame(found[i], expected, `array ${i}`);
  for (const guard of guards) {
    const words = new Uint32Array(await guarded.read(guard, guard.bytes));
    expect(words.every((word) => word === signal)).toBe(true);
  }
});

test("memory stays constant over repeated passes, and is released", async () => {
  const { memory } = two;
  const before = memory.current;
  const seen: object[] = [];
  for (let call = 0; call < 8; call++) {
    await pass(two, config, state, cloud, { train: true });
    const { current, reserved, buffersCreated } = memory;
    seen.push({ current, reserved, buffersCreated });
  }
  expect(seen.slice(2)).toEqual(Array(6).fill(seen[2]));
  expect(memory.current).toBe(before);
});

test("values written while work is in progress take effect after it, and a read returns the values of its own time", async () => {
  const size = 5000;
  using x = Tensor.from(two, new Float32Array(size).fill(1));
  using y = Tensor.from(two, new Float32Array(size));
  const reads: Promise<Float32Array>[] = [];
  for (let i = 1; i <= 20; i++) {
    x.set(new Float32Array(size).fill(i));
    two.operators.add({ x: x.storage, y: y.storage, size });
    if (i % 3 === 0) two.submit();
    reads.push(y.data());
  }
  const sums = (await Promise.all(reads)).map((values) => new Set(values));
  expect(sums).toEqual(Array.from({ length: 20 }, (_, i) => new Set([((i + 1) * (i + 2)) / 2])));
});

test("they do so, too, where no memory is left in which they could wait", async () => {
  using device = await requestDevice({ backend: "cpu", threads: 2, maxMemoryBytes: 2 ** 20 });
  const size = 2 ** 14;
  using x = Tensor.from(device, new Float32Array(size));
  using y = Tensor.from(device, new Float32Array(size));
  const others: ReturnType<Device["allocate"]>[] = [];
  expect(() => {
    while (true) others.push(device.allocate(4 * size));
  }).toThrow(OutOfMemoryError);
  for (let i = 1; i <= 10; i++) {
    x.set(new Float32Array(size).fill(i));
    device.operators.add({ x: x.storage, y: y.storage, size });
  }
  for (const other of others) device.release(other);
  expect(new Set(await y.data())).toEqual(new Set([55]));
});

test("refuses to exceed the memory, naming bytes and limit, and continues to work", async () => {
  const bytes = 2 ** 33;
  let refusal: unknown;
  try {
    two.allocate(bytes);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(OutOfMemoryError);
  expect((refusal as OutOfMemoryError).details).toMatchObject({ bytes, limit: two.info.maxBufferBytes });
  using x = Tensor.from(two, new Float32Array([1, 2]));
  expect(await x.data()).toEqual(new Float32Array([1, 2]));
});

test("a dry run counts the memory of the real pass without allocating it", async () => {
  using model = await ErwinTransformer.create(config, { device: two, seed: 0 });
  const { reserved } = two.memory;
  const dryRun = two.dryRun();
  dryRun.allocate(2 ** 30);
  expect(dryRun.memory.current).toBe(2 ** 30);
  expect(two.memory.reserved).toBe(reserved);
  expect(model.device).toBe(two);
});

test("the error names a thread that failed, and nothing waits forever", async () => {
  const device = await requestDevice({ backend: "cpu", threads: 2 });
  const source = Tensor.from(device, new Float32Array(8), [2, 4]);
  // This is far beyond the end of the memory.
  const index = Tensor.from(device, new Uint32Array([0, 2 ** 27]));
  const out = new Tensor(device, [2, 4]);
  device.operators.gatherRows({
    source: source.storage,
    index: index.storage,
    out: out.storage,
    sources: 2,
    rows: 2,
    width: 4,
  });
  await expect(out.data()).rejects.toThrow(DeviceLostError);
  const error = await device.lost;
  expect(error.message).toMatch(/thread \d of the CPU backend failed/);
  expect(() => device.allocate(4)).toThrow(DeviceLostError);
  device.dispose();
});

test("auto takes the CPU backend rather than a software adapter, and a disposed device says so", async () => {
  const device = await requestDevice({ threads: 1 });
  if (device.backend === "webgpu") expect(device.info.software).toBe(false);
  else expect(device.info.description).toMatch(/^CPU, 1 thread, WebAssembly/);
  device.dispose();
  expect(() => device.allocate(4)).toThrow(DisposedError);
});
