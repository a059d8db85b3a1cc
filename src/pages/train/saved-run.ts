// What is known of a run besides its weights: how it was begun, and its numbers so far. Their files are those of `erwin train`.

import type { BackendName, LogEntry } from "erwin";
import type { Experiment } from "erwin/experiments";
import { ConfigError, FormatError } from "../../errors.ts";
import type { GeneratorOptions } from "../../experiments/generator.ts";
import { CONFIG_FILE, entryLines, isLogEntry, METRICS_FILE } from "../../experiments/run-files.ts";
import { settingsOf } from "../../experiments/settings.ts";

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

/** Returns the experiment of a run. @throws ConfigError for an unknown one, or an invalid config for the user's own files */
export async function experimentOf({ experiment, folder }: RunConfig): Promise<Experiment> {
  const { experiments, experimentNames, FOLDER, folderExperiment } = await import("erwin/experiments");
  if (experiment === FOLDER) return folderExperiment(folder);
  if (Object.hasOwn(experiments, experiment)) return experiments[experiment]!;
  throw new ConfigError(`there is no experiment ${experiment}, expected ${experimentNames.join(", ")}`);
}

/**
 * Checks that this page can continue a run.
 * @throws ConfigError for an experiment or an option that is unknown, or a value that the option does not accept
 */
export async function checkConfig(config: RunConfig): Promise<void> {
  const { resolveOptions } = await import("erwin/experiments");
  resolveOptions((await experimentOf(config)).options, config.options);
}

export interface SavedRun {
  config: RunConfig;
  entries: LogEntry[];
}

type Files = Readonly<Record<string, Uint8Array | undefined>>;

/** The run that files are of; undefined where they are none. @throws FormatError for files that are damaged */
export function readRun(files: Files): SavedRun | undefined {
  const config = files[CONFIG_FILE];
  if (!config) return undefined;
  const read = parse(textOf(config), CONFIG_FILE, CONFIG_FILE) as Partial<RunConfig> | null;
  const { experiment, backend, options, folder, generated } = read ?? {};
  const isRun = typeof experiment === "string" && (backend === "cpu" || backend === "webgpu");
  if (!isRun || typeof options !== "object" || options === null) return undefined;
  return { config: { experiment, backend, options, folder, generated }, entries: readEntries(files[METRICS_FILE]) };
}

/** @throws FormatError for a line that is no entry */
export const readEntries = (file: Uint8Array | undefined): LogEntry[] =>
  textOf(file ?? new Uint8Array())
    .split("\n")
    .flatMap((line, i) => (line === "" ? [] : [readEntry(line, `${METRICS_FILE}, line ${i + 1}`)]));

function readEntry(line: string, place: string): LogEntry {
  const entry = parse(line, place, METRICS_FILE);
  if (isLogEntry(entry)) return entry;
  throw new FormatError(`${place}: expected an entry with its kind and its step`, { file: METRICS_FILE });
}

function parse(text: string, place: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${place} is no JSON: ${(error as Error).message}`, { file });
  }
}

export const entriesFile = (entries: readonly LogEntry[]): Uint8Array<ArrayBuffer> => bytesOf(entryLines(entries));

/** With the settings by which `erwin train` knows whether a run is the same. */
export function configFile(config: RunConfig): Uint8Array<ArrayBuffer> {
  const whole = { ...config, settings: { ...settingsOf(config.options), precision: "float32" } };
  return bytesOf(`${JSON.stringify(whole, null, 2)}\n`);
}

/** Whether a kept run is the one with these entries, or a checkpoint of it: the times of another run differ. */
export const isCheckpointOf = (kept: SavedRun, entries: readonly LogEntry[]): boolean =>
  JSON.stringify(kept.entries) === JSON.stringify(entries.slice(0, kept.entries.length));

/** The numbers of the last step that is done. */
export const lastStep = (entries: readonly LogEntry[]): LogEntry | undefined =>
  entries.filter(({ kind }) => kind === "training").at(-1);

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);
