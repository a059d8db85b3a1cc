// npm run soak: forward passes and training steps of random sizes through many models, in Node, Deno and Chromium. Memory, heap and
// handles must not grow.
//
//   npm run soak -- [--forwards N] [--steps N] [--models N] [--hosts node,deno,chromium] [--write]
//
// --write puts the results into test/soak/README.md, and their curves into memory.svg.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { readArguments } from "../../src/build/arguments.mjs";
import { build } from "../../src/build/build.mjs";
import { chromiumArguments, findChromium } from "../../src/build/chromium.mjs";
import { denoEnvironment, denoProgram } from "../../src/build/deno.mjs";
import { putResults } from "../../src/build/results.mjs";
import { main } from "../../src/build/run.mjs";
import { sendDistFile, serve } from "../../src/build/serve-dist.mjs";
import { setup } from "../../src/build/setup.mjs";
import { root } from "../../src/build/steps.mjs";
import { allowed, excesses, growth } from "./bounds.mjs";
import { drawMemory } from "./picture.mjs";
import { soak } from "./rounds.mjs";

/** @typedef {Awaited<ReturnType<typeof soak>> & { host: string }} SoakResult */
/** @typedef {import("./rounds.mjs").SoakOptions} SoakOptions */

const script = join(root, "test", "soak", "process.mjs");

/**
 * @param {string} program
 * @param {string[]} flags
 * @param {SoakOptions} options
 * @returns {Promise<SoakResult>}
 */
async function inProcess(program, flags, options) {
  const args = [...flags, script, JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(program, args, {
    env: denoEnvironment(),
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout);
}

/**
 * @param {SoakOptions} options
 * @returns {Promise<SoakResult>}
 */
async function inChromium(options) {
  const server = await serve((request, response) => {
    if (!sendDistFile(request, response)) response.writeHead(404).end();
  });
  const args = [...chromiumArguments(), "--js-flags=--expose-gc", "--enable-precise-memory-info"];
  const browser = await chromium.launch({ executablePath: findChromium(), args });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}dist/`);
    const result = await page.evaluate(
      async ({ text, options }) => {
        const library = "/dist/erwin.js";
        const erwin = await import(library);
        const run = new Function(`return ${text}`)();
        const { gc, performance } = /** @type {any} */ (globalThis);
        return run(erwin, options, async () => {
          gc?.();
          return { heap: performance.memory?.usedJSHeapSize };
        });
      },
      { text: soak.toString(), options },
    );
    return { host: `Chromium ${browser.version()}`, ...result };
  } finally {
    await browser.close();
    server.close();
  }
}

/**
 * The space for new objects stays at a megabyte: V8 enlarges it as it likes, and that of a worker holds garbage that no call from
 * outside collects.
 */
const v8 = ["--expose-gc", "--max-semi-space-size=1"];

/** @type {Record<string, (options: SoakOptions) => Promise<SoakResult>>} */
const hosts = {
  node: (options) => inProcess(process.execPath, v8, options),
  deno: (options) => inProcess(denoProgram(), ["run", "-A", `--v8-flags=${v8.join()}`], options),
  chromium: inChromium,
};

/** @param {number | undefined} bytes */
const formatGrowth = (bytes) => (bytes === undefined ? "-" : `${(bytes / 2 ** 20).toFixed(2)} MiB`);

/**
 * @param {readonly SoakResult[]} results
 * @param {SoakOptions} options
 */
function formatResults(results, { forwards, steps, models }) {
  const date = new Date().toISOString().slice(0, 10);
  return [
    `${date}: ${forwards} forward passes and ${steps} training steps of 1 to 900 points, and ${models} models.`,
    "",
    "| host | minutes | device memory | reserved | heap | process | open files |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...results.map(({ host, samples, milliseconds }) => {
      const grown = growth(samples);
      const bytes = [grown.device, grown.reserved, grown.heap, grown.host].map(formatGrowth);
      return `| ${[host, (milliseconds / 60_000).toFixed(1), ...bytes, grown.handles ?? "-"].join(" | ")} |`;
    }),
    `| allowed | | ${[allowed.device, allowed.reserved, allowed.heap, allowed.host].map(formatGrowth).join(" | ")} | ${allowed.handles} |`,
  ].join("\n");
}

await main(async () => {
  const { values } = readArguments({
    options: {
      forwards: { type: "string", default: "10000" },
      steps: { type: "string", default: "10000" },
      models: { type: "string", default: "500" },
      hosts: { type: "string", default: "node,deno,chromium" },
      write: { type: "boolean", default: false },
    },
  });
  await setup((programs) => build({ programs }));
  const [forwards, steps, models] = [values.forwards, values.steps, values.models].map(Number);
  const options = { forwards, steps, models, points: 300, samples: 100, seed: 1 };
  /** @type {SoakResult[]} */
  const results = [];
  for (const name of values.hosts.split(",")) {
    if (!Object.hasOwn(hosts, name)) throw new Error(`there is no host ${name}: known are ${Object.keys(hosts)}`);
    console.log(`soak: ${name}`);
    const result = await hosts[name](options);
    results.push(result);
    for (const excess of excesses(result.samples)) {
      console.error(`soak: ${result.host}: ${excess}`);
      process.exitCode = 1;
    }
  }
  const text = formatResults(results, options);
  console.log(`\n${text}`);
  if (!values.write) return;
  putResults(join(root, "test", "soak", "README.md"), `${text}\n\n![memory by round](memory.svg)`);
  writeFileSync(join(root, "test", "soak", "memory.svg"), drawMemory(results));
});
