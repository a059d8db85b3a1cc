// Means over the samples of a data set, in more batches than are read back together; without a model.

import { expect, it } from "vitest";
import type { Device } from "../../src/backends/device.ts";
import { FitController } from "../../src/train/control.ts";
import { evaluate } from "../../src/train/evaluate.ts";
import type { Task } from "../../src/train/task.ts";

/** Measures numbers: their mean, and each of them. */
const task: Task<number, number[]> = {
  prepare: async (samples) => samples,
  loss: () => Promise.reject(new Error("not called")),
  metrics: async (batch) => ({ value: batch.reduce((sum, value) => sum + value) / batch.length }),
  details: async (batch) => ({ batch: await task.metrics!(batch), samples: batch.map((value) => ({ value })) }),
};

const deviceThat = (finished: () => Promise<void>) => ({ allocate() {}, finished }) as unknown as Device;

it("weighs all samples alike, and passes them on in their order", async () => {
  const device = deviceThat(async () => {});
  for (const size of [1, 32, 33, 70, 135]) {
    const data = Array.from({ length: size }, (_, i) => i * i);
    const mean = data.reduce((sum, value) => sum + value) / size;
    for (const batchSize of [1, 2, 4]) {
      const samples: number[] = [];
      const plain = await evaluate({ device, task, data, batchSize });
      const each = await evaluate({ device, task, data, batchSize, onSample: ({ value }) => samples.push(value) });
      expect(plain.value).toBeCloseTo(mean, 6);
      expect(each).toEqual(plain);
      expect(samples).toEqual(data);
    }
  }
});

it("has two batches under way until the device has done one", async () => {
  const done: (() => void)[] = [];
  const device = deviceThat(() => new Promise((resolve) => done.push(resolve)));
  let begun = 0;
  const metrics = async () => ({ value: ++begun });
  const data = Array.from({ length: 10 }, (_, i) => i);
  const running = evaluate({ device, task: { ...task, metrics }, data, batchSize: 1 });
  await expect.poll(() => begun).toBeGreaterThan(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(begun).toBe(2);
  const release = setInterval(() => {
    for (const resolve of done.splice(0)) resolve();
  }, 1);
  expect((await running).value).toBeCloseTo(5.5, 6);
  clearInterval(release);
});

it("is ended by a signal before the next batch", async () => {
  const ending = new AbortController();
  let begun = 0;
  const metrics = async () => {
    if (++begun === 3) ending.abort();
    return { value: 0 };
  };
  const device = deviceThat(async () => {});
  const { signal } = ending;
  const error = await evaluate({
    device,
    task: { ...task, metrics },
    data: [1, 2, 3, 4, 5],
    batchSize: 1,
    signal,
  }).catch((reason: unknown) => reason);
  expect([error === signal.reason, begun]).toEqual([true, 3]);
});

it("a run that is paused ends its wait where it is stopped, as where it is resumed", async () => {
  for (const end of ["stop", "resume"] as const) {
    const controller = new FitController();
    controller.pause();
    let waits = true;
    void controller.whileRunning().then(() => {
      waits = false;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(waits).toBe(true);
    controller[end]();
    await new Promise((resolve) => setImmediate(resolve));
    expect([waits, controller.stopped]).toEqual([false, end === "stop"]);
  }
});
