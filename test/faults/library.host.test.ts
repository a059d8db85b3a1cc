// A device is lost at any call of a load, a forward pass or a training. The outcome is a DeviceLostError, or for a training that it
// continues to the same bits; never another error, an endless wait or memory that stays allocated.

import { type Device, DeviceLostError, fit, requestDevice } from "erwin";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { type Faults, faultyCalls, installFaults, outcomeOf } from "../support/faults.ts";
import { allFaults, chosenFaults, describeFault, noteFaults, TIMEOUT } from "./plan.ts";
import { type Subject, subjects, trainData, validationData } from "./subjects.ts";

let faults: Faults;
beforeAll(() => {
  faults = installFaults();
});
afterAll(() => faults.restore());

/** Requests a device for `work`, and expects that none of its memory is in use afterwards. */
async function onNewDevice<Result>(work: (device: Device) => Promise<Result>): Promise<Result> {
  const device = await requestDevice({ backend: "webgpu" });
  try {
    return await work(device);
  } finally {
    expect(device.memory.current, "bytes left").toBe(0);
    device.dispose();
  }
}

const loadAndForward = ({ make, forward }: Subject) =>
  onNewDevice(async (device) => {
    using model = await make(device);
    return await forward(model);
  });

let survived = 0;

const training = ({ make, task }: Subject) =>
  onNewDevice(async (device) => {
    using model = await make(device);
    const { recoveries } = await fit({
      model,
      task: task(model),
      trainData,
      validationData,
      steps: 3,
      batchSize: 2,
      schedule: { kind: "constant", lr: 1e-2 },
      optimizer: { averageDecay: 0.9 },
      validateEvery: 2,
      saveEvery: 2,
      logEvery: 2,
      onRecovery: () => {},
    });
    survived += recoveries;
    const weights = await model.save();
    model[Symbol.dispose]();
    expect(model.device.memory.current, "bytes left").toBe(0);
    return weights;
  });

/** Tries the faults of a piece of work, and expects that each ends it with a DeviceLostError. */
async function tryAll(context: TestContext, work: () => Promise<unknown>): Promise<void> {
  faults.arm();
  const whole = await work();
  for (const call of faultyCalls) expect(faults.counts[call], call).toBeGreaterThan(0);
  const chosen = chosenFaults(faults.counts, perCall);
  let goneOn = 0;
  for (const fault of chosen) {
    faults.arm(fault);
    const what = describeFault(fault);
    const outcome = await outcomeOf(work(), what);
    expect(faults.lost, what).toBe(1);
    // A device that is lost after its work is done changes nothing.
    if (outcome instanceof Error) expect(outcome, `${what}: ${outcome.stack}`).toBeInstanceOf(DeviceLostError);
    else {
      expect(outcome, what).toEqual(whole);
      goneOn++;
    }
  }
  noteFaults(context, chosen, goneOn);
}

// In browsers, a software adapter takes seconds to compile a transformer's kernels, and does so again for each device.
const isDeno = "Deno" in globalThis;
const perCall = isDeno ? 2 : 1;
const subject = allFaults && isDeno ? subjects.transformer : subjects.layer;

test("a load and a forward pass", { timeout: TIMEOUT }, (context) => tryAll(context, () => loadAndForward(subject)));
test("a training", { timeout: TIMEOUT }, async (context) => {
  await tryAll(context, () => training(subject));
  expect(survived).toBeGreaterThan(0);
});
