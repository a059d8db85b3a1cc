// Labels that files of named arrays hold as texts, where tables hold them in columns: they are replaced by their numbers.

import { FormatError } from "../../errors.ts";
import type { ArrayContents, SafeTensor } from "../../formats/bytes/elements.ts";
import type { TextArray } from "../../formats/bytes/text-arrays.ts";
import type { Label } from "./labels.ts";

/** The numbers of texts, by the names of the arrays that hold them. */
export type LabelNumbers = ReadonlyMap<string, ReadonlyMap<Label, number>>;

/** The texts of an array with one in each row. */
export interface TextColumn {
  readonly rows: number;
  /** Each once. */
  readonly texts: ReadonlySet<string>;
}

/**
 * Returns which arrays of texts are to be read: those of labels that are wanted.
 * @param wanted the names of all arrays to read; undefined if the file is looked at for what it has
 */
export const wantsTexts =
  (wanted: readonly string[] | undefined, labels: LabelNumbers | undefined) =>
  (name: string): boolean =>
    wanted === undefined || (wanted.includes(name) && labels?.has(name) === true);

/** Returns a file's arrays, with the numbers of labels in place of their texts. @throws FormatError for a text that is no label */
export function withLabels(
  { arrays, texts = new Map() }: ArrayContents,
  labels: LabelNumbers | undefined,
  file: string,
): Map<string, SafeTensor> {
  const all = new Map(arrays);
  for (const [name, array] of texts) {
    const numbers = labels?.get(name);
    if (numbers) all.set(name, numbered(array, numbers, name, file));
  }
  return all;
}

function numbered(
  { shape, texts }: TextArray,
  numbers: ReadonlyMap<Label, number>,
  name: string,
  file: string,
): SafeTensor {
  const data = new Int32Array(texts.length);
  for (const [row, text] of texts.entries()) {
    const number = numbers.get(text);
    if (number === undefined) {
      const known = [...numbers.keys()].map((label) => `"${label}"`).join(", ");
      const problem = `array "${name}", row ${row}: "${text}" is none of the labels ${known}`;
      throw new FormatError(`${file}: ${problem}: name it among classes or in ignore.`, {
        file,
        tensor: name,
        row,
        found: text,
      });
    }
    data[row] = number;
  }
  return { dtype: "I32", shape, data };
}

/** Returns the arrays with one text in each row. */
export const columnsOfTexts = (texts: ReadonlyMap<string, TextArray> = new Map()): Map<string, TextColumn> =>
  new Map(
    [...texts].flatMap(([name, { shape, texts }]) => {
      const [rows] = shape;
      return rows === texts.length ? [[name, { rows, texts: new Set(texts) }] as const] : [];
    }),
  );
