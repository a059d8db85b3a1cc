// Writes the dispatches of the benchmarks' model and their kernels (record.ts) as JSON.
//
//   node src/bench/static/record.mjs FILE [DEVICE]     DEVICE: a RecordedDevice as JSON
import { writeFileSync } from "node:fs";
import { main } from "../../build/run.mjs";
import { loadTypeScript } from "../scripts/load-typescript.mjs";

await main(async () => {
  /** @type {typeof import("./record.ts")} */
  const { record } = await loadTypeScript("bench/static/record.ts");
  const [file, device = "{}"] = process.argv.slice(2);
  writeFileSync(file, JSON.stringify(await record(JSON.parse(device))));
});
