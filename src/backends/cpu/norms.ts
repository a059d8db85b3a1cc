// Norms on the CPU, in addition to those that row-kernels.ts declares, and the product that RMSNorm is fused with on WebGPU.

import type { Storage } from "../device.ts";
import type { NormedRows, PositionTerm, Primitives } from "../operators.ts";
import { type Context, withScratch } from "./context.ts";
import { recordColumnSums, recordProduct } from "./linear.ts";
import { paddedRows } from "./scratch.ts";

/** Records y = RMSNorm(x; norm), with the positional term if it is given; the rows' factors are stored if `scale` is. */
export function recordNorm(
  context: Context,
  a: NormedRows & Partial<PositionTerm> & { y: Storage; scale?: Storage },
): void {
  const { position, ...rest } = a;
  const parameters = { positionWeight: position?.weight, positionBias: position?.bias };
  withScratch(context, paddedRows(a.dimensions ?? 0, a.width), (scratch) =>
    context.record("NormPosition", rest, parameters, scratch),
  );
}

export const norms = (context: Context) =>
  ({
    normPosition: (a) => recordNorm(context, a),

    normPositionQkv({ projection, qkv, ...a }) {
      const { rows, width } = a;
      const y = context.pool.allocate(rows * width * 4);
      recordNorm(context, { ...a, y });
      recordProduct(
        context,
        { rows, columns: 3 * width, inner: width },
        { left: y, leftStride: width },
        { right: projection.weight, rightStride: width, packedWidth: width },
        { bias: projection.bias, out: qkv, outStride: 3 * width },
      );
      context.pool.release(y);
    },

    rmsNormBackward({ x, gather, norm, scale, dy, into, rows, width }) {
      const sums = { rows, columns: width };
      if (into.bias) recordColumnSums(context, dy, into.bias, sums);
      if (into.weight) recordColumnSums(context, dy, into.weight, { ...sums, factor: x, factorGather: gather, scale });
      if (!into.x) return;
      const { storage: dx, accumulate } = into.x;
      context.record("RmsNormBackward", { x, gather, norm, scale, dy, dx, accumulate, rows, width });
    },

    layerNormBackward({ gradient, x, norm, into, rows, width }) {
      const normalised = context.pool.allocate(rows * width * 4);
      const { storage: dx, accumulate } = into.x ?? {};
      const arrays = { x, weight: norm.weight, dy: gradient, dx, normalised };
      context.record("LayerNormBackward", { ...arrays, accumulate, rows, width });
      const sums = { rows, columns: width };
      if (into.bias) recordColumnSums(context, gradient, into.bias, sums);
      if (into.weight) recordColumnSums(context, gradient, into.weight, { ...sums, factor: normalised });
      context.pool.release(normalised);
    },

    batchStatistics: (a) => context.record("BatchStatistics", { ...a }),

    batchNormSums({ into, ...a }) {
      context.record("BatchNormSums", {
        ...a,
        dweight: into.weight?.storage,
        accumulateWeight: into.weight?.accumulate,
        dbias: into.bias?.storage,
        accumulateBias: into.bias?.accumulate,
      });
    },
  }) satisfies Partial<Primitives>;
