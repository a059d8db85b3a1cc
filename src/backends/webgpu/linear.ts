// The linear map on WebGPU and the gradients of its two sides.

import type { DeviceInfo, Storage } from "../device.ts";
import type { DirectOperators, LinearDestinations } from "../operators.ts";
import { type Context, flag, overParts, type Part, whole } from "./context.ts";
import type { Constants } from "./kernels.ts";
import type { BufferStorage } from "./memory.ts";
import { type ProductShape, productCut, tilesOf } from "./products.ts";
import type { Bound } from "./recorder.ts";
import { movedRows } from "./rows.ts";
import { sumPair, sumParts } from "./sums.ts";
import { overRows, ROW_STEP, rowsInBinding, rowWindow } from "./windows.ts";

/** A weight gradient's parts have at least so many rows, and there are about so many workgroups of 64 x 64 sums. */
const PART_ROWS = 128;
const PART_GROUPS = 2048;

/** One run of linear.wgsl; its header says what the numbers mean. */
interface LinearCall {
  x: Bound;
  second?: Bound;
  weight: Storage;
  bias?: Storage;
  residual?: Bound;
  scatter?: Storage;
  y: Bound;
  rows: number;
  columns: number;
  inner: number;
  secondInner?: number;
  weightStride?: number;
  weightOffset?: number;
  packedWidth?: number;
  /** x is stored in half precision. */
  halfX?: boolean;
  transposed?: boolean;
  accumulate?: boolean;
}

/** Whether the forward pass multiplies in half precision. */
export const isMixed = ({ precision }: DeviceInfo) => precision === "mixed";

/** A kernel that includes product.wgsl. */
export function runProduct(
  { run, info }: Context,
  name: string,
  shape: ProductShape,
  constants: Constants,
  bound: Record<string, Bound>,
  parameters: Record<string, number>,
): void {
  const cut = productCut(shape, info);
  run(name, Object.assign(cut.constants, constants), bound, parameters, cut.tiles);
}

/** linear.wgsl on rows that fit into one binding. Arrays a call does not have are bound to the weight, and not read. */
export function runLinear(context: Context, call: LinearCall): void {
  const { x, y, second, bias, residual, scatter, rows, columns, inner, secondInner = 0 } = call;
  const { transposed = false, accumulate = false, packedWidth = 0, halfX = false } = call;
  const { weightStride = inner + secondInner, weightOffset = 0 } = call;
  const weight = whole(call.weight);
  runProduct(
    context,
    "linear",
    {
      rows,
      columns,
      widths: [columns, inner, secondInner, weightStride, weightOffset],
      rightAlong: transposed,
      // Gradients are often too small for half precision.
      half: isMixed(context.info) && !transposed,
    },
    { TRANSPOSED: flag(transposed), HALF_X: flag(halfX), SECOND: flag(secondInner) },
    {
      x,
      weight,
      y,
      second: second ?? weight,
      bias: bias ? whole(bias) : weight,
      residual: residual ?? weight,
      row_index: scatter ? whole(scatter) : weight,
    },
    {
      rows,
      columns,
      inner,
      second_inner: secondInner,
      weight_stride: weightStride,
      weight_offset: weightOffset,
      packed_width: packedWidth,
      has_bias: flag(bias),
      has_residual: flag(residual),
      scatter: flag(scatter),
      accumulate: flag(accumulate),
    },
  );
}

