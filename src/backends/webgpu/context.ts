// What the operators on WebGPU have in common: how they run kernels, on which memory, within which limits.

import type { DeviceInfo, Storage } from "../device.ts";
import type { Primitives } from "../operators.ts";
import type { Constants } from "./kernels.ts";
import type { BufferPool, BufferStorage } from "./memory.ts";
import type { Bound } from "./recorder.ts";
import { rowsInBinding } from "./windows.ts";

/** Threads and rows the kernels are written for. */
export const THREADS = 64;
export const ROWS_OF_EIGHT_LANES = 8;
export const MOMENT_ROWS = 256;
export const COLUMNS_ACROSS = 8;

/** Runs a kernel of gpu/: compiled with its constants, on its arrays, with its parameters, in so many workgroups. */
export type Run = (
  name: string,
  constants: Constants,
  bound: Record<string, Bound>,
  parameters: Record<string, number>,
  groups: number,
) => void;

export interface Context {
  readonly run: Run;
  readonly pool: BufferPool;
  readonly info: DeviceInfo;
}

/** The part of a device's primitives that one file makes. */
export type Part<Name extends keyof Primitives> = Pick<Primitives, Name>;

export const flag = (value: unknown) => (value ? 1 : 0);

/** An array that a kernel sees whole. */
export const whole = (storage: Storage): Bound => storage as BufferStorage;

/** How a kernel sees rows of `width` numbers: as quads of them where it can (gpu/stored.wgsl). */
export function itemsOf(width: number): { quads: 0 | 1; items: number } {
  return width % 4 === 0 ? { quads: 1, items: width / 4 } : { quads: 0, items: width };
}

/** Ranges of rows that fit into one binding and begin with a part of their own. */
export function overParts(
  { info }: Context,
  { rows, width, partRows = MOMENT_ROWS }: { rows: number; width: number; partRows?: number },
  run: (first: number, count: number) => void,
): void {
  const step = Math.max(1, Math.floor(rowsInBinding(info.maxBindingBytes, width) / partRows)) * partRows;
  for (let first = 0; first < rows; first += step) run(first, Math.min(step, rows - first));
}

/** A kernel that includes column_tile.wgsl, on `count` rows from `first` on. */
export function runColumns(
  { run }: Context,
  name: string,
  constants: Constants,
  bound: Record<string, Bound>,
  { first, count, width, partRows = MOMENT_ROWS }: { first: number; count: number; width: number; partRows?: number },
): void {
  const { quads, items } = itemsOf(width);
  run(
    name,
    { ...constants, QUADS: quads },
    bound,
    { rows: count, items, part_rows: partRows, first_part: first / partRows },
    Math.ceil(items / COLUMNS_ACROSS) * Math.ceil(count / partRows),
  );
}
