// One run of a sweep: erwin train in a separate process, so that it does not delay the renewal of the sweep's leases.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { METRICS_FILE } from "../../experiments/run-files.ts";
import { PendingCalls } from "../../host/pending-calls.ts";
import { silenceError } from "../../host/silence.ts";
import { ErwinError, type LogEntry } from "../../index.ts";
import { readEntries, readRunConfig } from "../files/run-folder.ts";
import { erwinProgram } from "../process/program.ts";
import type { PlannedRun, SweepPlan } from "./plan.ts";

/** The result of a run. */
export interface RunResult {
  name: string;
  settings: Readonly<Record<string, string>>;
  /** The best value of the metric in the run's validations, and its step. */
  best: number;
  step: number;
}

/**
 * Trains, or continues where the run was stopped.
 * @param more options of erwin train that are none of the run's: the device, limits
 * @throws ErwinError with the error that a failed run has printed; WorkerError for a run that hangs, which is ended
 */
export async function trainRun(
  plan: SweepPlan,
  run: PlannedRun,
  out: string,
  more: readonly string[],
  signal: AbortSignal,
): Promise<RunResult> {
  const folder = join(out, run.name);
  const words = [...trainWords(plan, run), "--out", folder, "--signs-of-life", ...more];
  const { code, stderr } = await runErwin(run.name, words, signal);
  if (code !== 0) throw new ErwinError(reasonIn(stderr) || `erwin train ended with code ${code}`, { run: run.name });
  const entries = readEntries(join(folder, METRICS_FILE));
  // A run that was told to stop ends in order, wherever it is.
  signal.throwIfAborted();
  if (!isWhole(entries, folder)) throw new ErwinError("was stopped: the same command continues it", { run: run.name });
  return { ...run, ...bestOf(entries, plan, run.name) };
}

/** The keys of a config file contain dots, and are not options. */
function trainWords({ experiment, options }: SweepPlan, { settings }: PlannedRun): string[] {
  const all = Object.entries({ ...options, ...settings });
  const isOption = ([name]: [string, string]) => options.config === undefined || !name.includes(".");
  const flags = all.filter(isOption).flatMap(([name, value]) => [`--${name}`, value]);
  const keys = all.filter((entry) => !isOption(entry)).map(([name, value]) => `${name}=${value}`);
  return ["train", ...(experiment === undefined ? [] : [experiment]), ...flags, ...keys];
}

/**
 * Starts this command line in another process; when the signal is aborted, the process receives SIGTERM.
 * @param name the run's name in messages
 */
async function runErwin(
  name: string,
  words: readonly string[],
  signal: AbortSignal,
): Promise<{ code: number | null; stderr: string }> {
  const [program, ...first] = erwinProgram();
  // In a process group of its own, so that Ctrl-C does not reach it as well: to a run, a second signal says to end at once.
  const child = spawn(program, [...first, ...words], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const calls = new PendingCalls({
    // It gives signs without being asked.
    ask() {},
    onSilence(seconds) {
      child.kill("SIGKILL");
      calls.fail(silenceError(`the process of the run ${name}`, seconds, { run: name }));
    },
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  // An abort that is past sends no event.
  if (signal.aborted) stop();
  let stderr = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", () => calls.heard());
  // A letter's bytes may arrive in two pieces.
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text) => (stderr = `${stderr}${text}`.slice(-4000)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  try {
    return { code: await calls.wait(ended), stderr };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function isWhole(entries: readonly LogEntry[], folder: string): boolean {
  const steps = Number(readRunConfig(folder)?.settings.steps);
  return entries.some(({ step }) => !(step < steps));
}

/** Returns the entries to compare: validations, or those of training for an experiment without validations. */
export function measurements(entries: readonly LogEntry[]): LogEntry[] {
  const validations = entries.filter(({ kind }) => kind === "validation");
  return validations.length > 0 ? validations : entries.filter(({ kind }) => kind === "training");
}

function bestOf(entries: readonly LogEntry[], { metric, goal }: SweepPlan, name: string) {
  const measured = measurements(entries);
  const values = measured
    .map((entry) => ({ best: entry[metric], step: entry.step }))
    .filter((value): value is { best: number; step: number } => typeof value.best === "number");
  const sign = goal === "min" ? 1 : -1;
  const [first] = values.sort((a, b) => sign * (a.best - b.best));
  if (first) return first;
  const known = new Set(measured.flatMap(Object.keys));
  const found = [...known].filter((key) => key !== "kind" && key !== "step").join(", ") || "nothing";
  throw new ErwinError(`"${metric}" was not measured, but ${found}`, { run: name, metric });
}

/** Returns why a run failed by what it has printed: its error, which the usage or a stack may follow; else its last line. */
export function reasonIn(printed: string): string {
  const lines = printed.trimEnd().split("\n");
  const error = lines.filter((line) => line.startsWith("error: ")).at(-1);
  return error?.slice("error: ".length) ?? lines.at(-1) ?? "";
}
