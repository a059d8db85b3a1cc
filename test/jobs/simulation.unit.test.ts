// The simulation of many workers (simulation.mjs): it reproduces what was measured, and finds the limits that are known.
import { expect, it } from "vitest";
import { measured, simulate } from "./simulation.mjs";

const { processors, diskMilliseconds, redisMillisecondsPerJob, threeProcesses } = measured;

it.each(["leases", "queue"] as const)(
  "three processes with %s are as fast as they were measured, within a factor of two",
  (sharing) => {
    const { rate, milliseconds } = threeProcesses[sharing];
    const found = simulate({
      sharing,
      workers: 3,
      jobs: 400,
      jobSeconds: milliseconds / 1000,
      processors,
      latency: diskMilliseconds.look / 1000,
      rate: Number.POSITIVE_INFINITY,
      flush: diskMilliseconds.writeFlushRename / 1000,
    });
    expect(found.rate).toBeGreaterThan(rate / 2);
    expect(found.rate).toBeLessThan(rate * 2);
  },
);

it("many workers reach the limit of Redis, or that of the storage, and a few do not", () => {
  const plan = { sharing: "queue", jobs: 2000, jobSeconds: 0.02, latency: 0, rate: Number.POSITIVE_INFINITY } as const;
  const most = 1000 / redisMillisecondsPerJob;
  const many = simulate({ ...plan, workers: 200 });
  expect(many.limit).toBe("redis");
  expect(many.rate).toBeGreaterThan(0.8 * most);
  expect(many.rate).toBeLessThanOrEqual(most);
  expect(simulate({ ...plan, workers: 200, rate: 5000 }).limit).toBe("storage");
  expect(simulate({ ...plan, workers: 4 }).limit).toBeUndefined();
});
