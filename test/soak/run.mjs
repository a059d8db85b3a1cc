// npm run soak: forward passes and training steps of random sizes through many models, on the CPU backend in Node, Deno and Chromium,
// and on WebGPU in Deno. Memory, heap and handles must not grow.
//
//   npm run soak -- [--forwards N] [--steps N] [--models N] [--hosts node,deno,chromium,deno-webgpu] [--write]
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

/** @typedef {import("./rounds.mjs").SoakOptions} SoakOptions */
/** @typedef {Awaited<ReturnType<typeof soak>> & { host: string }} Soaked */
/** @typedef {Soaked & { options: SoakOptions }} SoakResult */

const script = join(root, "test", "soak", "process.mjs");

/**
 * @param {string} program
 * @param {string[]} flags
 * @param {SoakOptions} options
 * @returns {Promise<Soaked>}
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
 * @returns {Promise<Soaked>}
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

const inDeno = (/** @type {SoakOptions} */ options) =>
  inProcess(denoProgram(), ["run", "-A", `--v8-flags=${v8.join()}`], options);

/** @type {Record<string, { backend: SoakOptions["backend"], run: (options: SoakOptions) => Promise<Soaked> }>} */
const hosts = {
  node: { backend: "cpu", run: (options) => inProcess(process.execPath, v8, options) },
  deno: { backend: "cpu", run: inDeno },
  chromium: { backend: "cpu", run: inChromium },
  "deno-webgpu": { backend: "webgpu", run: inDeno },
};

/** A GPU in software takes ten times as long. */
const SHARE_ON_WEBGPU = 0.1;

/** @param {number | undefined} bytes */
const formatGrowth = (bytes) => (bytes === undefined ? "-" : `${(bytes / 2 ** 20).toFixed(2)} MiB`);

/** @param {readonly SoakResult[]} results */
function formatResults(results) {
  const date = new Date().toISOString().slice(0, 10);
  return [
    `${date}: forward passes and training steps of 1 to 900 points, while models come and go.`,
    "",
    "| host | device | passes | steps | models | minutes | device memory | reserved | heap | process | open files |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...results.map(({ host, device, options: { forwards, steps, models }, samples, milliseconds }) => {
      const grown = growth(samples);
      const bytes = [grown.device, grown.reserved, grown.heap, grown.host].map(formatGrowth);
      const minutes = (milliseconds / 60_000).toFixed(1);
      return `| ${[host, device, forwards, steps, models, minutes, ...bytes, grown.handles ?? "-"].join(" | ")} |`;
    }),
    `| allowed | | | | | | ${[allowed.device, allowed.reserved, allowed.heap, allowed.host].map(formatGrowth).join(" | ")} | ${allowed.handles} |`,
  ].join("\n");
}

await main(async () => {
  const { values } = readArguments({
    options: {
      forwards: { type: "string", default: "10000" },
      steps: { type: "string", default: "10000" },
      models: { type: "string", default: "500" },
      hosts: { type: "string", default: Object.keys(hosts).join() },
      write: { type: "boolean", default: false },
    },
  });
  const names = values.hosts.split(",");
  const unknown = names.filter((name) => !Object.hasOwn(hosts, name));
  if (unknown.length > 0) throw new Error(`there is no host ${unknown}: known are ${Object.keys(hosts)}`);
  await setup((programs) => build({ programs }));
  const [forwards, steps, models] = [values.forwards, values.steps, values.models].map(Number);
  /** @type {SoakResult[]} */
  const results = [];
  for (const name of names) {
    console.log(`soak: ${name}`);
    const { backend, run } = hosts[name];
    const share = backend === "webgpu" ? SHARE_ON_WEBGPU : 1;
    const counts = { forwards: share * forwards, steps: share * steps, models: share * models };
    const options = { backend, ...counts, points: 300, samples: 100, seed: 1 };
    const { host, ...soaked } = await run(options);
    const result = { ...soaked, host: backend === "webgpu" ? `${host}, WebGPU` : host, options };
    results.push(result);
    for (const excess of excesses(result.samples)) {
      console.error(`soak: ${result.host}: ${excess}`);
      process.exitCode = 1;
    }
  }
  const text = formatResults(results);
  console.log(`\n${text}`);
  if (!values.write) return;
  putResults(join(root, "test", "soak", "README.md"), `${text}\n\n![memory by round](memory.svg)`);
  writeFileSync(join(root, "test", "soak", "memory.svg"), drawMemory(results));
});
