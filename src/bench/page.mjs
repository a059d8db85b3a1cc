// A benchmark on a page in Chromium, for what only browsers give: their WebGPU, or their WebAssembly. On Linux that is a software
// adapter, unless ERWIN_GPU=native asks for the machine's own.
//
//   node src/bench/page.mjs tree|graph|forward|training|scaling [--points N,N,...] [--clouds B] [--channels C] [--repeat R]
//     [--seconds S] [--backend auto|webgpu|cpu] [--precision float32|mixed] [--profile] [--json FILE]
//
// The words mean what they mean after `bench` on the command line.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { main } from "../build/run.mjs";
import { onPage, pageBenchmarks, pageLibrary } from "./on-page.mjs";

/**
 * @typedef {object} Program
 * @property {string} library where dist/erwin.js lies
 * @property {string} benchmarks where dist/bench.js lies
 * @property {import("./result.ts").BenchmarkName} name
 * @property {import("./index.ts").BenchOptions} options
 * @property {import("../index.ts").DeviceOptions} device
 */

/**
 * Runs on the page, as text.
 * @param {Program} program
 */
async function benchmark({ library, benchmarks: module, name, options, device: choice }) {
  /** @type {typeof import("../index.ts")} */
  const erwin = await import(library);
  /** @type {typeof import("./index.ts")} */
  const { benchmarks, benchResult, describeDevice, formatResult, measureFloors } = await import(module);
  // On a device of its own: the largest arrays of all would be the other's peak memory.
  const measured = await erwin.requestDevice(choice);
  const floors = await measureFloors(measured);
  measured.dispose();
  const device = await erwin.requestDevice(choice);
  const cases = await benchmarks[name].run({ ...options, floors }, device);
  const result = benchResult(cases, describeDevice(device), floors);
  device.dispose();
  await erwin.disposeThreads();
  return { result, text: formatResult(result) };
}

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      points: { type: "string" },
      clouds: { type: "string" },
      channels: { type: "string" },
      repeat: { type: "string" },
      seconds: { type: "string" },
      backend: { type: "string", default: "auto" },
      precision: { type: "string" },
      profile: { type: "boolean" },
      json: { type: "string" },
    },
  });
  const [name] = positionals;
  if (!["tree", "graph", "forward", "training", "scaling"].includes(name)) {
    console.error("error: expected the name of a benchmark: tree, graph, forward, training or scaling");
    process.exitCode = 2;
    return;
  }
  const { backend, precision, points, profile, json, ...counts } = values;
  const options = {
    ...Object.fromEntries(Object.entries(counts).map(([option, count]) => [option, Number(count)])),
    ...(points !== undefined && { points: points.split(",").map(Number) }),
    profile,
  };
  const { result, host } = await onPage(
    benchmark,
    /** @type {Program} */ ({
      library: pageLibrary,
      benchmarks: pageBenchmarks,
      name,
      options,
      device: { backend, ...(precision !== undefined && { precision }) },
    }),
  );
  console.log(result.text);
  if (json) writeFileSync(json, `${JSON.stringify({ ...result.result, host }, null, 2)}\n`);
});
