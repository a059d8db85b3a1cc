// Sums over rows on WebGPU. They are taken in parts, and the parts added up in their order, so that the bits do not depend on how
// the device schedules its work.

import type { Storage } from "../device.ts";
import type { Destination } from "../operators.ts";
import {
  COLUMNS_ACROSS,
  type Context,
  flag,
  itemsOf,
  MOMENT_ROWS,
  overParts,
  runColumns,
  THREADS,
  whole,
} from "./context.ts";
import type { BufferStorage } from "./memory.ts";
import type { Bound } from "./recorder.ts";
import { rowsInBinding, rowWindow } from "./windows.ts";

/** Rows are added up in parts, of which there are about so many workgroups; few rows are a single one. */
const COLUMN_GROUPS = 512;
const SINGLE_PART_ROWS = 2048;
/** So many parts are added up by several threads each. */
const MANY_PARTS = 64;

/** What is to be added up along its rows. */
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
    sumInParts(context, x, whole(into.storage), { ...shape, accumulate: into.accumulate });
    return;
  }
  const { sums, parts } = partialColumnSums(context, x, shape, flag(plain));
  const matrix = { parts, rows: columns };
  if (plain) sumParts(context, sums, plain, matrix, { into, rows: columns });
  else sumParts(context, sums, into, matrix);
  context.pool.release(sums);
}

/** The same in parts of the rows, [parts, columns] or with `plain` [parts, 2, columns], for sumParts. The caller releases them. */
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

/** Rows of one part: a multiple of MOMENT_ROWS where a binding holds so many. */
function partRowsOf({ info }: Context, rows: number, columns: number): number {
  const tiles = Math.ceil(itemsOf(columns).items / COLUMNS_ACROSS);
  const parts = rows <= SINGLE_PART_ROWS ? 1 : Math.ceil(COLUMN_GROUPS / tiles);
  const wanted = Math.max(1, Math.ceil(rows / parts / MOMENT_ROWS)) * MOMENT_ROWS;
  return Math.min(wanted, rowsInBinding(info.maxBindingBytes, columns));
}

function sumInParts(
  context: Context,
  x: Storage,
  sums: Bound,
  shape: ColumnShape & { plain?: number; accumulate?: boolean },
): void {
  const { rows, columns: width, factor, scale, plain = 0, accumulate } = shape;
  const partRows = partRowsOf(context, rows, width);
  const constants = { FACTOR: flag(factor), SCALE: flag(scale), PLAIN: plain, ACCUMULATE: flag(accumulate) };
  overParts(context, { rows, width, partRows }, (first, count) => {
    const bound: Record<string, Bound> = { x: rowWindow(x, width, first, count), sums };
    if (factor) bound.factor = rowWindow(factor, width, first, count);
    if (scale) bound.scale = rowWindow(scale, 1, first, count);
    runColumns(context, "column_sums", constants, bound, { first, count, width, partRows });
  });
}

/**
 * into (+)= sum over parts of the rows x columns numbers from `first` on of each part; what follows them there goes to `second`,
 * where there is one.
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
    { sums, out: whole(into.storage), ...(second && { second: whole(second.into.storage) }) },
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

/** Sums of two things that lie one behind the other in each part, of `size` numbers each; either may be unwanted. */
export function sumPair(
  context: Context,
  sums: BufferStorage,
  [low, high]: readonly [Destination | undefined, Destination | undefined],
  { size, first = 0, ...place }: { parts: number; partSize: number; first?: number; size: number },
): void {
  if (low) sumParts(context, sums, low, { ...place, first, rows: size }, high && { into: high, rows: size });
  else if (high) sumParts(context, sums, high, { ...place, first: first + size, rows: size });
}
