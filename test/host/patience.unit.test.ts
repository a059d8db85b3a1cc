// How long an answer of the host is waited for, and which error a lost device's is.

import { expect, test, vi } from "vitest";
import type { Device } from "../../src/backends/device.ts";
import { causeOf } from "../../src/backends/loss.ts";
import { DeviceLostError } from "../../src/errors.ts";
import { afterPatience, within } from "../../src/host/patience.ts";

test("what gives no answer is an error after the time, and an answer is passed on", async () => {
  await expect(within(0.05, new Promise(() => {}))).rejects.toThrow("no answer for 0.05 s");
  expect(await within(60, Promise.resolve("here"))).toBe("here");
  await expect(within(60, Promise.reject(new Error("none")))).rejects.toThrow("none");
});

test("time in which this thread does not run, as on a page that was left and comes back, is one turn of its timer", async () => {
  let late = false;
  const end = afterPatience(0.3, () => {
    late = true;
  });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(late).toBe(false);
  await vi.waitUntil(() => late, 10_000);
  end();
});

test("an error is that of a loss that is reported while this thread is busy, however long", async () => {
  const loss = new DeviceLostError("lost");
  const device = { lost: new Promise((resolve) => setImmediate(resolve, loss)) } as unknown as Device;
  const cause = causeOf(new Error("a call failed"), device);
  for (const end = performance.now() + 1200; performance.now() < end; );
  expect(await cause).toBe(loss);
});
