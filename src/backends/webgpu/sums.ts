// Sums over rows on WebGPU. The rows are divided into parts whose sums are added in a fixed order, so that the bits do not depend
// on how the device schedules its work.

import type { Storage } from "../device.ts";
import type { Destination } from "../operators.ts";
import { COLUMNS_ACROSS, type Context, itemsOf, MOMENT_ROWS, runColumns } from "./context.ts";
import type { BufferStorage } from "./memory.ts";
import { rowsInBinding } from "./windows.ts";

/** The parts of the rows have about this many workgroups together; up to SINGLE_PART_ROWS rows are a single part. */
const COLUMN_GROUPS = 512;
const SINGLE_PART_ROWS = 2048;

/** The sums of each part of the rows, [parts, columns]. The caller releases them. */
export function partialColumnSums(
  context: Context,
  x: Storage,
  { rows, columns }: { rows: number; columns: number },
): { sums: BufferStorage; parts: number } {
  const partRows = partRowsOf(context, rows, columns);
  const parts = Math.ceil(rows / partRows);
  const sums = context.pool.allocate(parts * columns * 4);
  runColumns(context, "column_sums", { x: [x, columns], sums }, { rows, width: columns, partRows });
  return { sums, parts };
}

/** The number of rows of one part: a multiple of MOMENT_ROWS, unless a binding holds fewer rows. */
function partRowsOf({ info }: Context, rows: number, columns: number): number {
  const tiles = Math.ceil(itemsOf(columns).items / COLUMNS_ACROSS);
  const parts = rows <= SINGLE_PART_ROWS ? 1 : Math.ceil(COLUMN_GROUPS / tiles);
  const wanted = Math.max(1, Math.ceil(rows / parts / MOMENT_ROWS)) * MOMENT_ROWS;
  return Math.min(wanted, rowsInBinding(info.maxBindingBytes, columns));
}

/**
 * into (+)= sum over parts of the rows x columns elements from index `first` on of each part, at once or before anything else uses
 * the destination. The partial sums may be released directly afterwards.
 */
export function sumParts(
  context: Context,
  sums: BufferStorage,
  into: Destination,
  shape: {
    parts: number;
    /** Default: all elements that are added up. */
    partSize?: number;
    first?: number;
    rows: number;
    columns?: number;
    stride?: number;
    offset?: number;
    packedWidth?: number;
  },
): void {
  const { parts, rows, columns = 1, stride = columns, offset = 0, packedWidth = 0, first = 0 } = shape;
  const { partSize = rows * columns } = shape;
  context.sums.add({ sums, into, parts, partSize, first, rows, columns, stride, offset, packedWidth });
}

/** The sums over parts of two contiguous groups of `size` elements each. Either destination may be absent. */
export function sumPair(
  context: Context,
  sums: BufferStorage,
  [low, high]: readonly [Destination | undefined, Destination | undefined],
  { size, first = 0, ...place }: { parts: number; partSize: number; first?: number; size: number },
): void {
  if (low) sumParts(context, sums, low, { ...place, first, rows: size });
  if (high) sumParts(context, sums, high, { ...place, first: first + size, rows: size });
}
