// What erwin train tells of a run: its samples, its progress, how it has ended.

import { join } from "node:path";
import type { BadSample, Baselines, Experiment, ExperimentOptions } from "../../experiments/experiment.ts";
import type { ExperimentRun } from "../../experiments/run.ts";
import type { FitProgress, FitResult } from "../../index.ts";
import { writeWhole } from "../files/files.ts";
import { CURVE_FILE, type RunFolder } from "../files/run-folder.ts";
import { drawCurves } from "../pictures/curve.ts";
import { formatTime } from "../text.ts";

export function describeSamples({ trainData, validationData, testData }: ExperimentRun): void {
  const count = (size: number | undefined, what: string) => (size === undefined ? [] : [`${size} ${what}`]);
  const counts = [
    ...count(trainData.size, "to train on"),
    ...count(validationData?.size, "to validate with"),
    ...count(testData?.size, "to test with"),
  ];
  console.log(`samples: ${counts.join(", ")}`);
  for (const note of new Set([trainData, validationData, testData].flatMap((split) => split?.note ?? []))) {
    console.log(note);
  }
}

export function describeProgress({ step, steps, loss, lr, stepsPerSecond, secondsLeft }: FitProgress): string {
  return `step ${step}/${steps}  loss ${loss.toPrecision(4)}  lr ${lr.toExponential(1)}  ${stepsPerSecond.toFixed(2)} steps/s  ${secondsLeft.toFixed(0)} s left`;
}

/** Prints how a run has ended, and draws its losses. */
export async function report(
  { name, experiment, options }: { name: string; experiment: Experiment; options: ExperimentOptions },
  folder: RunFolder,
  { trainData, validationData, testData }: ExperimentRun,
  result: FitResult,
): Promise<void> {
  const { step, finished, time, treeWait, validation, test } = result;
  const baselines = await experiment.baselines(testData ?? validationData ?? trainData, trainData);
  const waited = `the device waited ${formatTime(treeWait)} (${((100 * treeWait) / time).toFixed(1)} %) for data`;
  const early = step < options.steps ? ` after ${step} of ${options.steps} steps, as no validation was better` : "";
  console.log(
    finished
      ? `done${early} in ${formatTime(time)}; ${waited}`
      : `stopped after ${step} of ${options.steps} steps; the same command continues the run`,
  );
  if (validation) console.log(`validation ${JSON.stringify(validation)}`);
  if (test) console.log(`test ${JSON.stringify(test)}`);
  for (const [name, loss] of Object.entries(baselines)) console.log(`without learning: ${name} ${loss.toPrecision(4)}`);
  writeWhole(join(folder.folder, CURVE_FILE), curveOf(name, folder, baselines));
  console.log(`loss curve: ${join(folder.folder, CURVE_FILE)}`);
}

/** The max number of damaged samples that are printed one by one; the run's config lists all of them. */
const MAX_TOLD = 10;

export function describeLeftOut(leftOut: readonly BadSample[]): void {
  if (leftOut.length === 0) return;
  const samples = leftOut.length === 1 ? "one damaged sample" : `${leftOut.length} damaged samples`;
  console.log(`left out ${samples}:`);
  for (const { split, sample, problem } of leftOut.slice(0, MAX_TOLD)) console.log(`  ${split} ${sample}: ${problem}`);
  if (leftOut.length > MAX_TOLD) console.log(`  and ${leftOut.length - MAX_TOLD} more`);
}

function curveOf(name: string, folder: RunFolder, baselines: Baselines): string {
  const entries = folder.entries;
  const curves = (["training", "validation"] as const).map((kind) => ({
    name: kind,
    points: entries.filter((entry) => entry.kind === kind).map(({ step, loss }) => [step, Number(loss)] as const),
  }));
  const references = Object.entries(baselines).map(([baseline, loss]) => ({ name: baseline, loss }));
  return drawCurves(
    `${name}: loss`,
    curves.filter(({ points }) => points.length > 0),
    references,
  );
}
