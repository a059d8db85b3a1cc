// Writes the dispatches of the benchmarks' model and their kernels (record.ts) as JSON.
//
//   node src/bench/static/record.mjs FILE
import { writeFileSync } from "node:fs";
import { main } from "../../build/run.mjs";
import { loadTypeScript } from "../load-typescript.mjs";

await main(async () => {
  /** @type {typeof import("./record.ts")} */
  const { record } = await loadTypeScript("static/record.ts");
  writeFileSync(process.argv[2], JSON.stringify(await record()));
});
