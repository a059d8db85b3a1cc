// Runs every check: set-up, build with typecheck, lint, and the tests in all three runners. The last line it prints adds
// up the runners' counts; a check or runner that fails without a failing test counts as one failure.
//
//   node src/build/test.mjs [unit|host|browser ...] [FILE-FILTER ...]     all, or some runners, or some files

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { printHelp } from "./arguments.mjs";
import { build } from "./build.mjs";
import { denoEnvironment, denoProgram } from "./deno.mjs";
import { runWatched } from "./processes.mjs";
import { main, runBeside } from "./run.mjs";
import { setup } from "./setup.mjs";
import { cache, root } from "./steps.mjs";

const vitest = join("node_modules", "vitest", "vitest.mjs");
const inNode = () => ({ command: [process.execPath, vitest], env: process.env });
/**
 * The command that starts each runner; it is known only once the set-up has installed the runners.
 * @type {Record<string, () => { command: string[], env: NodeJS.ProcessEnv }>}
 */
const runners = {
  unit: inNode,
  browser: inNode,
  host: () => ({ command: [denoProgram(), "run", "-A", vitest], env: denoEnvironment() }),
};

/** Ends the runners when this process is terminated: otherwise they would continue without it. */
const interrupt = new AbortController();

/** The time in milliseconds that a runner may spend on one test, or between two: longer than any test may take. */
const patience = 6 * 60_000;

/** Folders of tests that train: in Deno they take as long as those of the backends, and longer than all others together. */
const training = "experiments|faults|train|worker";

/**
 * The processes of the tests, those that take most of the processor's time first: so the three that run side by side end at about the
 * same time, also where lavapipe has to compile all kernels. Deno's files are shared out to four processes; its own, which Chromium
 * does not run, mostly wait for command lines that they start.
 * @type {{ name: string, runner: string, exclude?: string[] }[]}
 */
const parts = [
  { name: "unit", runner: "unit" },
  { name: "browser", runner: "browser" },
  { name: "host-training", runner: "host", exclude: ["**/*.deno.test.ts", `test/!(${training})/**`] },
  { name: "host-deno", runner: "host", exclude: ["**/*.host.test.ts"] },
  { name: "host-backends", runner: "host", exclude: ["**/*.deno.test.ts", "test/!(backends)/**"] },
  { name: "host", runner: "host", exclude: ["**/*.deno.test.ts", `test/@(backends|${training})/**`] },
];

/**
 * So many run side by side, and the next begins when one of them ends. Three keep two cores busy: Chromium spends most time compiling
 * shaders, which takes one core only, and Deno waits for results of its device a third of its time.
 */
const sideBySide = 3;

const total = { passed: 0, failed: 0, skipped: 0 };

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Runs a check that has no counts of its own.
 * @param {string} name
 * @param {() => unknown} work
 */
async function check(name, work) {
  try {
    await work();
  } catch (error) {
    console.error(`test: ${name}: ${messageOf(error)}`);
    total.failed++;
  }
}

/**
 * Runs a part of the tests and adds its counts, which Vitest writes to a file, to the total.
 * @param {(typeof parts)[number]} part
 * @param {string[]} filters
 * @param {boolean} later whether its output is printed only at its end
 */
async function runTests({ name, runner, exclude = [] }, filters, later = false) {
  console.log(`\ntest: ${name}${later ? ", of which more when it is done" : ""}`);
  const file = join(cache, `tests-${name}.json`);
  rmSync(file, { force: true });
  const args = [
    "run",
    "--project",
    runner,
    "--reporter=default",
    "--reporter=json",
    "--reporter=./src/build/progress.mjs",
    `--outputFile.json=${file}`,
    ...filters,
  ];
  for (const files of exclude) args.push("--exclude", files);
  if (filters.length > 0) args.push("--passWithNoTests");
  /** @type {unknown} */
  let crash;
  try {
    const { command, env } = runners[runner]();
    const progress = join(cache, `progress-${name}.txt`);
    const program = { command: [...command, ...args], env: { ...env, NO_COLOR: "1", ERWIN_TEST_PROGRESS: progress } };
    await runWatched(program, { progress, patience, later, spawn: { cwd: root, signal: interrupt.signal } });
  } catch (error) {
    crash = error;
  }
  const report = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  const passed = report?.numPassedTests ?? 0;
  const failed = report?.numFailedTests ?? 0;
  total.passed += passed;
  total.failed += failed;
  total.skipped += (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);

  const executed = passed + failed > 0;
  if (crash && failed === 0) console.error(`test: ${name}: ${messageOf(crash)}`);
  else if (!executed && filters.length === 0) console.error(`test: ${name}: no test was executed`);
  else return;
  total.failed++;
}

await main(async () => {
  printHelp();
  process.env.NO_COLOR = "1";
  // The first has precedence: programs would colour what tests read. The others change what commands print and refuse.
  for (const name of ["FORCE_COLOR", "ERWIN_DEBUG", "ERWIN_TOKEN"]) delete process.env[name];
  // The servers that tests start are on this machine, also where there is a proxy to others.
  const { NO_PROXY, no_proxy = NO_PROXY } = process.env;
  process.env.NO_PROXY = process.env.no_proxy = [no_proxy, "127.0.0.1", "localhost"].filter(Boolean).join();
  // Tests must not depend on when a background measurement of a device ends.
  process.env.ERWIN_TUNE = "off";
  const names = process.argv.slice(2).filter((argument) => argument in runners);
  const filters = process.argv.slice(2).filter((argument) => !(argument in runners));

  await setup(async (programs) => {
    const checks = [check("build", () => build({ programs }))];
    // A run of some tests is a part of the work on them, which does not need the other checks yet.
    if (process.argv.length === 2)
      checks.push(check("lint", () => runBeside(process.execPath, ["src/build/lint.mjs"])));
    await Promise.all(checks);
  });
  mkdirSync(cache, { recursive: true });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupt.abort());
  const chosen = names.length > 0 ? names : Object.keys(runners);
  const waiting = parts.filter(({ runner }) => chosen.includes(runner));
  const shown = waiting[0];
  const runWaiting = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) await runTests(part, filters, part !== shown);
  };
  await Promise.all(Array.from({ length: sideBySide }, runWaiting));
  if (total.passed + total.failed === 0) total.failed++;

  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 ? 1 : 0;
});
