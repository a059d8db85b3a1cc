// What the operators on WebGPU share: how they run kernels, on which memory, and within which limits.

import type { DeviceInfo, Storage } from "../device.ts";
import type { DeferredSums } from "./deferred-sums.ts";
import type { DerivedArrays } from "./derived.ts";
import type { Constants } from "./kernels.ts";
import type { BufferPool } from "./memory.ts";
import type { Bound } from "./recorder.ts";
import { overRows, rowsInBinding, rowWindow } from "./windows.ts";

/** The threads and rows that the kernels are written for. */
export const THREADS = 64;
export const ROWS_OF_EIGHT_LANES = 8;
export const MOMENT_ROWS = 256;
export const COLUMNS_ACROSS = 8;

/** Runs a kernel of gpu/ with its constants, its arrays and its parameters, in this number of workgroups. */
export type Run = (
  name: string,
  constants: Constants,
  bound: Record<string, Bound>,
  parameters: Record<string, number>,
  groups: number,
) => void;

export interface Context {
  /** `sums.run`, which comes after the sums that wait where it has to. */
  readonly run: Run;
  readonly pool: BufferPool;
  readonly derived: DerivedArrays;
  readonly sums: DeferredSums;
  readonly info: DeviceInfo;
}

export const flag = (value: unknown) => (value ? 1 : 0);

/** How a kernel sees rows of `width` elements: as vec4s where it can (gpu/stored.wgsl). */
export function itemsOf(width: number): { vec4: 0 | 1; items: number } {
  return width % 4 === 0 ? { vec4: 1, items: width / 4 } : { vec4: 0, items: width };
}

/** A matrix of which a dispatch sees only the rows that it works on, and its width. */
export type Split = readonly [matrix: Storage, width: number];
/** The arrays of a kernel; those that are not split are bound as a whole. */
export type Arrays = Record<string, Storage | Split>;
const isSplit = (array: Storage | Split): array is Split => Array.isArray(array);

/** Binds arrays for a dispatch on the rows [first, first + count). */
export function boundRows(arrays: Arrays, first: number, count: number): Record<string, Bound> {
  const bound: Record<string, Bound> = {};
  for (const name in arrays) {
    const array = arrays[name];
    bound[name] = isSplit(array) ? rowWindow(array[0], array[1], first, count) : array;
  }
  return bound;
}

/** Returns the largest width of the split arrays. */
export const widestOf = (arrays: Arrays): number =>
  Math.max(...Object.values(arrays).map((array) => (isSplit(array) ? array[1] : 1)));

/** Calls `work` for ranges of rows, each as long as one binding of every split array allows. */
export function overArrays(
  { info }: Context,
  rows: number,
  arrays: Arrays,
  work: (first: number, count: number) => void,
): void {
  overRows(rows, info.maxBindingBytes, widestOf(arrays), work);
}

/** Runs a kernel on all rows of its arrays, in as many dispatches as these need. */
export function runRows(
  context: Context,
  name: string,
  constants: Constants,
  rows: number,
  arrays: Arrays,
  work: (first: number, count: number) => { parameters: Record<string, number>; groups: number },
): void {
  overArrays(context, rows, arrays, (first, count) => {
    const { parameters, groups } = work(first, count);
    context.run(name, constants, boundRows(arrays, first, count), parameters, Math.ceil(groups));
  });
}

/** Calls `run` for ranges of rows that fit into one binding and consist of whole parts (except for the last). */
export function overParts(
  { info }: Context,
  { rows, width, partRows = MOMENT_ROWS }: { rows: number; width: number; partRows?: number },
  run: (first: number, count: number) => void,
): void {
  const step = Math.max(1, Math.floor(rowsInBinding(info.maxBindingBytes, width) / partRows)) * partRows;
  for (let first = 0; first < rows; first += step) run(first, Math.min(step, rows - first));
}

/** Runs a kernel that includes column_tile.wgsl on all rows of its arrays. */
export function runColumns(
  context: Context,
  name: string,
  arrays: Arrays,
  shape: { rows: number; width: number; partRows?: number },
): void {
  const { width, partRows = MOMENT_ROWS } = shape;
  const { vec4, items } = itemsOf(width);
  overParts(context, shape, (first, count) =>
    context.run(
      name,
      { VEC4: vec4 },
      boundRows(arrays, first, count),
      { rows: count, items, part_rows: partRows, first_part: first / partRows },
      Math.ceil(items / COLUMNS_ACROSS) * Math.ceil(count / partRows),
    ),
  );
}
