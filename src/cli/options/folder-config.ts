// The config of an experiment on a folder: a file, and overrides from the command line.

import { ConfigError, type ErwinError } from "../../errors.ts";
import {
  type FolderExperiment,
  type FolderExperimentOptions,
  folderExperiment,
} from "../../experiments/folder/experiment.ts";
import { isMapping, plainKey } from "../../experiments/folder/section.ts";
import { yamlProblem } from "../../experiments/folder/yaml.ts";
import { UsageError } from "../command.ts";
import type { Settings } from "../files/run-folder.ts";
import { readConfigFile } from "./config-file.ts";

/**
 * Reads a config and makes its experiment.
 * @param words overrides such as "training.lr=1e-3": the path of a key, and its value in YAML
 * @throws ConfigError for an invalid value, with the file and the line or with the override; FormatError for an unreadable file
 */
export async function readFolderExperiment(
  path: string,
  words: readonly string[],
  options: FolderExperimentOptions,
): Promise<FolderExperiment> {
  const { value, lineOf } = await readConfigFile(path);
  const { parse } = await import("yaml");
  const ways: { way: string; word: string }[] = [];
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals < 1) throw new UsageError(`Unexpected argument "${word}", expected KEY=VALUE, such as training.lr=1e-3`);
    const way = word.slice(0, equals);
    put(value, way, readValue(parse, word.slice(equals + 1), word), word);
    ways.push({ way, word });
  }
  try {
    return folderExperiment(value, options);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw located(cause, path, { lineOf, ways });
  }
}

function readValue(parse: (text: string) => unknown, text: string, word: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new UsageError(`The value of "${word}" is no YAML: ${yamlProblem(cause)}`);
  }
}

interface Places {
  lineOf(way: string): number | undefined;
  ways: readonly { way: string; word: string }[];
}

function located(cause: ErwinError, path: string, { lineOf, ways }: Places): ConfigError {
  const field = String(cause.details.field ?? "");
  const given = [...ways].reverse().find(({ way }) => field === way || field.startsWith(`${way}.`));
  const line = lineOf(field);
  const place = given ? `argument "${given.word}"` : line === undefined ? path : `${path}, line ${line}`;
  const details = { ...cause.details, file: path, ...(line !== undefined && { line }) };
  return new ConfigError(`${place}: ${cause.message}.`, details, { cause });
}

/** Sets a value by its path. Keys may be spelled in several ways, and contain dots. */
function put(into: Record<string, unknown>, way: string, value: unknown, word: string): void {
  const known = Object.keys(into).find(
    (key) => sameKey(way, key) || (sameKey(way.slice(0, key.length), key) && way[key.length] === "."),
  );
  const key = known ?? way.split(".")[0];
  const rest = way.slice(key.length + 1);
  if (rest === "") {
    into[key] = value;
    return;
  }
  into[key] ??= {};
  const next = into[key];
  if (isMapping(next)) put(next, rest, value, word);
  else throw new UsageError(`"${word}" sets a key of ${key}, which has no keys: set ${key} as a whole`);
}

const sameKey = (a: string, b: string) => plainKey(a) === plainKey(b);

/** Returns a config as settings by name, without the options of training: a resumed run must have the same settings. */
export function settingsOf({ described }: FolderExperiment): Settings {
  const { training, ...fields } = described;
  const settings: Settings = {};
  const add = (name: string, value: unknown) => {
    if (Array.isArray(value) && value.every(isMapping)) {
      for (const [i, entry] of value.entries()) add(`${name}.${entry.name ?? i}`, entry);
    } else if (isMapping(value)) for (const [key, entry] of Object.entries(value)) add(`${name}.${key}`, entry);
    else if (value !== undefined) settings[name] = Array.isArray(value) ? value.join(",") : String(value);
  };
  for (const [key, value] of Object.entries(fields)) add(key, value);
  return settings;
}
