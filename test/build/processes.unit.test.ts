// A program that stands still is ended, with what it has started, and so are not those that get on or end by themselves.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, test } from "vitest";
import { runWatched } from "../../src/build/processes.mjs";

const folder = mkdtempSync(join(tmpdir(), "erwin-processes-"));
afterAll(() => rmSync(folder, { recursive: true }));

let runs = 0;

/** A test runner's stand-in, which calls `note(place)` where it gets on. */
function run(program: string, patience: number) {
  const progress = join(folder, `progress-${runs++}.txt`);
  const preamble = `import { writeFileSync } from "node:fs";
    import { spawn } from "node:child_process";
    const note = (place) => writeFileSync(${JSON.stringify(progress)}, place);`;
  const command = [process.execPath, "--input-type=module", "--eval", preamble + program];
  return runWatched({ command, env: process.env }, { progress, patience, later: true });
}

test.concurrent("one that stands still is ended with its children, and where it stood is said", async ({ expect }) => {
  // The child is the leader of a group of its own, as a browser is, and holds the output open: without its end there is none.
  const program = `
    spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { detached: true, stdio: "inherit" });
    note("first.test.ts");
    setTimeout(() => note("second.test.ts"), 100);
    setInterval(() => {}, 1000);`;
  await expect(run(program, 6000)).rejects.toThrow(/stood still for 0.1 minutes .* at: second\.test\.ts/);
});

test.concurrent("one that says nothing at all is ended, too", async ({ expect }) => {
  await expect(run("setInterval(() => {}, 1000);", 500)).rejects.toThrow(/at: its start/);
});

test.concurrent("one that gets on may take longer than its patience, and ends as it likes", async ({ expect }) => {
  const program = `
    let count = 0;
    setInterval(() => (count < 14 ? note(String(count++)) : process.exit(3)), 500);`;
  await expect(run(program, 6000)).rejects.toThrow("ended with exit code 3");
  await run('note("all")', 60_000);
});
