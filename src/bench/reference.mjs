// Measures the result that the benchmark page's scores are relative to, src/bench/results/pages/reference.json: all sizes of the
// suite, the quick ones included, on this machine's processor.
//
//   node src/bench/reference.mjs     in Deno; takes about two minutes, in which nothing else should run
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const file = join(root, "src/bench/results/pages/reference.json");

/** @typedef {import("./result.ts").BenchResult} BenchResult */

async function measure() {
  /** @type {typeof import("./index.ts")} */
  const { runSuite } = await import(new URL("../../dist/bench.js", import.meta.url).href);
  const golden = readFileSync(join(root, "test/golden/s_small_clouds_eval.safetensors"));
  const own = { golden, memory: totalmem(), processor: cpus()[0]?.model, devices: /** @type {const} */ (["cpu"]) };
  const onProgress = (/** @type {import("./suite.ts").SuiteProgress} */ { what }) => console.log(what);
  const full = await runSuite({ ...own, onProgress });
  const quick = await runSuite({ ...own, quick: true, onProgress });
  const known = new Set(full.cases.map(({ name }) => name));
  const cases = [...full.cases, ...quick.cases.filter(({ name }) => !known.has(name))];
  return { ...full, cases: cases.filter(({ time }) => time) };
}

if (!existsSync(join(root, "dist/bench.js"))) throw new Error("there is no built library: npm run build makes it");
writeFileSync(file, `${JSON.stringify(await measure(), null, 2)}\n`);
console.log(`written: ${file}`);
