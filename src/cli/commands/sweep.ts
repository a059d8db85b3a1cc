// erwin sweep: many runs of erwin train that differ in some options, shared by any number of calls.

import { join } from "node:path";
import { FormatError } from "../../errors.ts";
import { METRICS_FILE } from "../../experiments/run-files.ts";
import { ErwinError, type LogEntry } from "../../index.ts";
import { sha256 } from "../../jobs/job.ts";
import { Leases } from "../../jobs/leases.ts";
import { type Claim, type Counts, SharedWork } from "../../jobs/shared-work.ts";
import type { Arguments, Command } from "../command.ts";
import { readBytes, writeWhole } from "../files/files.ts";
import { FolderStore } from "../files/folder-store.ts";
import { readEntries } from "../files/run-folder.ts";
import { LEASE_SECONDS, readTrainingDevice, trainingDeviceOptions } from "../options/shared.ts";
import { drawCurves } from "../pictures/curve.ts";
import { describeFailure } from "../process/failure.ts";
import { interrupted, untilInterrupted } from "../process/interruption.ts";
import { passedOn } from "../process/program.ts";
import { printError } from "../process/progress.ts";
import { readSweep, type SweepPlan } from "../sweep/plan.ts";
import { measurements, type RunResult, trainRun } from "../sweep/run.ts";
import { formatPlural, formatTable } from "../text.ts";

const TABLE_FILE = "sweep.csv";
const PICTURE_FILE = "sweep.svg";
/** The number of runs in the picture, the best ones: there are no colours for more. */
const MAX_CURVES = 6;

export const sweep: Command = {
  summary: "many trainings that differ in some options, and which is the best",
  usage: "--config FILE --out FOLDER [--backend auto|webgpu|cpu] [--precision P] [--threads N]",
  options: {
    config: { value: "FILE", description: "what to train and what to search (YAML or JSON), as below" },
    out: { value: "FOLDER", description: "for a folder of each run, NAME.json with its result, and the summary" },
    ...trainingDeviceOptions,
  },
  notes: [
    "train: farthest                      # as in erwin train NAME; or options with config: and data-path: of your own files",
    "options: { steps: 500 }              # of all runs: options of erwin train",
    "metric: loss                         # of the validations; goal: min (default) or max",
    "search:                              # all combinations of these",
    "  lr: [0.001, 0.003]                 # options of erwin train, or keys of the config file (training.lr)",
    "  batch-size: [4, 8]",
    "random: 20                           # that many drawn at random (seed: 0) instead; then also ranges:",
    "#  lr: { from: 0.0001, to: 0.01, scale: log }",
    "",
    "Any number of calls with the same --out share the runs, and the same call continues after an interruption. At the end, a table",
    `(${TABLE_FILE}) and a picture of the best runs' validations (${PICTURE_FILE}) are written.`,
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const path = args.required("config");
  const out = args.required("out");
  readTrainingDevice(args);
  const more = passedOn(args, Object.keys(trainingDeviceOptions));
  const plan = await readSweep(path);
  const { runs } = plan;
  const store = new FolderStore(out);
  const { predicted, skipped, failed } = await trainRuns(plan, store, more);
  const results = readResults(store, plan);
  if (results.length > 0) summarise(results, plan, out);
  const left = runs.length - predicted - skipped - failed;
  if (left > 0) throw interrupted(left, "run");
  if (failed > 0) {
    throw new ErwinError(`${failed} of ${formatPlural(runs.length, "run")} failed.`, { failed });
  }
}

/**
 * Trains the runs that are left, until they are done or the user interrupts.
 * @param more words for each training's command line
 */
async function trainRuns(plan: SweepPlan, store: FolderStore, more: readonly string[]): Promise<Counts> {
  const { experiment, options, metric, goal, runs } = plan;
  const settingsOf = new Map(runs.map(({ name, settings }) => [name, settings]));
  const config = options.config === undefined ? undefined : await sha256(readBytes(options.config));
  console.log(`${formatPlural(runs.length, "run")} of ${experiment ?? options.config}`);
  const leases = new Leases(store, { owner: crypto.randomUUID(), seconds: LEASE_SECONDS });
  return untilInterrupted("stopping this run, with a checkpoint from which to continue", async (signal) => {
    const work = new SharedWork({
      jobs: runs.map(({ name }) => ({ input: name, output: `${name}.json` })),
      inputs: { read: async (name) => new TextEncoder().encode(JSON.stringify(settingsOf.get(name))) },
      outputs: store,
      recipe: { model: config ?? "", options: { experiment, ...options, metric, goal } },
      leases,
      signal,
      onFailure: ({ input }, error) => printError(describeFailure(input, error)),
    });
    /** @returns whether to go on */
    const train = async (claim: Claim) => {
      const name = claim.job.input;
      try {
        const result = await trainRun(plan, { name, settings: settingsOf.get(name)! }, store.name, more, signal);
        await claim.finish(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
        console.log(`${name}: ${metric} ${result.best} at step ${result.step}`);
      } catch (error) {
        if (signal.aborted) return false;
        await claim.fail(error);
      }
      return true;
    };
    try {
      for await (const claims of work.passes()) {
        for await (const claim of claims) if (!(await train(claim))) break;
      }
    } finally {
      await leases.stop();
    }
    return work.counts;
  });
}

/** Returns the existing results, the best first. */
function readResults(store: FolderStore, { runs, goal }: SweepPlan): RunResult[] {
  const sign = goal === "min" ? 1 : -1;
  return runs
    .flatMap(({ name }) => {
      const bytes = store.load(`${name}.json`);
      return bytes ? [parseResult(bytes, join(store.name, `${name}.json`))] : [];
    })
    .sort((a, b) => sign * (a.best - b.best));
}

function parseResult(bytes: Uint8Array, file: string): RunResult {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as RunResult;
  } catch (cause) {
    throw new FormatError(
      `${file}: is not JSON; delete it, and the run's result is written again.`,
      { file },
      { cause },
    );
  }
}

function summarise(results: readonly RunResult[], { metric, runs }: SweepPlan, out: string): void {
  const names = Object.keys(runs[0].settings);
  const head = [...names, metric, "step"];
  const rows = results.map(({ settings, best, step }) => [
    ...names.map((name) => settings[name]),
    String(best),
    String(step),
  ]);
  writeWhole(join(out, TABLE_FILE), [head, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join(""));
  const curves = results.slice(0, MAX_CURVES).map(({ name }) => ({
    name,
    points: measurements(readEntries(join(out, name, METRICS_FILE))).map(
      (entry: LogEntry) => [entry.step, Number(entry[metric])] as const,
    ),
  }));
  writeWhole(join(out, PICTURE_FILE), drawCurves(`${metric} of the best runs`, curves));
  console.log(formatTable([head, ...rows]));
  console.log(`best: ${join(out, results[0].name)}, ${metric} ${results[0].best}`);
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
