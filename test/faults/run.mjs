// Destroys GPU devices at every call of a load, a forward pass and a training, in Deno, in Chromium and in workers, and writes the
// outcomes into the table of README.md. It takes about an hour on two cores; `npm test` tries some of these faults.
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

/**
 * Returns the outcomes of the faults of one kind, tried in a separate process, because Deno keeps some megabytes of each destroyed
 * device.
 */
async function runKind(/** @type {string} */ project, /** @type {string} */ kind) {
  const { name, command, env } = hosts[project];
  const report = join(cache, `faults-${project}.json`);
  const args = ["run", "--project", project, "test/faults", "-t", "survive it|a load and|a training$"];
  const [program, ...before] = command();
  /** @type {number | null} */
  const code = await new Promise((resolve) =>
    spawn(program, [...before, ...args, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`], {
      cwd: root,
      stdio: "inherit",
      env: { ...env(), VITE_FAULTS: kind, ERWIN_TUNE: "off", NO_COLOR: "1" },
    }).on("close", resolve),
  );
  if (code !== 0) throw new CommandError(`faults: ${name}: ${kind}`, code);
  /** @type {{ testResults: { assertionResults: Test[] }[] }} */
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

/** Returns the rows of one host. */
async function run(/** @type {string} */ project) {
  mkdirSync(cache, { recursive: true });
  /** @type {Map<string, { tried: number[], recovered: number }>} */
  const found = new Map();
  for (const call of columns) {
    for (const when of ["before", "after"]) {
      for (const { fullName, meta: { faults, recovered = 0 } = {} } of await runKind(project, `${call},${when}`)) {
        if (!faults) continue;
        const row = found.get(fullName) ?? { tried: columns.map(() => 0), recovered: 0 };
        row.tried = row.tried.map((count, i) => count + (faults[columns[i]] ?? 0));
        row.recovered += recovered;
        found.set(fullName, row);
      }
    }
  }
  return [...found].map(([work, { tried, recovered }]) => {
    const all = tried.reduce((sum, count) => sum + count, 0);
    return `| ${[hosts[project].name, work, ...tried, all, recovered].join(" | ")} |`;
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
