// Splits work on arrays that are larger than one binding of the device: each dispatch sees a window of whole rows.

import { OutOfMemoryError } from "../../errors.ts";
import type { Storage } from "../device.ts";
import type { BufferStorage } from "./memory.ts";
import type { Window } from "./recorder.ts";

/** Windows start at a multiple of this many rows, so that their byte offsets are multiples of 256 for every width. */
export const ROW_STEP = 64;

/** The rows [first, first + rows) of a matrix with `width` 4-byte elements in each row. */
export function rowWindow(storage: Storage, width: number, first: number, rows: number): Window {
  return { storage: storage as BufferStorage, offset: first * width * 4, bytes: rows * width * 4 };
}

/** Returns how many rows fit into one binding if the widest of the arrays has `width` elements in each row. */
export function rowsInBinding(limit: number, width: number): number {
  const rows = Math.floor(limit / (width * 4) / ROW_STEP) * ROW_STEP;
  if (rows === 0) {
    throw new OutOfMemoryError(
      `${ROW_STEP} rows of ${width} elements exceed the ${limit} bytes that one binding of this device holds`,
      { bytes: ROW_STEP * width * 4, limit },
    );
  }
  return rows;
}

/** Calls `run` for ranges of rows that each fit into one binding. */
export function overRows(
  rows: number,
  limit: number,
  width: number,
  run: (first: number, count: number) => void,
): void {
  const step = rowsInBinding(limit, width);
  for (let first = 0; first < rows; first += step) run(first, Math.min(step, rows - first));
}

/** A window of the elements [first, first + count) of an array, which begins where a binding may, and the first element's index in it. */
export function alignedWindow(storage: Storage, first: number, count: number): { window: Window; first: number } {
  const start = first - (first % ROW_STEP);
  const window = rowWindow(storage, 1, start, Math.max(first - start + count, 1));
  return { window, first: first - start };
}
