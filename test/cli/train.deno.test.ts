// erwin train: an interrupted run goes on to the very same weights.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { cliPath, errorLine, erwin, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);

const words = (folder: string) => [
  "train",
  "farthest",
  "--out",
  path(folder),
  "--steps",
  "8",
  "--batch-size",
  "4",
  "--validate-every",
  "100",
];

/** Starts a run, interrupts it once it has written a checkpoint, and waits for its end. */
async function interrupted(folder: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["run", "-A", "--no-prompt", cliPath, ...words(folder), "--save-every", "2"], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (output += text));
  const watch = setInterval(() => {
    if (!existsSync(path(`${folder}/last.safetensors`))) return;
    clearInterval(watch);
    // Not child.kill: Deno then reports the signal in place of the exit code.
    process.kill(child.pid as number, "SIGINT");
  }, 20);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(watch);
  return { code, output };
}

it("goes on after SIGINT, and ends with the same bits as a run that was not interrupted", async () => {
  const first = await interrupted("interrupted");
  expect(first.code, first.output).toBe(0);
  expect(first.output).toMatch(/stopped after [1-7] of 8 steps/);
  const second = erwin(words("interrupted"));
  expect(second.code, second.stderr).toBe(0);
  expect(second.stdout).toContain("done in");

  const whole = erwin(words("whole"));
  expect(whole.code, whole.stderr).toBe(0);
  expect(readFileSync(path("interrupted/last.safetensors")).equals(readFileSync(path("whole/last.safetensors")))).toBe(
    true,
  );
  expect(readFileSync(path("whole/curve.svg"), "utf8")).toMatch(/^<svg .*polyline/s);
  const entries = readFileSync(path("whole/metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(entries.at(-1)).toMatchObject({ kind: "test", step: 8 });
});

it("refuses an experiment it does not know", () => {
  const result = erwin(["train", "everything", "--out", path("x")]);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain("farthest, overfit");
  expect(errorLine(erwin(["train", "farthest", "--out", fileURLToPath(import.meta.url)]))).toContain(
    "train.deno.test.ts",
  );
});
