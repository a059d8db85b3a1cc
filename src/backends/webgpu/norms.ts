// Norms on WebGPU, in addition to those that row-kernels.ts declares.

import type { Storage } from "../device.ts";
import type { Destination, LinearDestinations, Primitives } from "../operators.ts";
import {
  type Arrays,
  boundRows,
  COLUMNS_ACROSS,
  type Context,
  flag,
  itemsOf,
  MOMENT_ROWS,
  overParts,
  ROWS_OF_EIGHT_LANES,
  runColumns,
  runRows,
} from "./context.ts";
import { movedRows, pickedRows } from "./rows.ts";
import { sumPair, sumParts } from "./sums.ts";
import { rowsInBinding } from "./windows.ts";

/** The threads of norm_backward.wgsl. */
const GRADIENT_THREADS = 256;
/** The rows of a thread whose loads norm_backward.wgsl issues together on a GPU. */
const GRADIENT_ROWS = 4;
/** The rows are divided into at most this many parts. */
const GRADIENT_PARTS = 512;

/** The arguments of norm_backward.wgsl, as its header defines them; LayerNorm has no scale. */
interface RowsNormGradient {
  x: Storage;
  gather?: Storage;
  weight: Storage;
  scale?: Storage;
  dy: Storage;
  into: LinearDestinations & { x?: Destination };
  rows: number;
  width: number;
}

/** Runs norm_backward.wgsl and adds up its sums. */
function runNormBackward(
  context: Context,
  { x, gather, weight, scale, dy, into, rows, width }: RowsNormGradient,
): void {
  const { run, pool, info } = context;
  const { vec4, items } = itemsOf(width);
  let across = 8;
  while (across < GRADIENT_THREADS && across < items) across *= 2;
  const plain = flag(into.bias);
  const constants = {
    // A software adapter gains nothing by it, but takes longer to compile.
    ROWS: info.software ? 1 : GRADIENT_ROWS,
    LAYER: flag(!scale),
    GATHER: flag(gather),
    PLAIN: plain,
    ACCUMULATE: flag(into.x?.accumulate),
    VEC4: vec4,
  };
  // The same on all devices, because the parts of the sums follow from it, and so their bits.
  const chunk = Math.max(GRADIENT_THREADS / 8, (GRADIENT_ROWS * GRADIENT_THREADS) / across);
  const chunks = Math.ceil(rows / GRADIENT_PARTS / chunk);
  const partRows = Math.min(chunks * chunk, rowsInBinding(info.maxBindingBytes, width));
  const parts = Math.ceil(rows / partRows);
  const partSize = (1 + plain) * width;
  const sums = pool.allocate(parts * partSize * 4);
  const unwanted = into.x ? undefined : pool.allocate(rows * width * 4);
  const gradient = into.x?.storage ?? unwanted!;
  const arrays: Arrays = { x: gather ? x : [x, width], weight, dy: [dy, width], sums };
  arrays.x_gradient = gather ? gradient : [gradient, width];
  if (scale) arrays.scale = [scale, 1];
  if (gather) arrays.row_index = [gather, 1];
  overParts(context, { rows, width, partRows }, (first, count) =>
    run(
      "norm_backward",
      constants,
      boundRows(arrays, first, count),
      { rows: count, width, across, chunk, part_rows: partRows, first_part: first / partRows },
      Math.ceil(items / across) * Math.ceil(count / partRows),
    ),
  );
  sumPair(context, sums, [into.weight, into.bias], { parts, partSize, size: width });
  pool.release(sums);
  if (unwanted) pool.release(unwanted);
}

export const norms = (context: Context) =>
  ({
    normPosition({ norm, offsets, position, y, scale, dimensions = 0, ...picked }) {
      const { rows, width } = picked;
      const term = offsets &&
        position && {
          offsets: [offsets, dimensions] as const,
          position_weight: position.weight,
          position_bias: position.bias,
        };
      const shared = { norm, y: [y, width] as const, scale: [scale, 1] as const, ...term };
      pickedRows(context, picked, (x, gather) => {
        const constants = { POSITION: flag(offsets), GATHER: flag(gather), DIMENSIONS: dimensions };
        const arrays: Arrays = { x: gather ? x : [x, width], ...shared };
        if (gather) arrays.row_index = [gather, 1];
        runRows(context, "norm_position", { ...constants, VEC4: itemsOf(width).vec4 }, rows, arrays, (_, count) => ({
          parameters: { rows: count, width },
          groups: count / ROWS_OF_EIGHT_LANES,
        }));
      });
    },

    rmsNormBackward({ norm: weight, scale, dy, into, ...picked }) {
      const { gather: index, rows, width } = picked;
      pickedRows(context, picked, (x, gather) => {
        const shared = { x, gather, weight, scale, dy, rows, width };
        if (!into.x || !index || gather) {
          runNormBackward(context, { ...shared, into });
          return;
        }
        const ordered = context.pool.allocate(rows * width * 4);
        runNormBackward(context, { ...shared, into: { ...into, x: { storage: ordered, accumulate: false } } });
        // The index is a permutation: every row is written, so nothing has to be cleared.
        movedRows(context).scatterRows({ source: ordered, index, into: into.x, rows, targets: rows, width });
        context.pool.release(ordered);
      });
    },

    layerNormBackward({ gradient, norm, ...a }) {
      runNormBackward(context, { ...a, weight: norm.weight, dy: gradient });
    },

    batchStatistics({ x, mean, variance, runningMean, runningVariance, rows, width }) {
      const { run, pool } = context;
      const moments = pool.allocate(Math.ceil(rows / MOMENT_ROWS) * width * 8);
      runColumns(context, "column_moments", { x: [x, width], moments }, { rows, width });
      const arrays = { moments, mean, variance, running_mean: runningMean, running_variance: runningVariance };
      run("batch_statistics", {}, arrays, { rows, width }, Math.ceil(width / COLUMNS_ACROSS));
      pool.release(moments);
    },

    batchNormSums({ x, mean, variance, dy, sums, into, rows, width }) {
      const parts = Math.ceil(rows / MOMENT_ROWS);
      const partial = context.pool.allocate(parts * 2 * width * 4);
      const arrays = { x: [x, width] as const, mean, variance, dy: [dy, width] as const, sums: partial };
      runColumns(context, "batch_norm_sums", arrays, { rows, width });
      const both = { parts, partSize: 2 * width };
      sumParts(context, partial, { storage: sums, accumulate: false }, { ...both, rows: 2 * width });
      sumPair(context, partial, [into.bias, into.weight], { ...both, size: width });
      context.pool.release(partial);
    },
  }) satisfies Partial<Primitives>;
