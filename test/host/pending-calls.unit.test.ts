// Calls to a worker that settles, fails or is given up by its caller.

import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { DisposedError, WorkerError } from "../../src/errors.ts";
import { PendingCalls } from "../../src/host/pending-calls.ts";

const calls = () => new PendingCalls({ ask() {}, onSilence() {} });
const never = new Promise<never>(() => {});

test("a failure rejects the calls in progress and all later ones; the first one counts", async () => {
  const pending = calls();
  const failure = new WorkerError("stopped");
  const waiting = pending.wait(never);
  pending.fail(failure);
  pending.fail(new DisposedError("disposed"));
  await expect(waiting).rejects.toBe(failure);
  await expect(pending.wait(Promise.reject(new Error("late")))).rejects.toBe(failure);
});

test("a call in progress may go unheard where its caller ends the worker", async () => {
  const onRejection = vi.fn();
  process.on("unhandledRejection", onRejection);
  const pending = calls();
  void pending.wait(never);
  pending.fail(new DisposedError("disposed"), true);
  await new Promise(setImmediate);
  process.removeListener("unhandledRejection", onRejection);
  expect(onRejection).not.toHaveBeenCalled();
});

test("nothing is kept of calls that are over", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const pending = calls();
  const heapAfter = async (count: number) => {
    for (let i = 0; i < count; i++) await pending.wait(Promise.resolve());
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(1000);
  expect(((await heapAfter(50_000)) - before) / 50_000).toBeLessThan(50);
  pending.fail(new DisposedError("disposed"));
});
