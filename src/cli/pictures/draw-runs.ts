// Draws the validation losses of several runs into one picture:
//
//     deno run -A src/cli/pictures/draw-runs.ts OUT.svg TITLE one=runs/one/metrics.jsonl another=runs/another/metrics.jsonl mean=1
//
// Each NAME=FILE is a run, each NAME=NUMBER a line at that loss.

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { type Curve, drawCurves } from "./curve.ts";

const [out, title, ...entries] = process.argv.slice(2);
const named = entries.map((entry) => {
  const at = entry.lastIndexOf("=");
  return { name: entry.slice(0, at), value: entry.slice(at + 1) };
});
const isLoss = ({ value }: { value: string }) => Number.isFinite(Number(value));
const curves = named.filter((entry) => !isLoss(entry)).map(({ name, value }) => validationCurve(name, value));
const lines = named.filter(isLoss).map(({ name, value }) => ({ name, loss: Number(value) }));
writeFileSync(out, drawCurves(title, curves, lines));

function validationCurve(name: string, file: string): Curve {
  const written = readFileSync(file, "utf8").trim().split("\n");
  const found = written.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "validation");
  return { name, points: found.map(({ step, loss }) => [step, loss] as const) };
}
