// A training whose device is lost continues on another one, with the same losses and weights to the bit; if there is no other GPU
// device, it continues on the CPU backend.

import {
  BEST_CHECKPOINT,
  type Device,
  DeviceLostError,
  type FitOptions,
  fit,
  LAST_CHECKPOINT,
  loadSafetensors,
  MemoryLogger,
  MemoryStore,
  OutOfMemoryError,
  type Recovery,
  requestDevice,
  toFloat32,
} from "erwin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { type Fault, type Faults, installFaults } from "../support/faults.ts";
import { subjects, trainData, validationData } from "./subjects.ts";

const { make, task } = subjects.layer;

let faults: Faults;
beforeAll(() => {
  faults = installFaults();
});
afterAll(() => faults.restore());

async function run(
  sequence: Fault[] = [],
  options: Partial<FitOptions<never, unknown>> = {},
  change: (device: Device) => void = () => {},
) {
  const device = await requestDevice({ backend: "webgpu" });
  try {
    using model = await make(device);
    const [store, logger, recoveries] = [new MemoryStore(), new MemoryLogger(), [] as Recovery[]];
    faults.arm(...sequence);
    change(device);
    const result = await fit<never, unknown>({
      model,
      task: task(model),
      trainData: trainData as never,
      validationData: validationData as never,
      steps: 12,
      batchSize: 2,
      schedule: { kind: "cosine", lr: 1e-2, steps: 12 },
      optimizer: { averageDecay: 0.9 },
      validateEvery: 5,
      saveEvery: 4,
      logEvery: 2,
      store,
      logger,
      onRecovery: (recovery) => recoveries.push(recovery),
      ...options,
    });
    const { lost } = faults;
    const counts = { ...faults.counts };
    faults.arm();
    model[Symbol.dispose]();
    expect([device.memory.current, model.device.memory.current], "bytes left").toEqual([0, 0]);
    // Measured times differ from run to run.
    const entries = logger.entries.map(({ stepsPerSecond, pointsPerSecond, ...entry }) => entry);
    return { result, entries, recoveries, counts, lost, store, weights: store.load(BEST_CHECKPOINT)! };
  } finally {
    device.dispose();
  }
}

let undisturbed: ReturnType<typeof run> | undefined;
const plain = () => (undisturbed ??= run());

test("goes on to the same bits", async () => {
  const whole = await plain();
  expect(whole.result.recoveries).toBe(0);
  // The number of copies, and so of calls, depends on the host's speed, so a fault near the end might never occur.
  const fault: Fault = { call: "submit", at: Math.round(0.5 * whole.counts.submit), when: "after" };
  const { result, entries, recoveries, lost, store } = await run([fault]);
  expect([lost, result.recoveries, recoveries.length]).toEqual([1, 1, 1]);
  expect(recoveries[0]).toMatchObject({ device: { backend: "webgpu" } });
  expect(recoveries[0].error).toBeInstanceOf(DeviceLostError);
  expect(entries).toEqual(whole.entries);
  expect({ ...result, time: 0, treeWait: 0 }).toEqual({ ...whole.result, time: 0, treeWait: 0, recoveries: 1 });
  for (const file of [LAST_CHECKPOINT, BEST_CHECKPOINT]) expect(store.load(file)).toEqual(whole.store.load(file));
});

// What follows is decided by the loop and not by the host. In browsers, a software adapter takes seconds for each of these
// devices.
if ("Deno" in globalThis) {
  test("loses two devices in a row, and goes on with the processor when the third is lost", async () => {
    const whole = await plain();
    const first: Fault = { call: "submit", at: Math.round(0.4 * whole.counts.submit), when: "after" };
    // These faults are within the first steps on each further device, before there is a newer copy.
    const next: Fault = { call: "submit", at: 4, when: "before" };
    const { result, entries, recoveries, lost, weights } = await run([first, next, next], { logEvery: 10 });
    expect([lost, result.recoveries, result.step]).toEqual([3, 3, 12]);
    expect(recoveries.map(({ device }) => device.backend)).toEqual(["webgpu", "webgpu", "cpu"]);
    expect(recoveries[2].message).toContain("CPU");
    const last = ({ entries: all }: Pick<typeof whole, "entries">) =>
      all.filter(({ kind }) => kind === "validation").at(-1)!;
    expectClose([Number(last({ entries }).loss)], [Number(last(whole).loss)], 1e-3, "validation loss");
    const expected = loadSafetensors(whole.weights).tensors;
    for (const [name, tensor] of loadSafetensors(weights).tensors) {
      expectClose(toFloat32(tensor), toFloat32(expected.get(name)!), 2e-2, name);
    }
  });

  test("ends with the loss if it is not to go on", async () => {
    const fault: Fault = { call: "submit", at: Math.round(0.4 * (await plain()).counts.submit), when: "before" };
    await expect(run([fault], { recover: false })).rejects.toBeInstanceOf(DeviceLostError);
  });

  test("is not told that memory ran out when the device was lost", async () => {
    const whole = await plain();
    let calls = 0;
    // Some drivers behave like this: an allocation fails before the loss of the device is reported.
    const { result, store } = await run([], {}, (device) => {
      const { allocate } = device;
      device.allocate = (bytes, shape) => {
        if (++calls !== 100) return allocate.call(device, bytes, shape);
        (device as unknown as { gpu: GPUDevice }).gpu.destroy();
        throw new OutOfMemoryError("no memory", { bytes });
      };
    });
    expect(result).toMatchObject({ recoveries: 1, plan: { checkpointing: false, parts: 1 } });
    expect(store.load(LAST_CHECKPOINT)).toEqual(whole.store.load(LAST_CHECKPOINT));
  });
}
