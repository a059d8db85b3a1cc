// What a command prints may be lost without ending it: on a full disk, behind a closed pipe, without a terminal.

import process from "node:process";
import { expect, it, vi } from "vitest";
import { withStandardStreams } from "../../src/cli/process/standard-streams.ts";

const failure = (code: string) => Object.assign(new Error(`refused: ${code}`), { code });

/** Runs a command in which standard output fails in Node's way, by an event, or in Deno's, by an error. */
async function run(code: string, host: "Node" | "Deno"): Promise<{ code: number; worked: boolean; told: unknown[] }> {
  const print = vi.spyOn(console, "log").mockImplementation(() => {
    if (host === "Deno") throw failure(code);
    process.stdout.emit("error", failure(code));
  });
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const listeners = process.stdout.listeners("error");
  let worked = false;
  const result = await withStandardStreams(async () => {
    console.log("a line");
    worked = true;
    return 0;
  });
  const lines = told.mock.calls.flat();
  print.mockRestore();
  told.mockRestore();
  // The test runner may have one for a single error, which is gone now.
  expect(listeners).toEqual(expect.arrayContaining(process.stdout.listeners("error")));
  return { code: result, worked, told: lines };
}

it.each(["Node", "Deno"] as const)("a full disk is an error at the end, in %s", async (host) => {
  const told = ["error: Cannot write standard output: no space left on the device."];
  expect(await run("ENOSPC", host)).toEqual({ code: 1, worked: true, told });
});

it.each(["EPIPE", "EIO"])("a reader that has gone is none (%s)", async (code) => {
  for (const host of ["Node", "Deno"] as const)
    expect(await run(code, host)).toEqual({ code: 0, worked: true, told: [] });
});

it("lines that cannot be reported are lost without an error", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {
    throw failure("EIO");
  });
  const code = await withStandardStreams(async () => {
    process.stderr.emit("error", failure("EIO"));
    console.error("a line");
    return 2;
  });
  expect([code, told.mock.calls.length]).toEqual([2, 1]);
  told.mockRestore();
});
