// Runs a benchmark of the built library on a page in Chromium, to measure a browser's WebGPU or WebAssembly. On Linux the adapter
// is a software one, unless ERWIN_GPU=native asks for the machine's own.
//
//   node src/bench/scripts/page.mjs NAME [OPTIONS]     a benchmark and its options, as after `bench` on the command line
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../build/run.mjs";
import { root } from "../../build/steps.mjs";
import { loadTypeScript } from "./load-typescript.mjs";
import { onPage, pageBenchmarks, pageLibrary } from "./on-page.mjs";

/**
 * @typedef {object} Program
 * @property {string} library URL of dist/erwin.js
 * @property {string} benchmarks URL of dist/bench.js
 * @property {string | undefined} name the benchmark's name as the user wrote it, which may be wrong
 * @property {import("../index.ts").BenchOptions} options
 * @property {import("../../index.ts").DeviceOptions} device
 */

/**
 * Runs on the page, as text. Returns the benchmarks' names alone where `name` is none of them.
 * @param {Program} program
 */
async function benchmark({ library, benchmarks: module, name, options, device: choice }) {
  /** @type {typeof import("../../index.ts")} */
  const erwin = await import(library);
  /** @type {typeof import("../index.ts")} */
  const { benchmarks, benchResult, describeDevice, formatResult, measureRoofline } = await import(module);
  const names = /** @type {import("../report/measurement.ts").BenchmarkName[]} */ (Object.keys(benchmarks));
  const known = names.find((other) => other === name);
  if (!known) return { names };
  // The roofline has a device of its own: its arrays are the largest of all and would be the other's peak memory.
  const measured = await erwin.requestDevice(choice);
  const roofline = await measureRoofline(measured, options.seconds);
  measured.dispose();
  const device = await erwin.requestDevice(choice);
  const cases = await benchmarks[known].run({ ...options, roofline }, device);
  const result = benchResult(cases, describeDevice(device), roofline);
  device.dispose();
  await erwin.disposeThreads();
  return { names, measured: { result, text: formatResult(result) } };
}

/**
 * @param {string} problem
 * @returns {never}
 */
function refuse(problem) {
  console.error(`error: ${problem}`);
  process.exit(2);
}

await main(async () => {
  if (!existsSync(join(root, "dist/bench.js"))) refuse("there is no built library: npm run build makes it");
  /** @type {typeof import("../../cli/options/bench.ts")} */
  const { parseBenchWords } = await loadTypeScript("cli/options/bench.ts");
  /** @type {ReturnType<typeof parseBenchWords>} */
  let words;
  try {
    words = parseBenchWords(process.argv.slice(2));
  } catch (error) {
    refuse(/** @type {Error} */ (error).message);
  }
  const { json, ...choice } = words;
  const program = { ...choice, library: pageLibrary, benchmarks: pageBenchmarks };
  const { result, host } = await onPage(benchmark, program);
  const { names, measured } = result;
  if (!measured) refuse(`expected the name of a benchmark, one of ${names.join(", ")}`);
  console.log(measured.text);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ...measured.result, host }, null, 2)}\n`);
});
