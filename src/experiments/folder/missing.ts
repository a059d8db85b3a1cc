// Values of numeric targets that nobody has measured: what files have in their place, which `missing` names, becomes NaN.

import { ConfigError } from "../../errors.ts";
import { type Section, wrongValue } from "./section.ts";

/** How a config calls the number that stands for no number. */
const NOT_A_NUMBER = "nan";

/**
 * Reads what stands for missing values; undefined if none are expected.
 * @throws ConfigError
 */
export function readMissing(section: Section): readonly number[] | undefined {
  const given = section.get("missing");
  if (given === undefined) return undefined;
  const path = section.pathTo("missing");
  if (section.get("classes") !== undefined) {
    throw new ConfigError(`${path} is of numbers: of classes, ignore names the labels that do not count`, {
      field: path,
    });
  }
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const numbers = list.map((entry) =>
    typeof entry === "string" && entry.toLowerCase() === NOT_A_NUMBER ? Number.NaN : entry,
  );
  const isNumber = (entry: unknown) => Number.isFinite(entry) || Number.isNaN(entry);
  if (numbers.length > 0 && numbers.every(isNumber)) return numbers as number[];
  const expected = `${NOT_A_NUMBER}, a number that stands for a missing value, such as -9999, or a list of such`;
  throw wrongValue(path, expected, given);
}

/** Replaces YAML's .nan in a config, which JSON cannot hold: a replacer of `JSON.stringify`. */
export const withoutNaN = (_: string, value: unknown): unknown => (Number.isNaN(value) ? NOT_A_NUMBER : value);

/** Names what stands for missing values. */
export const namesOf = (missing: readonly number[]): string =>
  missing.map((value) => (Number.isNaN(value) ? NOT_A_NUMBER : String(value))).join(" or ");

/** Formats a part of all as a percentage. */
export const shareOf = (part: number): string => `${Number((100 * part).toPrecision(3))} %`;

/** Returns values with NaN in place of those that stand for missing ones, which a file may hold in float32. */
export function withGaps<Numbers extends Float32Array | Float64Array>(
  data: Numbers,
  missing: readonly number[],
): Numbers {
  const gaps = new Set([...missing, ...missing.map(Math.fround)]);
  return data.map((value) => (gaps.has(value) ? Number.NaN : value)) as Numbers;
}

/** Whether two values are the same, or both are missing. */
export const areSame = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** Returns the places of the values that are not missing; undefined if none is. */
export function placesOfKnown(values: ArrayLike<number>): Int32Array | undefined {
  let missing = 0;
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) missing++;
  if (missing === 0) return undefined;
  const known = new Int32Array(values.length - missing);
  let at = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i])) known[at++] = i;
  return known;
}
