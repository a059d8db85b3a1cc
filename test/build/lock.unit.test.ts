// A lock that a process has left behind is taken by one of those that wait, then by the next.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { root } from "../../src/build/steps.mjs";

const folder = mkdtempSync(join(tmpdir(), "erwin-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("processes that end without giving their lock back are in it one after the other", async () => {
  const [lock, log] = [join(folder, "lock"), join(folder, "log")];
  writeFileSync(log, "");
  // All look at the same time what is there.
  const start = Date.now() + 1500;
  const program = `
    import { appendFileSync } from "node:fs";
    import { withLock } from ${JSON.stringify(pathToFileURL(join(root, "src", "build", "lock.mjs")).href)};
    await new Promise((resolve) => setTimeout(resolve, ${start} - Date.now()));
    await withLock(async () => {
      appendFileSync(${JSON.stringify(log)}, "(");
      await new Promise((resolve) => setTimeout(resolve, 20));
      appendFileSync(${JSON.stringify(log)}, ")");
      process.exit();
    }, ${JSON.stringify(lock)});`;
  const ends = Array.from({ length: 18 }, () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: "inherit" });
    return new Promise((resolve) => child.on("close", resolve));
  });
  expect(await Promise.all(ends)).toEqual(Array(18).fill(0));
  expect(readFileSync(log, "utf8")).toBe("()".repeat(18));
});
