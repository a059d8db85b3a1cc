// Sums over rows on WebGPU. The rows are divided into parts whose sums are added in a fixed order, so that the bits do not depend
// on how the device schedules its work.

import type { Storage } from "../device.ts";
import type { Destination } from "../operators.ts";
import {
  type Arrays,
  COLUMNS_ACROSS,
  type Context,
  flag,
  itemsOf,
  MOMENT_ROWS,
  runColumns,
  THREADS,
} from "./context.ts";
import type { BufferStorage } from "./memory.ts";
import { rowsInBinding } from "./windows.ts";

/** The parts of the rows have about this many workgroups together; up to SINGLE_PART_ROWS rows are a single part. */
const COLUMN_GROUPS = 512;
const SINGLE_PART_ROWS = 2048;
/** From this number of parts on, several threads share the sum of their sums. */
const MANY_PARTS = 64;

/** A matrix whose rows are to be added, and its optional factors. */
interface ColumnShape {
  rows: number;
  columns: number;
  factor?: Storage;
  scale?: Storage;
}

/** into[c] (+)= sum over rows of x[row, c] (* factor[row, c]) (* scale[row]), and plain[c] (+)= sum over rows of x[row, c]. */
export function columnSums(
  context: Context,
  x: Storage,
  into: Destination | undefined,
  shape: ColumnShape,
  plain?: Destination,
): void {
  const { rows, columns } = shape;
  if (!into) {
    if (plain) columnSums(context, x, plain, { rows, columns });
    return;
  }
  if (!plain && rows <= partRowsOf(context, rows, columns)) {
    sumInParts(context, x, into.storage, { ...shape, accumulate: into.accumulate });
    return;
  }
  const { sums, parts } = partialColumnSums(context, x, shape, flag(plain));
  const matrix = { parts, rows: columns };
  if (plain) sumParts(context, sums, plain, matrix, { into, rows: columns });
  else sumParts(context, sums, into, matrix);
  context.pool.release(sums);
}

/** The sums of each part of the rows, [parts, columns] or with `plain` [parts, 2, columns]. The caller releases them. */
export function partialColumnSums(
  context: Context,
  x: Storage,
  shape: ColumnShape,
  plain = 0,
): { sums: BufferStorage; parts: number } {
  const { rows, columns } = shape;
  const parts = Math.ceil(rows / partRowsOf(context, rows, columns));
  const sums = context.pool.allocate(parts * (1 + plain) * columns * 4);
  sumInParts(context, x, sums, { ...shape, plain });
  return { sums, parts };
}

/** The number of rows of one part: a multiple of MOMENT_ROWS, unless a binding holds fewer rows. */
function partRowsOf({ info }: Context, rows: number, columns: number): number {
  const tiles = Math.ceil(itemsOf(columns).items / COLUMNS_ACROSS);
  const parts = rows <= SINGLE_PART_ROWS ? 1 : Math.ceil(COLUMN_GROUPS / tiles);
  const wanted = Math.max(1, Math.ceil(rows / parts / MOMENT_ROWS)) * MOMENT_ROWS;
  return Math.min(wanted, rowsInBinding(info.maxBindingBytes, columns));
}

function sumInParts(
  context: Context,
  x: Storage,
  sums: Storage,
  shape: ColumnShape & { plain?: number; accumulate?: boolean },
): void {
  const { rows, columns: width, factor, scale, plain = 0, accumulate } = shape;
  const constants = { FACTOR: flag(factor), SCALE: flag(scale), PLAIN: plain, ACCUMULATE: flag(accumulate) };
  const arrays: Arrays = { x: [x, width], sums };
  if (factor) arrays.factor = [factor, width];
  if (scale) arrays.scale = [scale, 1];
  runColumns(context, "column_sums", constants, arrays, { rows, width, partRows: partRowsOf(context, rows, width) });
}

/**
 * into (+)= sum over parts of the rows x columns elements from index `first` on of each part. The sum of the elements that follow
 * these goes to `second`, if it is given.
 */
export function sumParts(
  { run }: Context,
  sums: BufferStorage,
  into: Destination,
  shape: {
    parts: number;
    partSize?: number;
    first?: number;
    rows: number;
    columns?: number;
    stride?: number;
    offset?: number;
    packedWidth?: number;
  },
  second?: { into: Destination; rows: number },
): void {
  const { parts, rows, columns = 1, stride = columns, offset = 0, packedWidth = 0, first = 0 } = shape;
  const size = rows * columns + (second?.rows ?? 0);
  const eight = parts >= MANY_PARTS;
  run(
    "sum_parts",
    {
      ACCUMULATE: flag(into.accumulate),
      SECOND: flag(second),
      ACCUMULATE_SECOND: flag(second?.into.accumulate),
      EIGHT_LANES: flag(eight),
    },
    { sums, out: into.storage, ...(second && { second: second.into.storage }) },
    {
      parts,
      part_size: shape.partSize ?? size,
      first,
      rows,
      columns,
      out_columns: stride,
      first_column: offset,
      packed_width: packedWidth,
      second_rows: second?.rows ?? 0,
    },
    Math.ceil((size * (eight ? 8 : 1)) / THREADS),
  );
}

/** The sums over parts of two contiguous groups of `size` elements each. Either destination may be absent. */
export function sumPair(
  context: Context,
  sums: BufferStorage,
  [low, high]: readonly [Destination | undefined, Destination | undefined],
  { size, first = 0, ...place }: { parts: number; partSize: number; first?: number; size: number },
): void {
  if (low) sumParts(context, sums, low, { ...place, first, rows: size }, high && { into: high, rows: size });
  else if (high) sumParts(context, sums, high, { ...place, first: first + size, rows: size });
}
