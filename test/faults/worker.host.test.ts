// A worker whose device is lost at any call: its calls only take longer, and give the same bits.

import { DeviceLostError, type ErwinWorker, type Recovery, type WorkerTrainingOptions } from "erwin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloudOptions, randomCloud, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { noBlock, oneBlock } from "../support/configs.ts";
import { describeFault, type Fault, faultsIn, faultyCalls, outcomeOf } from "../support/faults.ts";
import { config, flatConfig } from "../train/training.ts";
import { FaultyWorker } from "./faulty-worker.ts";
import { trainData } from "./subjects.ts";

const isDeno = "Deno" in globalThis;
const model = isDeno ? { ...oneBlock, cIn: 4 } : noBlock;
const cloud = randomCloud(20, cloudOptions(model), seededRandom(1));

let worker: FaultyWorker;
let erwin: ErwinWorker;
const recoveries: Recovery[] = [];

beforeAll(async () => {
  worker = await FaultyWorker.start({ onRecovery: (recovery) => recoveries.push(recovery) });
  erwin = worker.erwin;
});
afterAll(() => worker.close());

const arm = (...sequence: Fault[]) => worker.arm(...sequence);

async function loadAndForward(): Promise<Float32Array> {
  await erwin.create(model, { seed: 1 });
  return (await erwin.forward(cloud)).data;
}

/** The calls that a device in use does not make again, because it has all buffers and kernels. */
const onFreshDevices: readonly string[] = ["createBuffer", "createComputePipelineAsync"];
const freshDevice: Fault = { call: "submit", at: 1, when: "before" };

test("loads and forward passes survive it", async () => {
  await arm();
  const whole = await loadAndForward();
  const { counts } = await arm();
  for (const call of faultyCalls) expect(counts[call], call).toBeGreaterThan(0);
  // In browsers, a software adapter takes many seconds for each device.
  const some = [{ call: "submit", at: 2, when: "after" }] as const;
  const chosen = isDeno ? faultsIn(counts, 1) : some;
  for (const fault of chosen) {
    const what = describeFault(fault);
    const sequence = onFreshDevices.includes(fault.call) ? [freshDevice, fault] : [fault];
    recoveries.length = 0;
    await arm(...sequence);
    expect(await outcomeOf(loadAndForward(), what), what).toEqual(whole);
    expect((await arm()).lost, what).toBe(sequence.length);
    expect(recoveries.length, what).toBeGreaterThan(0);
    expect(recoveries[0].error).toBeInstanceOf(DeviceLostError);
  }
  const { recoveries: counted, backend } = await erwin.info();
  expect(counted).toBeGreaterThanOrEqual(chosen.length);
  expect(backend).toBe("webgpu");
});

if (isDeno) {
  test("a model in training mode keeps its statistics", async () => {
    await erwin.create(config, { seed: 1 });
    await erwin.setMode("train");
    const batch = randomCloud(40, cloudOptions(config), seededRandom(2));
    const twice = async (lose: () => unknown) => {
      await erwin.create(config, { seed: 1 });
      await erwin.setMode("train");
      await erwin.forward(batch);
      await lose();
      await erwin.forward(batch);
      return erwin.save();
    };
    const whole = await twice(() => {});
    expect(await twice(() => arm(freshDevice))).toEqual(whole);
    expect((await arm()).lost).toBe(1);
  });

  test("trainings survive it", async () => {
    const training: WorkerTrainingOptions = {
      samples: trainData.clouds.map(({ positions, features, target }) => ({
        nodePositions: positions,
        nodeFeatures: features,
        target,
      })),
      steps: 5,
      batchSize: 2,
      schedule: { kind: "constant", lr: 1e-2 },
      saveEvery: 2,
    };
    const train = async (...sequence: Fault[]) => {
      await erwin.create(flatConfig, { seed: 1 });
      await arm(...sequence);
      const { checkpoint } = await erwin.train(training).finished;
      const report = await arm();
      return { ...report, files: [checkpoint, await erwin.save()] };
    };
    const { counts, files } = await train();
    // At the last call, too, when all that is left to do is to keep the model.
    for (const share of [0, 0.6, 1]) {
      const at = Math.max(1, Math.round(share * counts.mapAsync));
      const found = await train({ call: "mapAsync", at, when: "before" });
      expect(found.lost).toBe(1);
      expect(found.files).toEqual(files);
    }
  });

  test("goes on with the processor after three losses in a row", async () => {
    await arm();
    const whole = await loadAndForward();
    recoveries.length = 0;
    await arm(freshDevice, freshDevice, freshDevice);
    expectClose(await loadAndForward(), whole, 1e-5, "output");
    expect(recoveries.map(({ device }) => device.backend)).toContain("cpu");
    expect((await erwin.info()).backend).toBe("cpu");
  });

  test("reports the loss until there is another device, if it is not to go on", async () => {
    const other = await FaultyWorker.start({ recover: false });
    try {
      await other.erwin.create(oneBlock, { seed: 1 });
      // The second device is lost while it is checked.
      await other.arm(freshDevice, freshDevice);
      await expect(other.erwin.save()).rejects.toBeInstanceOf(DeviceLostError);
      await expect(other.erwin.create(oneBlock, { seed: 1 })).rejects.toBeInstanceOf(DeviceLostError);
      await expect(other.erwin.save()).rejects.toBeInstanceOf(DeviceLostError);
      await other.erwin.create(oneBlock, { seed: 1 });
      expect((await other.erwin.save()).length).toBeGreaterThan(0);
    } finally {
      await other.close();
    }
  });
}
