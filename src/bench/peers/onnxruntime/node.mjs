// Measures onnxruntime-node, the native runtime, on the CPU, and prints the measurements as JSON.
//
//   node src/bench/peers/onnxruntime/node.mjs --folder CASES --cases 1x2048,1x4096 [--threads 2] [--seconds 10]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { measureOnnx } from "../measure.mjs";
import { readQuestion } from "../question.mjs";

const { folder, names, question } = readQuestion();

// This is not an import, since run.mjs installs the package in this folder alone.
const ort = createRequire(import.meta.url)("onnxruntime-node");
const rows = [];
for (const name of names) {
  const file = readFileSync(join(folder, `${name}.safetensors`));
  const { threads, seconds } = question;
  const options = { intraOpNumThreads: threads };
  const measured = await measureOnnx(ort, join(folder, "model.onnx"), file, { options, seconds });
  rows.push({ name, ...measured, version: ort.env.versions.node });
}
console.log(JSON.stringify({ host: `Node ${process.versions.node}`, rows }));
