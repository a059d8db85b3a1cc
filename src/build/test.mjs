// Runs every check: set-up, build with typecheck, lint, and the tests in all three runners. The last line it prints adds
// up the runners' counts; a check or runner that fails without a failing test counts as one failure.
//
//   node src/build/test.mjs [unit|host|browser ...] [FILE-FILTER ...]     all, or some runners, or some files
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { denoEnvironment, denoProgram } from "./deno.mjs";
import { lint } from "./lint.mjs";
import { main } from "./run.mjs";
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

/** Ends the runners when this process is told to end: otherwise they would go on without it. */
const interrupt = new AbortController();

/**
 * Runs a program to its end; throws unless it succeeds.
 * @param {{ command: string[], env: NodeJS.ProcessEnv }} runner
 * @param {string[]} args
 * @param {boolean} later whether its output is printed only at its end
 */
async function execute({ command: [program, ...words], env }, args, later) {
  const stdio = /** @type {import("node:child_process").StdioOptions} */ (
    later ? ["ignore", "pipe", "pipe"] : "inherit"
  );
  const { signal } = interrupt;
  const child = spawn(program, [...words, ...args], { cwd: root, env: { ...env, NO_COLOR: "1" }, stdio, signal });
  /** @type {Buffer[]} */
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => output.push(chunk));
  const status = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  process.stdout.write(Buffer.concat(output));
  if (status !== 0) throw new Error(`it ended with exit code ${status}`);
}

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
 * Runs one runner and adds its counts, which Vitest writes to a file, to the total.
 * @param {string} name
 * @param {string[]} filters
 * @param {boolean} later whether its output is printed only at its end
 */
async function runTests(name, filters, later = false) {
  console.log(`\ntest: ${name}${later ? ", of which more when it is done" : ""}`);
  const file = join(cache, `tests-${name}.json`);
  rmSync(file, { force: true });
  const args = [
    "run",
    "--project",
    name,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
    ...filters,
  ];
  if (filters.length > 0) args.push("--passWithNoTests");
  /** @type {unknown} */
  let crash;
  try {
    await execute(runners[name](), args, later);
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
  setup();
  mkdirSync(cache, { recursive: true });
  process.env.NO_COLOR = "1";
  // Tests must not depend on when a background measurement of a device ends.
  process.env.ERWIN_TUNE = "off";
  const names = process.argv.slice(2).filter((argument) => argument in runners);
  const filters = process.argv.slice(2).filter((argument) => !(argument in runners));

  await check("build", () => build());
  // Whoever asks for a part of the tests is at work on something, and does not need the other checks yet.
  if (process.argv.length === 2) await check("lint", () => lint());
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupt.abort());
  const chosen = names.length > 0 ? names : Object.keys(runners);
  if (chosen.includes("unit")) await runTests("unit", filters);
  // The runners run concurrently: Chromium spends most time compiling shaders, which takes one core only.
  const together = chosen.filter((name) => name !== "unit");
  await Promise.all(together.map((name, i) => runTests(name, filters, i > 0)));
  if (total.passed + total.failed === 0) total.failed++;

  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 ? 1 : 0;
});
