// How far a loop runs ahead of its device: two slow steps, many quick ones.

import { afterEach, expect, it, vi } from "vitest";
import type { Device } from "../../src/backends/device.ts";
import { Pace } from "../../src/train/pace.ts";

/** A device whose steps end when they are told to. */
function slowDevice() {
  const ends: (() => void)[] = [];
  const finished = () => new Promise<void>((resolve) => ends.push(resolve));
  return { device: { finished } as unknown as Device, ends };
}

afterEach(() => vi.restoreAllMocks());

async function isWaiting(next: Promise<void>): Promise<boolean> {
  const late = new Promise<string>((resolve) => setTimeout(resolve, 50, "late"));
  return (await Promise.race([next, late])) === "late";
}

it("waits for the oldest of two steps, and no longer once steps have been quick", async () => {
  // How long steps take is said here: on a busy machine even an end at once takes a while.
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  const { device, ends } = slowDevice();
  const pace = new Pace(device);
  for (let step = 0; step < 2; step++) {
    await pace.next();
    pace.began();
  }
  const third = pace.next();
  expect(await isWaiting(third)).toBe(true);
  clock.mockReturnValue(1000);
  ends.shift()!();
  await third;

  // The second ends at once after the first: from now on many may be under way.
  ends.shift()!();
  for (let step = 0; step < 10; step++) {
    await pace.next();
    pace.began();
  }
  expect(ends).toHaveLength(10);
  pace.close();
});

it("lets the host do what waits for it before each step", async () => {
  const { device } = slowDevice();
  const pace = new Pace(device);
  const begins = vi.fn();
  void pace.next().then(begins);
  // Nothing but promises: messages and events have to wait for these.
  for (let i = 0; i < 100; i++) await undefined;
  expect(begins).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(begins).toHaveBeenCalled(), { timeout: 60_000 });
  pace.close();
});

it("passes on what the device failed of", async () => {
  const failing = { finished: () => Promise.reject(new Error("lost")) } as unknown as Device;
  const pace = new Pace(failing);
  pace.began();
  pace.began();
  await expect(pace.next()).rejects.toThrow("lost");
  pace.close();
});
