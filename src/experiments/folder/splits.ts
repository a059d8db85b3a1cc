// Divides the samples of a folder into those for training, validation and test.

import { FormatError } from "../../errors.ts";
import { extensionOf } from "../../formats/extension.ts";
import { Random } from "../../random.ts";
import { allInOrder } from "../../serial.ts";
import { type DataSource, locate, readLines } from "../data-source.ts";
import { type SplitName, splitNames } from "../experiment.ts";
import { matchesPattern } from "./files.ts";
import { frameExtensions } from "./frames.ts";
import { Section } from "./section.ts";
import { type Fractions, type SplitRule, usual } from "./split-rule.ts";
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

/** A unit's split depends only on its own name and on the number of units, so that a few new files hardly move others. */
function divideByFractions(units: readonly Unit[], { fractions, seed }: Fractions): Record<SplitName, readonly Unit[]> {
  const order = units
    .map((unit) => ({ unit, place: new Random(seed, unit.name).uniform() }))
    .sort((a, b) => a.place - b.place || (a.unit.name < b.unit.name ? -1 : 1))
    .map(({ unit }) => unit);
  const held = (share: number) => (share > 0 && units.length > 2 ? Math.max(1, Math.round(share * units.length)) : 0);
  const [test, val] = [held(fractions.test), held(fractions.val)];
  const rest = units.length - test - val;
  // Rounded together, so that fractions of 1 together leave out no unit.
  const all = Math.round((fractions.train + fractions.val + fractions.test) * units.length);
  const train = Math.min(rest, Math.max(1, all - test - val));
  const inOrder = (chosen: readonly Unit[]) => [...chosen].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    test: inOrder(order.slice(0, test)),
    val: inOrder(order.slice(test, test + val)),
    train: inOrder(order.slice(test + val, test + val + train)),
  };
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
  const text = new TextDecoder().decode(await source.read(path));
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

/** Returns whether an entry names a unit: by its name without the extension, by its folder, by a frame, or by a pattern. */
function isNamed({ name, files }: Unit, wanted: string): boolean {
  if (name.startsWith(`${wanted}/`) || name.replace(/\.\w+$/, "") === wanted) return true;
  return matchesPattern(name, wanted) || (files.length > 1 && files.includes(wanted));
}
