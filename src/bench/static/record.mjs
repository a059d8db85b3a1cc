// Writes the dispatches of the benchmarks' model and their kernels (record.ts) as JSON.
//
//   node src/bench/static/record.mjs FILE [ROWS COLUMNS]     the tile of large products
import { writeFileSync } from "node:fs";
import { main } from "../../build/run.mjs";
import { loadTypeScript } from "../scripts/load-typescript.mjs";

await main(async () => {
  /** @type {typeof import("./record.ts")} */
  const { record } = await loadTypeScript("bench/static/record.ts");
  const [file, rows, columns] = process.argv.slice(2);
  const tile = rows ? { rows: Number(rows), columns: Number(columns) } : undefined;
  writeFileSync(file, JSON.stringify(await record(tile)));
});
