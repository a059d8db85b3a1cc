// How a config says that the samples of a folder are divided into those for training, validation and test.

import { type SplitName, splitNames } from "../experiment.ts";
import { isMapping, Section, wrongValue } from "./section.ts";

/** What stays in one split: the frames of one file, or the samples in one folder, as those of one simulation should. */
export const groupings = ["file", "folder"] as const;
export type Grouping = (typeof groupings)[number];

/** How samples are divided. */
export type SplitRule =
  /** At random, by the seed and each sample's name, or that of its group; the fractions are then those of the groups. */
  | {
      readonly kind: "fractions";
      readonly fractions: Record<SplitName, number>;
      readonly seed: number;
      readonly groupBy?: Grouping | undefined;
    }
  /** By names or patterns; a single .txt stands for the lines of that file in the folder. */
  | { readonly kind: "lists"; readonly lists: Partial<Record<SplitName, readonly string[]>> }
  /** By the folders train, val and test. */
  | { readonly kind: "folders" }
  /** By a .json or .yaml file in the folder that contains lists. */
  | { readonly kind: "file"; readonly file: string };

export type Fractions = SplitRule & { readonly kind: "fractions" };

/** The rule where the config has none, and no folders do. */
export const usual: Fractions = { kind: "fractions", fractions: { train: 0.8, val: 0.1, test: 0.1 }, seed: 0 };

/** @returns undefined if the config does not set a rule */
export function readSplits(all: Section): SplitRule | undefined {
  const value = all.get("splits");
  if (value === undefined) return undefined;
  if (value === "folders") return { kind: "folders" };
  if (typeof value === "string" && /\.(json|ya?ml)$/i.test(value)) return { kind: "file", file: value };
  const expected = "fractions, lists of files, the name of a .json or .yaml file with lists, or folders";
  if (!isMapping(value)) throw wrongValue(all.pathTo("splits"), expected, value);
  const section = new Section(value, all.pathTo("splits"), [...splitNames, "seed", "groupBy"]);
  const seed = section.count("seed", Number.MIN_SAFE_INTEGER);
  const groupBy = section.choice("groupBy", groupings);
  const order = { seed: seed ?? usual.seed, groupBy };
  if (splitNames.some((split) => typeof section.get(split) === "number"))
    return { ...order, ...readFractions(section) };
  const lists = splitNames.map((split) => [split, section.texts(split)] as const);
  if (lists.every(([, list]) => list === undefined)) {
    return seed === undefined && groupBy === undefined ? undefined : { ...usual, ...order };
  }
  if (groupBy !== undefined)
    throw wrongValue(section.pathTo("groupBy"), "left out beside lists, which divide alone", groupBy);
  return { kind: "lists", lists: Object.fromEntries(lists.filter(([, list]) => list !== undefined)) };
}

function readFractions(section: Section): Pick<Fractions, "kind" | "fractions"> {
  const share = (split: SplitName) =>
    section.number(split, "a number from 0 to 1", (number) => number >= 0 && number <= 1) ?? 0;
  const fractions = { train: share("train"), val: share("val"), test: share("test") };
  const sum = fractions.train + fractions.val + fractions.test;
  if (fractions.train === 0) throw wrongValue(section.pathTo("train"), "a number greater than 0", 0);
  if (sum > 1 + 1e-9) throw wrongValue(section.path, "fractions of at most 1 together", sum);
  return { kind: "fractions", fractions };
}
