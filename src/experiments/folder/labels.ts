// Labels that files have in place of classes counted from 0: texts, or numbers with gaps such as the codes of LAS.

import type { Field } from "./config.ts";
import { type Section, wrongValue } from "./section.ts";

/** A class as files name it. */
export type Label = string | number;

/**
 * Reads how many classes there are, or the list of their labels, and the labels that do not count.
 * @throws ConfigError
 */
export function readClasses(section: Section): Pick<Field, "classes" | "labels" | "ignore"> {
  const listed = section.get("classes");
  if (!Array.isArray(listed)) {
    const ignore =
      section.numbers("ignore", "the label that does not count, or a list of such", Number.isInteger) ?? [];
    return { classes: section.count("classes", 2), ignore };
  }
  const fits = (label: unknown) =>
    typeof listed[0] === "string" ? typeof label === "string" : Number.isInteger(label);
  if (listed.length < 2 || !listed.every(fits) || new Set(listed).size < listed.length) {
    const expected = "the number of classes, or two and more different labels: all texts, or all whole numbers";
    throw wrongValue(section.pathTo("classes"), expected, listed);
  }
  const given: unknown = section.get("ignore") ?? [];
  const ignored = Array.isArray(given) ? given : [given];
  if (!ignored.every(fits)) throw wrongValue(section.pathTo("ignore"), "labels like those of classes", given);
  const labels: Label[] = [...new Set([...listed, ...ignored])];
  const numbers = numbersOf({ classes: listed.length, labels });
  return { classes: listed.length, labels, ignore: ignored.map((label) => numbers.get(label) as number) };
}

type Labelled = Pick<Field, "classes" | "labels">;

/** Returns the number of each label: its place among the classes, from -1 downwards for those that only `ignore` names. */
export const numbersOf = ({ classes = 0, labels = [] }: Labelled): Map<Label, number> =>
  new Map(labels.map((label, k) => [label, k < classes ? k : classes - 1 - k]));

/** Returns the label of each number. */
export const labelsOf = (field: Labelled): Map<number, Label> =>
  new Map([...numbersOf(field)].map(([label, number]) => [number, label]));

/** Whether labels are texts, which the readers of tables replace by their numbers. */
export const areTexts = ({ labels }: Labelled): boolean => typeof labels?.[0] === "string";
