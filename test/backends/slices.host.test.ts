// Work that is too long for one submission is divided among several, single dispatches too: the same bits in more submissions.

import { add, type Device, multiply, Tensor } from "erwin";
import { afterEach, expect, test } from "vitest";
import type { BufferPool } from "../../src/backends/webgpu/memory.ts";
import type { Recorder } from "../../src/backends/webgpu/recorder.ts";
import { useDevice } from "../support/models.ts";
import { goldenPass } from "./passes.ts";

/** The parts of a WebGPU device that decide about submissions and memory. */
interface Sliced extends Device {
  gpu: GPUDevice;
  pool: BufferPool;
  recorder: Pick<Recorder, "dispatches" | "dispatch" | "pacer">;
}

const device = useDevice() as () => Sliced;

/** Lets the device submit no more than this work at a time. */
const limit = (most: number) =>
  Object.defineProperty(device().recorder.pacer, "most", { value: most, configurable: true });
afterEach(() => {
  Reflect.deleteProperty(device().recorder.pacer, "most");
});

/** Counts the dispatches and the submissions of some work. */
async function counted<Result>(work: () => Promise<Result>) {
  const { recorder, gpu } = device();
  const before = recorder.dispatches;
  let submissions = 0;
  const { submit } = gpu.queue;
  gpu.queue.submit = (commands) => {
    submissions++;
    submit.call(gpu.queue, commands);
  };
  try {
    const result = await work();
    return { result, dispatches: recorder.dispatches - before, submissions };
  } finally {
    Reflect.deleteProperty(gpu.queue, "submit");
  }
}

/**
 * Lets kernels that number their workgroups have them in rectangles of three rows, as very many have, with up to two too many. Returns
 * how often that was so.
 */
async function inRectangles(work: () => Promise<void>): Promise<number> {
  const { recorder } = device();
  const { dispatch } = recorder;
  const pass = GPUComputePassEncoder.prototype;
  const { dispatchWorkgroups } = pass;
  let numbered = false;
  let count = 0;
  recorder.dispatch = (pipeline, ...given) => {
    numbered = pipeline.source.parameters.some(({ name }) => name === "first_group");
    return dispatch.call(recorder, pipeline, ...given);
  };
  pass.dispatchWorkgroups = function (x, y) {
    if (!numbered) return dispatchWorkgroups.call(this, x, y);
    count++;
    return dispatchWorkgroups.call(this, Math.ceil(x / 3), 3);
  };
  try {
    await work();
    return count;
  } finally {
    Reflect.deleteProperty(recorder, "dispatch");
    pass.dispatchWorkgroups = dispatchWorkgroups;
  }
}

test("a model's outputs and gradients are the same bits in slices, and in rectangles of workgroups", async () => {
  const pass = () => goldenPass(device(), "a_2d_tiny_train");
  limit(1e15);
  const whole = await counted(pass);
  limit(1e5);
  const sliced = await counted(pass);
  expect(sliced.dispatches).toBeGreaterThan(1.2 * whole.dispatches);
  expect(sliced.submissions).toBeGreaterThan(2 * whole.submissions);
  expect(sliced.result).toEqual(whole.result);
  limit(1e15);
  const rectangles = await inRectangles(async () => {
    expect(await pass()).toEqual(whole.result);
  });
  expect(rectangles).toBeGreaterThan(whole.dispatches / 2);
});

test("nothing is read that nobody wrote, or beyond an array", async () => {
  const pass = () => goldenPass(device(), "a_2d_tiny_train");
  const whole = await pass();
  const { pool } = device();
  const { allocate } = pool;
  let filled = 0;
  pool.allocate = (...given) => {
    const storage = allocate.apply(pool, given);
    // A buffer is larger than what it was asked for.
    const { capacity } = storage;
    device().write(storage.slice(0, capacity), new Float32Array(capacity / 4).fill(Number.NaN));
    filled++;
    return storage;
  };
  try {
    expect(await pass()).toEqual(whole);
  } finally {
    Reflect.deleteProperty(pool, "allocate");
  }
  expect(filled).toBeGreaterThan(100);
});

test("the rest of a dispatch is done before what follows it, with the memory that it was called with", async () => {
  const size = 2 ** 16;
  const values = Float32Array.from({ length: size }, (_, i) => i);
  using x = Tensor.from(device(), values, [size]);
  limit(1e15);
  await x.data();
  limit(4 * size);
  const run = async () => {
    const sum = add(x, x);
    const twice = add(sum, sum);
    // Released while the device has yet to compute it; its memory goes to the next tensor.
    sum.dispose();
    using other = multiply(x, x);
    using result = add(twice, other);
    twice.dispose();
    return result.data();
  };
  const { result, submissions } = await counted(run);
  expect(submissions).toBeGreaterThan(20);
  expect(result).toEqual(values.map((value) => 4 * value + Math.fround(value * value)));
});
