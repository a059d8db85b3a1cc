// Takes GPU devices away at every call of a load, a forward pass and a training, in Deno, in Chromium and in workers, and writes what
// came of it into the table of README.md. It takes about half an hour; `npm test` tries some of these faults.
//
//   npm run faults -- [host|browser ...]
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../src/build/build.mjs";
import { denoEnvironment, denoProgram } from "../../src/build/deno.mjs";
import { CommandError, main } from "../../src/build/run.mjs";
import { setup } from "../../src/build/setup.mjs";
import { cache, root } from "../../src/build/steps.mjs";

const vitest = join("node_modules", "vitest", "vitest.mjs");
/** @typedef {{ name: string, command: () => string[], env: () => NodeJS.ProcessEnv }} Host */
/** @typedef {{ fullName: string, meta?: { faults?: Record<string, number>, recovered?: number } }} Test */

/** @type {Record<string, Host>} */
const hosts = {
  host: { name: "Deno, lavapipe", command: () => [denoProgram(), "run", "-A", vitest], env: denoEnvironment },
  browser: { name: "Chromium, SwiftShader", command: () => [process.execPath, vitest], env: () => process.env },
};
const columns = ["submit", "createBuffer", "writeBuffer", "mapAsync", "createComputePipelineAsync"];
const file = join(root, "test", "faults", "README.md");
const marks = ["<!-- faults -->", "<!-- /faults -->"];

/** @param {string} project */
async function run(project) {
  const { name, command, env } = hosts[project];
  const report = join(cache, `faults-${project}.json`);
  mkdirSync(cache, { recursive: true });
  const args = ["run", "--project", project, "test/faults", "--reporter=default", "--reporter=json"];
  const [program, ...before] = command();
  /** @type {number | null} */
  const code = await new Promise((resolve) =>
    spawn(program, [...before, ...args, `--outputFile.json=${report}`], {
      cwd: root,
      stdio: "inherit",
      env: { ...env(), VITE_FAULTS: "all", ERWIN_TUNE: "off", NO_COLOR: "1" },
    }).on("close", resolve),
  );
  if (code !== 0) throw new CommandError(`faults: ${name}`, code);
  /** @type {{ testResults: { assertionResults: Test[] }[] }} */
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .flatMap(({ fullName, meta: { faults, recovered } = {} }) => {
      if (!faults) return [];
      const tried = columns.map((call) => faults[call] ?? 0);
      const all = tried.reduce((sum, count) => sum + count, 0);
      return [`| ${[name, fullName, ...tried, all, recovered].join(" | ")} |`];
    });
}

await main(async () => {
  setup();
  await build();
  const wanted = process.argv.slice(2);
  const chosen = Object.keys(hosts).filter((host) => wanted.length === 0 || wanted.includes(host));
  const text = readFileSync(file, "utf8");
  const [begin, end] = [text.indexOf(marks[0]) + marks[0].length, text.indexOf(marks[1])];
  const others = text
    .slice(begin, end)
    .split("\n")
    .filter((line) => Object.keys(hosts).some((h) => !chosen.includes(h) && line.startsWith(`| ${hosts[h].name}`)));
  const rows = [];
  for (const host of chosen) rows.push(...(await run(host)));
  const date = new Date().toISOString().slice(0, 10);
  const head = [
    `Of ${date}, every fault tried was survived:`,
    "",
    `| host | work | ${columns.join(" | ")} | faults | gone on |`,
    `|${" --- |".repeat(columns.length + 4)}`,
  ];
  writeFileSync(file, `${text.slice(0, begin)}\n${[...head, ...rows, ...others].join("\n")}\n${text.slice(end)}`);
});
