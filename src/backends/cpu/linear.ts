// The linear map on the CPU and the gradients of its two factors. A weight's gradient is a product whose inner dimension is the
// rows; every sum over rows is taken in their order by one thread.

import type { Storage } from "../device.ts";
import type { Destination, Primitives } from "../operators.ts";
import { type Context, from, withScratch } from "./context.ts";
import type { Fields } from "./recorder.ts";
import { cutProduct } from "./scratch.ts";

/** Records a matrix product: its factors and its epilogue (product.ts and epilogue.ts in wasm/kernels). */
export function recordProduct(
  context: Context,
  shape: { rows: number; columns: number; inner: number; secondInner?: number },
  left: { left: Storage; leftStride: number; leftAlong?: boolean; second?: Storage; gather?: Storage },
  right: { right: Storage; rightStride: number; rightAlong?: boolean; packedWidth?: number; value?: Storage },
  epilogue: Fields,
): void {
  const { rows, columns, inner, secondInner = 0 } = shape;
  const kind = { gated: right.value !== undefined, leftAlong: left.leftAlong ?? false };
  const { scratchBytes, ...blocks } = cutProduct({ rows, columns, inner: inner + secondInner }, kind, context.threads);
  withScratch(context, scratchBytes, (scratch) =>
    context.record("Product", shape, left, right, epilogue, blocks, scratch),
  );
}

/** into[c * outStep] (+)= sum over rows of x[row, c] (* factor[row, c]) (* scale[row]). */
export function recordColumnSums(
  { record }: Context,
  x: Storage,
  { storage: out, accumulate }: Destination,
  shape: {
    rows: number;
    columns: number;
    stride?: number;
    factor?: Storage;
    factorGather?: Storage;
    scale?: Storage;
    outStep?: number;
    packedWidth?: number;
  },
): void {
  const { columns, stride = columns, outStep = 1 } = shape;
  record("ColumnSums", { ...shape, x, stride, factorStride: columns, out, outStep, accumulate });
}

export const linearMaps = (context: Context) =>
  ({
    linear({ x, second, weight, bias, residual, scatter, norm, y, rows, columns, inner, secondInner = 0 }) {
      recordProduct(
        context,
        { rows, columns, inner, secondInner },
        { left: x, leftStride: inner, second },
        { right: weight, rightStride: inner + secondInner },
        { bias, residual, scatter, out: y, outStride: columns },
      );
      if (norm) context.record("BatchNorm", { x: y, ...norm, y, rows: (rows * columns) / norm.width });
    },

    narrowLinearLayerNorm: () => false,

    inputGradient({ gradient, gather, weight, into, rows, columns, inner, stride = inner, offset = 0, packedWidth }) {
      recordProduct(
        context,
        { rows, columns: inner, inner: columns },
        { left: gradient, leftStride: columns, gather },
        { right: from(weight, offset), rightStride: stride, rightAlong: true, packedWidth },
        { out: into.storage, outStride: inner, accumulate: into.accumulate },
      );
    },

    weightGradient({ gradient, gather, x, into, rows, columns, inner, stride = inner, offset = 0, packedWidth }) {
      const { weight, bias } = into;
      if (weight) {
        recordProduct(
          context,
          { rows: columns, columns: inner, inner: rows },
          { left: gradient, leftStride: columns, leftAlong: true, gather },
          { right: x, rightStride: inner, rightAlong: true },
          {
            out: from(weight.storage, offset),
            outStride: stride,
            outPackedWidth: packedWidth,
            accumulate: weight.accumulate,
          },
        );
      }
      // A sum over all rows needs no index.
      if (bias) recordColumnSums(context, gradient, bias, { rows, columns, packedWidth });
    },
  }) satisfies Partial<Primitives>;
