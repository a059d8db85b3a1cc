// Measures this library or jax-js in Deno and prints the measurements as JSON; page.mjs is its counterpart for pages.
//
//   deno run -A src/bench/peers/deno.ts --folder CASES --cases 1x2048 [--library jax-js] [--backend cpu] [--threads 2] [--seconds 10]
//     [--training]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { disposeThreads } from "erwin";
import { importJax, measureJax } from "./jax-js/measure.mjs";
import { measureErwin } from "./measure.mjs";

const { values } = parseArgs({
  options: {
    library: { type: "string", default: "erwin" },
    folder: { type: "string", default: "" },
    cases: { type: "string", default: "" },
    backend: { type: "string", default: "cpu" },
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "10" },
    training: { type: "boolean", default: false },
  },
});
const read = (file: string) => readFileSync(join(values.folder, file));
const rows = [];
for (const name of values.cases.split(",")) {
  const { backend, training } = values;
  const question = { backend, threads: Number(values.threads), seconds: Number(values.seconds), training };
  const [checkpoint, file] = [read("model.safetensors"), read(`${name}.safetensors`)];
  const measured =
    values.library === "erwin"
      ? await measureErwin(checkpoint, file, question)
      : await measureJax(await importJax(), checkpoint, file, question);
  rows.push({ name, ...measured });
}
disposeThreads();
console.log(JSON.stringify({ host: `Deno ${process.versions.deno}`, rows }));
// jax-js has no call that ends its threads.
process.exit(0);
