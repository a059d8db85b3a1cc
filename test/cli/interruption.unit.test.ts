// Ctrl-C, SIGTERM and a closed terminal: the first one stops the command, a second Ctrl-C or SIGTERM ends the process.

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";
import { afterEach, expect, it, vi } from "vitest";
import { stoppedBySignals } from "../../src/cli/process/interruption.ts";

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

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
});

it("a closed terminal stops the work, however often it says so; under nohup it goes on", async () => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => {
    throw new Error("ended");
  });
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const terminal = vi.spyOn(process, "stdin", "get");
  let stopped = 0;
  const hangUp = (isTTY: boolean, areFiles: boolean) => {
    terminal.mockReturnValue({ isTTY } as typeof process.stdin);
    const found = { isFIFO: () => !areFiles, isSocket: () => false } as fs.Stats;
    vi.spyOn(fs, "fstatSync").mockReturnValue(found);
    syncBuiltinESMExports();
    const work = async () => void [1, 2].forEach(() => process.listeners("SIGHUP").at(-1)!("SIGHUP"));
    return stoppedBySignals("stopping", () => stopped++, work);
  };
  await hangUp(false, true);
  expect(stopped).toBe(0);
  await hangUp(true, true);
  await hangUp(false, false);
  expect([stopped, told.mock.calls.length, exit.mock.calls.length]).toEqual([2, 2, 0]);
});
