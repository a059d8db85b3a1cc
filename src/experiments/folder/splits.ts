// Divides the samples of a folder into those for training, validation and test.

import { ConfigError, FormatError } from "../../errors.ts";
import { textOf } from "../../formats/bytes/utf16.ts";
import { extensionOf } from "../../formats/extension.ts";
import { Random } from "../../random.ts";
import { allInOrder } from "../../serial.ts";
import { type DataSource, locate, readLines, splitPath } from "../data-source.ts";
import { type SplitName, splitNames } from "../experiment.ts";
import { matchesPattern } from "./files.ts";
import { frameExtensions } from "./frames.ts";
import { Section } from "./section.ts";
import { type Fractions, type Grouping, type SplitRule, usual } from "./split-rule.ts";
import { yamlProblem } from "./yaml.ts";

/** The names that a split's folder may have. */
const folderNames: Record<SplitName, readonly string[]> = {
  train: ["train", "training"],
  val: ["val", "valid", "validation"],
  test: ["test", "testing"],
};

/** A sample or a sequence of samples before it is read; splits consist of units. */
export interface Unit {
  /** The name of its file, or the common part of its frames' names. */
  readonly name: string;
  /** Its frames in order; a single file if it is not a sequence. */
  readonly files: readonly string[];
  /** The times of its frames, if they are known. */
  readonly times?: readonly number[];
}

/**
 * Divides units by a rule; without a rule by folders called train, val and test if they exist, else at random, 8 to 1 to 1.
 * @throws FormatError for a list that names a sample that does not exist
 */
export async function divide(
  units: readonly Unit[],
  rule: SplitRule | undefined,
  source: DataSource,
): Promise<Record<SplitName, readonly Unit[]>> {
  if (rule === undefined) {
    const byFolder = divideByFolders(units);
    return byFolder.train.length > 0 ? byFolder : divideByFractions(units, usual);
  }
  if (rule.kind === "fractions") return divideByFractions(units, rule);
  if (rule.kind === "folders") return divideByFolders(units);
  const lists = await namingField(() =>
    rule.kind === "lists" ? readLists(rule.lists, source) : readSplitFile(rule.file, source),
  );
  const chosen = (split: SplitName) => select(units, lists[split], source);
  return { train: chosen("train"), val: chosen("val"), test: chosen("test") };
}

/** A group's split depends only on its own name and on the number of groups, so that a few new files hardly move others. */
function divideByFractions(
  units: readonly Unit[],
  { fractions, seed, groupBy }: Fractions,
): Record<SplitName, readonly Unit[]> {
  const order = groupsOf(units, groupBy)
    .map((group) => ({ ...group, place: new Random(seed, group.name).uniform() }))
    .sort((a, b) => a.place - b.place || (a.name < b.name ? -1 : 1));
  const count = order.length;
  const held = (share: number) => (share > 0 && count > 2 ? Math.max(1, Math.round(share * count)) : 0);
  const [test, val] = [held(fractions.test), held(fractions.val)];
  if (groupBy && test + val === 0 && fractions.test + fractions.val > 0 && units.length > 2)
    throw tooFew(groupBy, count);
  const rest = count - test - val;
  // Rounded together, so that fractions of 1 together leave out no group.
  const all = Math.round((fractions.train + fractions.val + fractions.test) * count);
  const train = Math.min(rest, Math.max(1, all - test - val));
  const inOrder = (chosen: readonly Group[]) =>
    chosen.flatMap((group) => group.units).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    test: inOrder(order.slice(0, test)),
    val: inOrder(order.slice(test, test + val)),
    train: inOrder(order.slice(test + val, test + val + train)),
  };
}

/** Units that are in the same split, and their common part of the names. */
interface Group {
  readonly name: string;
  readonly units: readonly Unit[];
}

function groupsOf(units: readonly Unit[], groupBy: Grouping | undefined): Group[] {
  if (!groupBy) return units.map((unit) => ({ name: unit.name, units: [unit] }));
  const groups = new Map<string, Unit[]>();
  for (const unit of units) {
    const file = fileOf(unit.name);
    // What is in no folder stands for itself.
    const name = groupBy === "file" ? file : splitPath(file).folder || file;
    const group = groups.get(name);
    if (group) group.push(unit);
    else groups.set(name, [unit]);
  }
  return [...groups].map(([name, members]) => ({ name, units: members }));
}

