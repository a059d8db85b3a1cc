// Measures this library or jax-js in Deno and prints the measurements as JSON; page.mjs is its counterpart for pages.
//
//   deno run -A src/bench/peers/deno.ts --folder CASES --cases 1x2048 [--library jax-js] [--backend cpu] [--threads 2] [--seconds 10]
//     [--training]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { importJax, measureJax } from "./jax-js/measure.mjs";
import { measureErwin } from "./measure.mjs";
import { readQuestion } from "./question.mjs";

const { folder, names, library, question } = readQuestion();
const jax = library === "jax-js" ? await importJax() : undefined;
const checkpoint = readFileSync(join(folder, "model.safetensors"));
const rows = [];
for (const name of names) {
  const file = readFileSync(join(folder, `${name}.safetensors`));
  const measured = jax
    ? await measureJax(jax, checkpoint, file, question)
    : await measureErwin(checkpoint, file, question);
  rows.push({ name, ...measured });
}
console.log(JSON.stringify({ host: `Deno ${process.versions.deno}`, rows }));
// jax-js has no call that ends its threads.
process.exit(0);
