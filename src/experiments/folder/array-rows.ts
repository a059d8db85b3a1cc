// Rows of an array, of numbers or of texts.

import type { SafeTensor } from "../../formats/bytes/elements.ts";
import type { TextArray } from "../../formats/bytes/text-arrays.ts";

/** Returns what an array has at an index of its first axis. */
export function rowOf<Of extends SafeTensor | TextArray>(array: Of, row: number): Of {
  return { ...rowsBetween(array, row, row + 1), shape: array.shape.slice(1) };
}

/** Returns the rows from `begin` up to, but without, `end`. */
export function rowsBetween<Of extends SafeTensor | TextArray>(array: Of, begin: number, end: number): Of {
  const [rows, ...shape] = array.shape;
  const values = "texts" in array ? array.texts : array.data;
  const size = values.length / rows;
  const part = values.slice(begin * size, end * size);
  return { ...array, shape: [end - begin, ...shape], ...("texts" in array ? { texts: part } : { data: part }) };
}