function tooFew(groupBy: Grouping, count: number): ConfigError {
  const field = `${FIELD}.group_by`;
  const found = count === 1 ? `one ${groupBy}` : `${count} ${groupBy}s`;
  const problem = `${field}: ${groupBy} cannot divide the samples of ${found}`;
  return new ConfigError(`${problem}: leave it out, or give lists`, { field, expected: "three groups", found: count });
}

/** Returns whether a path is in the folder of a split, or one of the frames of a file with its name. */
export function isInFolder(path: string, split: SplitName): boolean {
  const [folder, ...within] = path.split("/");
  const isOfFrames = within.length > 0 && frameExtensions.includes(extensionOf(folder));
  const name = isOfFrames ? folder.replace(/\.\w+$/, "") : folder;
  return folderNames[split].includes(name.toLowerCase());
}

function divideByFolders(units: readonly Unit[]): Record<SplitName, readonly Unit[]> {
  const inFolder = (split: SplitName) => units.filter(({ name }) => isInFolder(name, split));
  return { train: inFolder("train"), val: inFolder("val"), test: inFolder("test") };
}

/** The config's field that chooses the rule. */
const FIELD = "splits";

/** Reads lists: what is wrong with their files is so with the config's field that names them, and with no sample. */
async function namingField(read: () => Promise<Lists>): Promise<Lists> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(error.message, { ...error.details, field: FIELD }, { cause: error });
  }
}

type Lists = Partial<Record<SplitName, readonly string[]>>;

/** Returns lists of names; a list with a single .txt file is replaced by the lines of that file. */
async function readLists(lists: Lists, source: DataSource): Promise<Lists> {
  const read = Object.entries(lists).map(async ([split, list]) => {
    const isFile = list.length === 1 && /\.txt$/i.test(list[0]);
    return [split, isFile ? await readLines(source, list[0]) : list] as const;
  });
  return Object.fromEntries(await allInOrder(read));
}

/** @throws FormatError for a file without lists of samples */
async function readSplitFile(path: string, source: DataSource): Promise<Lists> {
  const file = locate(source, path);
  const text = textOf(await source.read(path));
  const { parse } = await import("yaml");
  try {
    const section = new Section(parse(text), "", [...splitNames, "valid", "validation"]);
    const val = section.texts("val") ?? section.texts("valid") ?? section.texts("validation");
    return { train: section.texts("train"), val, test: section.texts("test") };
  } catch (cause) {
    throw new FormatError(
      `${file}: expected lists under train, val and test: ${yamlProblem(cause)}`,
      { file },
      { cause },
    );
  }
}

function select(units: readonly Unit[], list: readonly string[] | undefined, source: DataSource): Unit[] {
  const chosen = new Set<Unit>();
  for (const entry of list ?? []) {
    const wanted = entry.replace(/^\.\//, "").replace(/\/$/, "");
    // A file in the outermost folder is not meant together with those of the same name in others.
    const exact = units.filter(({ name }) => name === wanted);
    const found = exact.length > 0 ? exact : units.filter((unit) => isNamed(unit, wanted));
    if (found.length === 0) {
      const file = locate(source, wanted);
      throw new FormatError(`${file}: a split lists it, but there is no such sample.`, { file, field: FIELD });
    }
    for (const unit of found) chosen.add(unit);
  }
  return [...chosen];
}

/**
 * Returns whether an entry names a unit: by its name without the extension, by its folder, by a frame, or by a pattern; frames also as
 * their file is named.
 */
function isNamed({ name, files }: Unit, wanted: string): boolean {
  const names = [name, fileOf(name)];
  if (name.startsWith(`${wanted}/`) || names.some((own) => own.replace(/\.\w+$/, "") === wanted)) return true;
  return names.some((own) => matchesPattern(own, wanted)) || (files.length > 1 && files.includes(wanted));
}

/** Returns the path of the file that a sample is a frame of, or its own. */
function fileOf(name: string): string {
  const { folder } = splitPath(name);
  return frameExtensions.includes(extensionOf(folder)) ? folder : name;
}
