// Norms on WebGPU, beyond those that row-kernels.ts declares.

import {
  COLUMNS_ACROSS,
  type Context,
  itemsOf,
  MOMENT_ROWS,
  overParts,
  type Part,
  ROWS_OF_EIGHT_LANES,
  runColumns,
  whole,
} from "./context.ts";
import type { Bound } from "./recorder.ts";
import { sumPair, sumParts } from "./sums.ts";
import { overRows, rowWindow } from "./windows.ts";

export function norms(context: Context): Part<"normPosition" | "batchStatistics" | "batchNormSums"> {
  const { run, info, pool } = context;
  return {
    normPosition({ x, norm, offsets, position, y, scale, rows, width, dimensions = 0 }) {
      const constants = { POSITION: offsets ? 1 : 0, DIMENSIONS: dimensions, QUADS: itemsOf(width).quads };
      overRows(rows, info.maxBindingBytes, width, (first, count) => {
        const bound: Record<string, Bound> = {
          x: rowWindow(x, width, first, count),
          norm: whole(norm),
          y: rowWindow(y, width, first, count),
          scale: rowWindow(scale, 1, first, count),
        };
        if (offsets && position) {
          bound.offsets = rowWindow(offsets, dimensions, first, count);
          bound.position_weight = whole(position.weight);
          bound.position_bias = whole(position.bias);
        }
        run("norm_position", constants, bound, { rows: count, width }, Math.ceil(count / ROWS_OF_EIGHT_LANES));
      });
    },

    batchStatistics({ x, mean, variance, runningMean, runningVariance, rows, width }) {
      const moments = pool.allocate(Math.ceil(rows / MOMENT_ROWS) * width * 8);
      overParts(context, { rows, width }, (first, count) => {
        const bound = { x: rowWindow(x, width, first, count), moments };
        runColumns(context, "column_moments", {}, bound, { first, count, width });
      });
      run(
        "batch_statistics",
        {},
        {
          moments,
          mean: whole(mean),
          variance: whole(variance),
          running_mean: whole(runningMean),
          running_variance: whole(runningVariance),
        },
        { rows, width },
        Math.ceil(width / COLUMNS_ACROSS),
      );
      pool.release(moments);
    },

    batchNormSums({ x, mean, variance, dy, sums, into, rows, width }) {
      const parts = Math.ceil(rows / MOMENT_ROWS);
      const partial = pool.allocate(parts * 2 * width * 4);
      overParts(context, { rows, width }, (first, count) => {
        const bound = {
          x: rowWindow(x, width, first, count),
          mean: whole(mean),
          variance: whole(variance),
          dy: rowWindow(dy, width, first, count),
          sums: partial,
        };
        runColumns(context, "batch_norm_sums", {}, bound, { first, count, width });
      });
      const both = { parts, partSize: 2 * width };
      sumParts(context, partial, { storage: sums, accumulate: false }, { ...both, rows: 2 * width });
      sumPair(context, partial, [into.bias, into.weight], { ...both, size: width });
      pool.release(partial);
    },
  };
}
