// Measurements in rounds: their order, disturbances, lost devices, and the statistics of their times.

import { expect, test, vi } from "vitest";
import type { Device } from "../../src/backends/device.ts";
import { Clock } from "../../src/bench/suite/clock.ts";
import { measureRounds, slowdownOf, timingOfRounds } from "../../src/bench/suite/rounds.ts";
import { HeldSubject, Station } from "../../src/bench/suite/station.ts";
import type { Subject } from "../../src/bench/suite/subject.ts";
import { DeviceLostError, DisposedError } from "../../src/errors.ts";

const subject = (name: string, take: () => number): Subject => ({
  description: { name, benchmark: "forward", clouds: 1, points: 1 },
  span: 1,
  take: async () => take(),
  summarise: (time) => ({ name, benchmark: "forward", clouds: 1, points: 1, time }),
  dispose: () => {},
});

test("every round takes each subject once, in orders of their own", async () => {
  const taken: string[] = [];
  const subjects = ["a", "b", "c", "d"].map((name) => subject(name, () => taken.push(name)));
  const { times, summary } = await measureRounds(subjects, { rounds: 10 });
  expect(summary).toMatchObject({ rounds: 10, void: 0 });
  for (const own of times.values()) expect(own).toHaveLength(10);
  const orders = Array.from({ length: 10 }, (_, round) => taken.slice(4 * round, 4 * round + 4).join(""));
  for (const order of orders) expect([...order].sort().join("")).toBe("abcd");
  expect(new Set(orders).size).toBeGreaterThan(4);
});

test("a disturbed round is void and measured again", async () => {
  let disturbances = 0;
  let calls = 0;
  const disturbed = subject("a", () => {
    calls++;
    if (calls === 3) disturbances++;
    return calls === 3 ? 1000 : 1;
  });
  const { times, summary } = await measureRounds([disturbed], { rounds: 5, disturbances: () => disturbances });
  expect(times.get(disturbed)).toEqual([1, 1, 1, 1, 1]);
  expect(summary).toMatchObject({ rounds: 5, void: 1 });
});

test("rounds that are always disturbed end, too", async () => {
  let disturbances = 0;
  const hopeless = subject("a", () => ++disturbances);
  const { times, summary } = await measureRounds([hopeless], { rounds: 5, disturbances: () => disturbances });
  expect(times.get(hopeless)).toEqual([]);
  expect(summary.rounds).toBe(0);
});

test("the slowdown is that of most subjects between the first and the last third", () => {
  const steady = [10, 10, 11, 10, 10, 10, 10, 11, 10];
  const slower = [10, 10, 10, 10, 10, 10, 12, 12, 12];
  expect(slowdownOf([steady, steady, slower])).toBe(1);
  expect(slowdownOf([slower, slower, steady])).toBeCloseTo(1.2, 10);
  expect(slowdownOf([[1, 2, 3]])).toBeUndefined();
});

test("the median's interval holds it, is the same for the same times, and is narrow for steady ones", () => {
  const times = [10, 12, 11, 10.5, 30, 11.5, 10.2, 11.1, 10.9, 11.3];
  const timing = timingOfRounds(times);
  expect(timing).toEqual(timingOfRounds(times));
  const { low, high } = timing.interval!;
  expect(low).toBeLessThanOrEqual(timing.median);
  expect(high).toBeGreaterThanOrEqual(timing.median);
  // A single outlier among ten values hardly moves the median's interval.
  expect(high).toBeLessThan(13);
  expect(timingOfRounds(Array(10).fill(5)).interval).toEqual({ low: 5, high: 5 });
});

test("what does not fit into the time any more when its device was lost and requested anew keeps its measurements, and is not used", async () => {
  const open = async () => ({ lost: new Promise(() => {}), dispose() {} }) as unknown as Device;
  const station = new Station("webgpu", 1, open);
  station.device = await open();
  let taken = 0;
  const gone = () => {
    throw new DisposedError("this device has been disposed");
  };
  const measured = {
    ...subject("a", () => {
      if (++taken === 5) throw new DeviceLostError("lost");
      return taken < 5 ? taken : gone();
    }),
    check: gone,
    dispose: gone,
  };
  let losses = 0;
  const held = new HeldSubject(station, measured, () => void losses++);
  const { times, summary } = await measureRounds([held], { rounds: 8, disturbances: () => losses });
  expect(times.get(held)).toEqual([1, 2, 3, 4]);
  expect(summary).toMatchObject({ rounds: 8, void: 1 });
  await station.checkAll([held]);
  expect(station.note).toContain("lost and requested anew");
  station.dispose();
  // Ready again, it would go on.
  held.replace(subject("a", () => 7));
  expect(await held.take()).toBe(7);
});

test("the time in which a page is hidden does not count, also where it is hidden again", async () => {
  let now = 5000;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  try {
    const taken = new Clock();
    const pass = async (milliseconds: number) => void (now += milliseconds);
    await pass(2000);
    await taken.pause(() => pass(600_000));
    await pass(500);
    await taken.pause(() => pass(100_000));
    await taken.pause(async () => {});
    expect(taken.elapsed).toBe(2.5);
    expect(taken.start).toBe(705_000);
  } finally {
    clock.mockRestore();
  }
});
