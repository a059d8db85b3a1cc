// Norms on WebGPU, in addition to those that row-kernels.ts declares.

import type { Primitives } from "../operators.ts";
import {
  COLUMNS_ACROSS,
  type Context,
  flag,
  itemsOf,
  MOMENT_ROWS,
  ROWS_OF_EIGHT_LANES,
  runColumns,
  runRows,
} from "./context.ts";
import { sumPair, sumParts } from "./sums.ts";

export const norms = (context: Context) =>
  ({
    normPosition({ x, norm, offsets, position, y, scale, rows, width, dimensions = 0 }) {
      const constants = { POSITION: flag(offsets), DIMENSIONS: dimensions, VEC4: itemsOf(width).vec4 };
      const term = offsets &&
        position && {
          offsets: [offsets, dimensions] as const,
          position_weight: position.weight,
          position_bias: position.bias,
        };
      const arrays = { x: [x, width] as const, norm, y: [y, width] as const, scale: [scale, 1] as const, ...term };
      runRows(context, "norm_position", constants, rows, arrays, (_, count) => ({
        parameters: { rows: count, width },
        groups: count / ROWS_OF_EIGHT_LANES,
      }));
    },

    batchStatistics({ x, mean, variance, runningMean, runningVariance, rows, width }) {
      const { run, pool } = context;
      const moments = pool.allocate(Math.ceil(rows / MOMENT_ROWS) * width * 8);
      runColumns(context, "column_moments", {}, { x: [x, width], moments }, { rows, width });
      const arrays = { moments, mean, variance, running_mean: runningMean, running_variance: runningVariance };
      run("batch_statistics", {}, arrays, { rows, width }, Math.ceil(width / COLUMNS_ACROSS));
      pool.release(moments);
    },

    batchNormSums({ x, mean, variance, dy, sums, into, rows, width }) {
      const parts = Math.ceil(rows / MOMENT_ROWS);
      const partial = context.pool.allocate(parts * 2 * width * 4);
      const arrays = { x: [x, width] as const, mean, variance, dy: [dy, width] as const, sums: partial };
      runColumns(context, "batch_norm_sums", {}, arrays, { rows, width });
      const both = { parts, partSize: 2 * width };
      sumParts(context, partial, { storage: sums, accumulate: false }, { ...both, rows: 2 * width });
      sumPair(context, partial, [into.bias, into.weight], { ...both, size: width });
      context.pool.release(partial);
    },
  }) satisfies Partial<Primitives>;
