// What a run knows of its steps where it goes on after some of them, on another device or from a checkpoint.

import { expect, it } from "vitest";
import { NumericalError } from "../../src/errors.ts";
import type { Equipment } from "../../src/train/equipment.ts";
import { Readback } from "../../src/train/readback.ts";

/** A device whose optimiser has skipped this many steps. */
function deviceWith(found: { skipped: number; error?: Error }) {
  const check = async () => {
    if (found.error) throw found.error;
    return { skipped: found.skipped, gradientNorm: 1 };
  };
  const losses = { read: async () => Float32Array.of(1) };
  return { optimizer: { lr: 1, check }, losses } as unknown as Equipment;
}

it("counts the skipped steps on all devices, once where they are done again", async () => {
  const readback = new Readback(async () => {});
  const lost = { skipped: 2 };
  readback.begin(deviceWith(lost), 0);
  await readback.settle(5, 0);
  readback.keep();
  lost.skipped = 3;
  await readback.settle(8, 0);
  expect(readback.skipped).toBe(3);
  readback.begin(deviceWith({ skipped: 4 }), 5);
  expect(readback.skipped).toBe(2);
  await readback.settle(12, 0);
  expect(readback.skipped).toBe(6);
});

it("names the run's step that is not finite, not the optimiser's", async () => {
  const readback = new Readback(async () => {});
  readback.begin(deviceWith({ skipped: 0, error: new NumericalError("", { tensor: "weight", call: 2 }) }), 10);
  await expect(readback.settle(13, 0)).rejects.toMatchObject({
    message: expect.stringContaining("step 12"),
    details: { tensor: "weight", step: 12 },
  });
});
