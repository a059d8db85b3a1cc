// Measures onnxruntime-node, the native runtime, on the CPU, and prints the measurements as JSON.
//
//   node src/bench/peers/onnxruntime/node.mjs --folder CASES --cases 1x2048,1x4096 [--threads 2] [--seconds 10]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureOnnx } from "../measure.mjs";

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: "" },
    cases: { type: "string", default: "" },
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "10" },
  },
});

// This is not an import, since run.mjs installs the package in this folder alone.
const ort = createRequire(import.meta.url)("onnxruntime-node");
const rows = [];
for (const name of values.cases.split(",")) {
  const file = readFileSync(join(values.folder, `${name}.safetensors`));
  const options = { intraOpNumThreads: Number(values.threads) };
  const question = { options, seconds: Number(values.seconds) };
  const measured = await measureOnnx(ort, join(values.folder, "model.onnx"), file, question);
  rows.push({ name, ...measured, version: ort.env.versions.node });
}
console.log(JSON.stringify({ host: `Node ${process.versions.node}`, rows }));
