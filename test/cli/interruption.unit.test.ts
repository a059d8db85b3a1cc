// Ctrl-C and SIGTERM: the first one stops the command, the second one ends the process.

import process from "node:process";
import { expect, it, vi } from "vitest";
import { stoppedBySignals } from "../../src/cli/interruption.ts";

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s stops the work, and once more ends the process", async (signal, code) => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => {
    throw new Error("ended");
  });
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const before = process.listenerCount(signal);
  let stopped = 0;
  await stoppedBySignals(
    "stopping, with a checkpoint",
    () => stopped++,
    async () => {
      // The test runner has a listener as well.
      const listener = process.listeners(signal).at(-1)!;
      listener(signal);
      expect([stopped, exit.mock.calls.length]).toEqual([1, 0]);
      expect(() => listener(signal)).toThrow("ended");
    },
  );
  expect(exit.mock.calls).toEqual([[code]]);
  expect(told.mock.calls.flat().join()).toContain("checkpoint");
  expect(stopped).toBe(1);
  expect(process.listenerCount(signal)).toBe(before);
  exit.mockRestore();
  told.mockRestore();
});
