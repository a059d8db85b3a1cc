// Reads the file of a sweep: the runs of erwin train, as a grid or at random.

import { FormatError } from "../../errors.ts";
import { Random } from "../../random.ts";
import { isCount } from "../command.ts";
import { readConfigFile } from "../options/config-file.ts";

/** One run: its name, and the options in which it differs from the others. */
export interface PlannedRun {
  name: string;
  /** The values of options of erwin train, or of keys of its config file ("training.lr"), by name. */
  settings: Readonly<Record<string, string>>;
}

export interface SweepPlan {
  /** The experiment that `erwin train` trains; undefined if the options name a config file. */
  experiment: string | undefined;
  /** The options of all runs, by name. */
  options: Readonly<Record<string, string>>;
  /** The metric of the validations by which runs are compared. */
  metric: string;
  goal: "min" | "max";
  runs: PlannedRun[];
}

interface Range {
  from: number;
  to: number;
  scale: "linear" | "log";
}

/**
 * Reads a sweep's file (YAML or JSON): `train`, `options`, `metric`, `goal`, `search`, and, to run only a part of the grid,
 * `random` with `seed`.
 * @throws FormatError that names the line
 */
export async function readSweep(path: string): Promise<SweepPlan> {
  const { value, lineOf } = await readConfigFile(path);
  const wrong = (way: string, expected: string) => {
    const line = lineOf(way);
    const place = line === undefined ? path : `${path}:${line}`;
    return new FormatError(`${place}: ${way}: expected ${expected}.`, { file: path, field: way, expected });
  };
  const known = ["train", "options", "metric", "goal", "search", "random", "seed"];
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw wrong(unknown, `one of ${known.join(", ")}`);
  const { train, options = {}, metric = "loss", goal = "min", search, random, seed = 0 } = value;
  if (train !== undefined && typeof train !== "string") throw wrong("train", "an experiment's name");
  if (!isRecord(options)) throw wrong("options", "values by name");
  const notScalar = Object.keys(options).find((name) => !isScalar(options[name]));
  if (notScalar !== undefined) throw wrong(`options.${notScalar}`, 'one value; a list in quotes, as in "[128, 128]"');
  if (train === undefined && options.config === undefined) throw wrong("train", "an experiment, or options.config");
  if (typeof metric !== "string") throw wrong("metric", "the name of a validation's number");
  if (goal !== "min" && goal !== "max") throw wrong("goal", "min or max");
  if (!isRecord(search) || Object.keys(search).length === 0) throw wrong("search", "lists or ranges by option");
  const spaces = Object.entries(search).map(([name, space]) => {
    if (Array.isArray(space) && space.length > 0 && space.every(isScalar)) return [name, space.map(String)] as const;
    const range = toRange(space);
    if (!range) {
      const expected =
        'a list of values (lists in quotes: ["[64, 64]", "[128, 128]"]), or { from: 0.001, to: 0.1, scale: log }';
      throw wrong(`search.${name}`, expected);
    }
    if (random === undefined) throw wrong(`search.${name}`, "a list of values, since a grid has no ranges (random: N)");
    return [name, range] as const;
  });
  if (random !== undefined && !isCount(random)) throw wrong("random", "a number of runs");
  if (typeof seed !== "number") throw wrong("seed", "a number");
  const all = random === undefined ? grid(spaces as [string, string[]][]) : draw(spaces, random, seed);
  return {
    experiment: train,
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, String(option)])),
    metric,
    goal,
    runs: nameRuns(all),
  };
}

/** Returns all combinations; the last option changes fastest. */
function grid(spaces: readonly (readonly [string, readonly string[]])[]): Record<string, string>[] {
  return spaces.reduce<Record<string, string>[]>(
    (runs, [name, values]) => runs.flatMap((run) => values.map((value) => ({ ...run, [name]: value }))),
    [{}],
  );
}

function draw(
  spaces: readonly (readonly [string, readonly string[] | Range])[],
  count: number,
  seed: number,
): Record<string, string>[] {
  const random = new Random(seed);
  const choose = (space: readonly string[] | Range) => {
    const share = random.uniform();
    if (!("from" in space)) return space[Math.floor(share * space.length)];
    const { from, to, scale } = space;
    const value = scale === "log" ? from * (to / from) ** share : from + share * (to - from);
    return String(Number(value.toPrecision(3)));
  };
  return Array.from({ length: count }, () =>
    Object.fromEntries(spaces.map(([name, space]) => [name, choose(space) as string])),
  );
}

/**
 * Names each run after its settings; the same settings drawn twice are one run. Letters that no folder can have become "_", and a
 * run whose name another one has then gets a number.
 */
function nameRuns(all: readonly Readonly<Record<string, string>>[]): PlannedRun[] {
  const runs = new Map<string, PlannedRun>();
  const names = new Set<string>();
  for (const settings of all) {
    const key = JSON.stringify(settings);
    if (runs.has(key)) continue;
    let name = nameOf(settings);
    for (let number = 2; names.has(name); number++) name = `${nameOf(settings)}+${number}`;
    names.add(name);
    runs.set(key, { name, settings });
  }
  return [...runs.values()];
}

/** Returns a folder's name that contains the settings: "lr-0.001,batch-size-8". */
function nameOf(settings: Readonly<Record<string, string>>): string {
  const parts = Object.entries(settings).map(([name, value]) => `${name}-${value}`);
  return parts.join(",").replaceAll(/[^\w.,+-]/g, "_");
}

function toRange(space: unknown): Range | undefined {
  if (!isRecord(space)) return undefined;
  const { from, to, scale = "linear", ...rest } = space;
  if (typeof from !== "number" || typeof to !== "number" || Object.keys(rest).length > 0) return undefined;
  if (scale === "log" && from > 0 && to > 0) return { from, to, scale };
  return scale === "linear" ? { from, to, scale } : undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isScalar = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);