export function linearMaps(context: Context): Part<"linear" | "inputGradient" | "weightGradient"> {
  const { info, pool } = context;
  const { gatherRows, scatterRows } = movedRows(context);

  const linear: DirectOperators["linear"] = (a) => {
    const { x, second, weight, bias, residual, scatter, y, rows, columns, inner, secondInner = 0, fromHidden } = a;
    const widest = Math.max(inner, secondInner, columns);
    if (scatter && rows > rowsInBinding(info.maxBindingBytes, widest)) {
      linearThenScatter(a, scatter);
      return;
    }
    overRows(rows, info.maxBindingBytes, widest, (first, count) => {
      runLinear(context, {
        x: fromHidden ? whole(x) : rowWindow(x, inner, first, count),
        halfX: fromHidden && isMixed(info),
        second: second && rowWindow(second, secondInner, first, count),
        weight,
        bias,
        residual: residual && rowWindow(residual, columns, first, count),
        // Without a window of its own: the rows of y are anywhere.
        scatter,
        y: rowWindow(y, columns, first, count),
        rows: count,
        columns,
        inner,
        secondInner,
      });
    });
  };

  /** The product in its own order first, then its rows to their places, window by window. */
  function linearThenScatter(a: Parameters<typeof linear>[0], index: Storage): void {
    const { residual, y, rows, columns: width } = a;
    const product = pool.allocate(rows * width * 4);
    const ordered = residual && pool.allocate(rows * width * 4);
    if (residual && ordered) gatherRows({ source: residual, index, out: ordered, sources: rows, rows, width });
    linear({ ...a, y: product, scatter: undefined, residual: ordered });
    const into = { storage: y, accumulate: false };
    scatterRows({ source: product, index, into, rows, targets: rows, width });
    if (ordered) pool.release(ordered);
    pool.release(product);
  }

  return {
    linear,

    inputGradient({ gradient, weight, into, rows, columns, inner, stride = inner, offset = 0, packedWidth }) {
      overRows(rows, info.maxBindingBytes, Math.max(columns, inner), (first, count) => {
        runLinear(context, {
          x: rowWindow(gradient, columns, first, count),
          weight,
          y: rowWindow(into.storage, inner, first, count),
          rows: count,
          columns: inner,
          inner: columns,
          weightStride: stride,
          weightOffset: offset,
          packedWidth,
          transposed: true,
          accumulate: into.accumulate,
        });
      });
    },

    // The bias' bits do not depend on whether the weight is wanted.
    weightGradient({ gradient, x, into, rows, columns, inner, stride = inner, offset, packedWidth }) {
      const { weight, bias } = into;
      if (!weight && !bias) return;
      const { sums, parts } = weightParts(context, gradient, x, { rows, columns, inner, bias: flag(bias) });
      const place = { parts, rows: columns, packedWidth };
      const second = bias && { into: bias, rows: columns };
      if (weight) sumParts(context, sums, weight, { ...place, columns: inner, stride, offset }, second);
      else if (bias) {
        sumParts(context, sums, bias, { ...place, first: columns * inner, partSize: columns * (inner + 1) });
      }
      pool.release(sums);
    },
  };
}

/**
 * Gradients of two linear maps of the same x, of `columns` columns each. A row of `gradient` holds those of the first map's columns,
 * then those of the second's.
 */
export function pairedWeightGradients(
  context: Context,
  gradient: Storage,
  x: Storage,
  [low, high]: readonly [LinearDestinations, LinearDestinations],
  { rows, columns, inner }: { rows: number; columns: number; inner: number },
): void {
  const bias = flag(low.bias || high.bias);
  if (!low.weight && !high.weight && !bias) return;
  const { sums, parts } = weightParts(context, gradient, x, { rows, columns: 2 * columns, inner, bias });
  const place = { parts, partSize: 2 * columns * (inner + bias) };
  sumPair(context, sums, [low.weight, high.weight], { ...place, size: columns * inner });
  sumPair(context, sums, [low.bias, high.bias], { ...place, first: 2 * columns * inner, size: columns });
  context.pool.release(sums);
}

/**
 * Sums in parts of the rows, [parts, columns * inner (+ columns for the bias)]. The caller releases them. Where the parts begin, and
 * so the bits, does not depend on what a binding holds, unless it holds less than one part.
 */
function weightParts(
  context: Context,
  gradient: Storage,
  x: Storage,
  { rows, columns, inner, bias }: { rows: number; columns: number; inner: number; bias: number },
): { sums: BufferStorage; parts: number } {
  const { run, info, pool } = context;
  const product = { rows: columns, columns: inner, widths: [columns, inner], leftAlong: true, rightAlong: true };
  const { constants, tiles } = productCut({ ...product, inParts: true }, info);
  const width = Math.max(columns, inner);
  // The same parts whatever the tile, since a sum's bits depend on them.
  const wanted = Math.max(1, Math.floor(PART_GROUPS / tilesOf(product, { rows: 64, columns: inner > 32 ? 64 : 32 })));
  const partRows = Math.min(
    Math.max(PART_ROWS, Math.ceil(rows / wanted / ROW_STEP) * ROW_STEP),
    rowsInBinding(info.maxBindingBytes, width),
  );
  const parts = Math.ceil(rows / partRows);
  const sums = pool.allocate(parts * columns * (inner + bias) * 4);
  overParts(context, { rows, width, partRows }, (first, count) => {
    run(
      "weight_gradient",
      { ...constants, LEFT_SUMS: bias },
      { gradient: rowWindow(gradient, columns, first, count), x: rowWindow(x, inner, first, count), sums },
      { rows: count, columns, inner, part_rows: partRows, first_part: first / partRows },
      tiles * Math.ceil(count / partRows),
    );
  });
  return { sums, parts };
}
