// npm run fuzz: damaged files, configs and command lines, and arguments of all types, for any time. Inputs that are refused in a
// new way, the slowest ones and those that fail are kept in node_modules/.cache/erwin/fuzz, where the next run begins.
//
//   npm run fuzz -- --minutes N [--only readers,configs,command-line,arguments] [--write]
//
// --write puts the results into test/fuzz/README.md.
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "../../src/build/arguments.mjs";
import { build } from "../../src/build/build.mjs";
import { denoEnvironment, denoProgram } from "../../src/build/deno.mjs";
import { putResults } from "../../src/build/results.mjs";
import { main, run } from "../../src/build/run.mjs";
import { setup } from "../../src/build/setup.mjs";
import { cache, root } from "../../src/build/steps.mjs";

/**
 * The parts: their tests, the runner of these tests, and the number of targets that share the time.
 * @type {Record<string, { files: string, runner: "unit" | "host", targets: number }>}
 */
const parts = {
  readers: { files: "test/fuzz/readers", runner: "unit", targets: 24 },
  configs: { files: "test/fuzz/configs", runner: "unit", targets: 1 },
  "command-line": { files: "test/fuzz/command-line", runner: "unit", targets: 1 },
  arguments: { files: "test/erwin/fuzz", runner: "host", targets: 3 },
};

/** @param {readonly import("../support/tally.ts").FuzzResult[]} results */
function formatResults(results) {
  const date = new Date().toISOString().slice(0, 10);
  const count = results.reduce((sum, { inputs }) => sum + inputs, 0).toLocaleString("en");
  const rows = results.map(({ target, inputs, refused, kinds, slowest, memory }) =>
    [
      ...[target, inputs, inputs - refused, refused, kinds].map((value) => value.toLocaleString("en")),
      ...[`${slowest.toFixed(0)} ms`, `${(memory / 2 ** 20).toFixed(1)} MiB`],
    ].join(" | "),
  );
  return [
    `${date}: ${count} inputs; each was read, or refused by name.`,
    "",
    "| target | inputs | read | refused | kinds of refusal | slowest | most memory |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}

await main(async () => {
  const { values } = readArguments({
    options: {
      minutes: { type: "string", default: "10" },
      only: { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes is "${values.minutes}", expected a number greater than 0`);
  const names = values.only?.split(",") ?? Object.keys(parts);
  const unknown = names.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}: known are ${Object.keys(parts).join(", ")}`);
  await setup((programs) => build({ programs }));
  const folder = join(cache, "fuzz");
  mkdirSync(folder, { recursive: true });
  const resultFiles = () => readdirSync(folder).filter((name) => name.endsWith(".json"));
  for (const name of resultFiles()) rmSync(join(folder, name));
  const targets = names.reduce((sum, name) => sum + parts[name].targets, 0);
  const milliseconds = (60_000 * minutes) / targets;
  const env = {
    ...denoEnvironment(),
    ERWIN_FUZZ_MILLISECONDS: String(milliseconds),
    ERWIN_FUZZ_FOLDER: folder,
    ERWIN_TUNE: "off",
  };
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  for (const name of names) {
    const { files, runner, targets } = parts[name];
    const command = runner === "host" ? [denoProgram(), "run", "-A"] : [process.execPath];
    const patience = Math.ceil(targets * milliseconds + 120_000);
    const words = [vitest, "run", "--project", runner, `--testTimeout=${patience}`, files];
    run(command[0], [...command.slice(1), ...words], { env });
  }
  const results = resultFiles()
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
  const text = formatResults(results);
  console.log(`\n${text}`);
  if (values.write) putResults(join(root, "test", "fuzz", "README.md"), text);
});
