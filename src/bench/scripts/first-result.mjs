// Measures how long a program waits for its first result: the benchmarks' model with random weights runs on one cloud, in a fresh
// Deno process and on a page in a fresh Chromium, each several times.
//
//   node src/bench/scripts/first-result.mjs [--points N] [--backend auto|webgpu|cpu] [--repeat R]
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readArguments } from "../../build/arguments.mjs";
import { build } from "../../build/build.mjs";
import { readDeno } from "../../build/deno.mjs";
import { main } from "../../build/run.mjs";
import { setup } from "../../build/setup.mjs";
import { root } from "../../build/steps.mjs";
import { firstResult } from "./first-result-program.js";
import { loadTypeScript } from "./load-typescript.mjs";
import { onPage, pageLibrary } from "./on-page.mjs";

/** @typedef {import("./first-result-program.js").Program} Program */
/** @typedef {import("./first-result-program.js").FirstResult} FirstResult */

/**
 * @param {Omit<Program, "library">} program
 * @returns {FirstResult}
 */
function inDeno(program) {
  const library = pathToFileURL(join(root, "dist/erwin.js")).href;
  return JSON.parse(readDeno(["src/bench/scripts/first-result-program.js", JSON.stringify({ ...program, library })]));
}

/**
 * @param {Omit<Program, "library">} program
 * @returns {Promise<FirstResult>}
 */
async function inChromium(program) {
  return (await onPage(firstResult, { ...program, library: pageLibrary })).result;
}

await main(async () => {
  const { values } = readArguments({
    options: {
      points: { type: "string", default: "2048" },
      backend: { type: "string", default: "auto" },
      repeat: { type: "string", default: "5" },
    },
  });
  await setup((programs) => build({ programs }));
  /** @type {typeof import("../../erwin/presets.ts")} */
  const { readmeModel } = await loadTypeScript("erwin/presets.ts");
  /** @type {typeof import("../report/table.ts")} */
  const { formatTable } = await loadTypeScript("bench/report/table.ts");
  /** @type {typeof import("../rates/timing.ts")} */
  const { timingOf } = await loadTypeScript("bench/rates/timing.ts");
  const backend = /** @type {Program["backend"]} */ (values.backend);
  const program = { backend, config: readmeModel(32), points: Number(values.points), neighbours: 16 };

  for (const [host, measure] of Object.entries({ Deno: inDeno, Chromium: inChromium })) {
    /** @type {FirstResult[]} */
    const results = [];
    for (let i = 0; i < Number(values.repeat); i++) results.push(await measure(program));
    const line = (/** @type {string} */ name, /** @type {number[]} */ times) => {
      const { median, low, high } = timingOf(times);
      return [name, ...[median, low, high].map((time) => time.toFixed(0))];
    };
    const parts = Object.keys(results[0].parts);
    const table = formatTable([
      [`${host}, ${results[0].device}`, "median ms", "quartiles", ""],
      ...parts.map((part) =>
        line(
          part,
          results.map((result) => result.parts[part]),
        ),
      ),
      line(
        "import to first result",
        results.map(({ total }) => total),
      ),
      line(
        "a second pass",
        results.map(({ second }) => second),
      ),
    ]);
    console.log(`\n${table.join("\n")}`);
  }
});
