// What is known of a run besides its weights: how it was begun, and its numbers so far. Their files are those of `erwin train`.

import type { BackendName, LogEntry } from "erwin";
import type { Experiment } from "erwin/experiments";
import type { GeneratorOptions } from "../../experiments/generator.ts";
import { CONFIG_FILE, METRICS_FILE } from "./run-store.ts";

/** How a run was begun. */
export interface RunConfig {
  experiment: string;
  backend: BackendName;
  /** By the names that the experiment declares. */
  options: Readonly<Record<string, unknown>>;
  /** For an experiment on the user's own files: the roles of the arrays, and the model, as `erwin init` proposes them. */
  folder?: unknown;
  /** If the samples were generated on this page, the options with which they can be generated again. */
  generated?: GeneratorOptions;
}

/** Returns the experiment of a run. @throws ConfigError for an invalid config for the user's own files */
export async function experimentOf({ experiment, folder }: RunConfig): Promise<Experiment> {
  const { experiments, FOLDER, folderExperiment } = await import("erwin/experiments");
  return experiment === FOLDER ? (folderExperiment(folder) as unknown as Experiment) : experiments[experiment]!;
}

export interface SavedRun {
  config: RunConfig;
  entries: LogEntry[];
}

type Files = Readonly<Record<string, Uint8Array | undefined>>;

/** The run that files are of; undefined where they are none. */
export function readRun(files: Files): SavedRun | undefined {
  const config = files[CONFIG_FILE];
  if (!config) return undefined;
  const { experiment, backend, options, folder, generated } = JSON.parse(textOf(config)) as Partial<RunConfig>;
  if (!experiment || !backend || !options) return undefined;
  return { config: { experiment, backend, options, folder, generated }, entries: readEntries(files[METRICS_FILE]) };
}

export const readEntries = (file: Uint8Array | undefined): LogEntry[] =>
  textOf(file ?? new Uint8Array())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogEntry);

export const entriesFile = (entries: readonly LogEntry[]): Uint8Array<ArrayBuffer> =>
  bytesOf(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));

/** With the settings by which `erwin train` knows whether a run is the same. */
export function configFile(config: RunConfig): Uint8Array<ArrayBuffer> {
  const settings = Object.entries(config.options)
    .filter(([name]) => name !== "saveEvery" && name !== "logEvery")
    .map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), settingOf(value)]);
  const whole = { ...config, settings: { ...Object.fromEntries(settings), precision: "float32" } };
  return bytesOf(`${JSON.stringify(whole, null, 2)}\n`);
}

function settingOf(value: unknown): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return value === undefined ? "none" : String(value);
}

/** The numbers of the last step that is done. */
export const lastStep = (entries: readonly LogEntry[]): LogEntry | undefined =>
  entries.filter(({ kind }) => kind === "training").at(-1);

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);
