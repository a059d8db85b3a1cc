// The linear map on WebGPU and the gradients of its two sides.

import type { DeviceInfo, Storage } from "../device.ts";
import type { ColumnNorm, DirectOperators, LinearDestinations, LinearParameters, Primitives } from "../operators.ts";
import { type Arrays, boundRows, type Context, flag, overArrays, overParts, type Split, THREADS } from "./context.ts";
import type { Constants } from "./kernels.ts";
import type { BufferStorage } from "./memory.ts";
import { hasLayerNorm, hasTails, multiplesOf4, type ProductShape, productCut, tilesOf } from "./products.ts";
import { movedRows } from "./rows.ts";
import { sumPair, sumParts } from "./sums.ts";
import { ROW_STEP, rowsInBinding } from "./windows.ts";

/** A weight gradient's parts have at least this many rows, and about this many workgroups with 64 x 64 sums. */
const PART_ROWS = 128;
const PART_GROUPS = 2048;

/** The arguments of linear.wgsl, as its header defines them. */
interface LinearCall {
  x: Storage | Split;
  second?: Storage | Split;
  weight: Storage;
  bias?: Storage;
  residual?: Storage | Split;
  scatter?: Storage;
  norm?: ColumnNorm;
  layerNorm?: LinearParameters;
  y: Storage | Split;
  rows: number;
  columns: number;
  inner: number;
  secondInner?: number;
  weightStride?: number;
  weightOffset?: number;
  packedWidth?: number;
  /** Whether x is stored in half precision. */
  halfX?: boolean;
  transposed?: boolean;
  accumulate?: boolean;
}

/** Whether the forward pass multiplies in half precision. */
export const isMixed = ({ precision }: DeviceInfo) => precision === "mixed";

/** Whether the backward pass does. */
export const halvesGradients = ({ gradientPrecision }: DeviceInfo) => gradientPrecision === "half";

/** Runs a kernel that includes product.wgsl on all rows of its arrays; its parameter `rows` is set here. */
export function runProduct(
  context: Context,
  name: string,
  shape: ProductShape,
  constants: Constants,
  arrays: Arrays,
  parameters: Record<string, number>,
): void {
  overArrays(context, shape.rows, arrays, (first, rows) => {
    const cut = productCut({ ...shape, rows }, context.info);
    const bound = boundRows(arrays, first, rows);
    context.run(name, Object.assign(cut.constants, constants), bound, { ...parameters, rows }, cut.tiles);
  });
}

/** Runs linear.wgsl. Arrays that a call does not have are bound to the weight, and not read. */
export function runLinear(context: Context, call: LinearCall): void {
  const {
    x,
    y,
    weight,
    second,
    bias,
    residual,
    scatter,
    norm,
    layerNorm,
    rows,
    columns,
    inner,
    secondInner = 0,
  } = call;
  const { transposed = false, accumulate = false, packedWidth = 0, halfX = false } = call;
  const { weightStride = inner + secondInner, weightOffset = 0 } = call;
  // Gradients are often too small for half precision: it is used for them only if that is wanted.
  const half = transposed ? halvesGradients(context.info) : isMixed(context.info);
  const isSplit = secondInner > 0;
  // A short second input, whose rows are no multiples of 4, would make all of x be read one element at a time.
  const isTail = isSplit && multiplesOf4([columns, inner]) && secondInner % 4 !== 0 && hasTails(context.info, half);
  const shape = {
    rows,
    columns,
    inner: isTail ? inner : inner + secondInner,
    widths: isTail ? [columns, inner] : [columns, inner, secondInner],
    rightAlong: transposed,
    rightVec4: multiplesOf4([weightStride, weightOffset]),
    splitLeft: isSplit && !isTail ? ([inner, secondInner] as const) : undefined,
    tail: isTail,
    layerNorm: Boolean(layerNorm),
    half,
    leftHalf: halfX,
  };
  runProduct(
    context,
    "linear",
    shape,
    {
      TRANSPOSED: flag(transposed),
      HALF_X: flag(halfX),
      COLUMN_NORM: flag(norm),
    },
    {
      x,
      weight,
      y,
      second: second ?? weight,
      bias: bias ?? weight,
      residual: residual ?? weight,
      ...lastArrays(context, call),
    },
    {
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

/** The arrays of a norm or of a scatter, of which a call has one at most. */
function lastArrays(context: Context, { norm, layerNorm, scatter, weight, columns }: LinearCall): Arrays {
  if (norm) return { column_norm: columnNorm(context, columns, norm) };
  if (layerNorm) return { norm_weight: layerNorm.weight, norm_bias: layerNorm.bias };
  return { row_index: scatter ?? weight };
}

/** The array of column_norm.wgsl. */
function columnNorm(context: Context, columns: number, { width, ...norm }: ColumnNorm): BufferStorage {
  const { derived, run } = context;
  const { mean, variance, weight, bias } = norm;
  return derived.of([weight, bias, mean, variance], 4 * columns * 4, (column_norm) =>
    run("column_norm", {}, { ...norm, column_norm }, { columns, width }, Math.ceil(columns / THREADS)),
  );
}

export const linearMaps = (context: Context) => {
  const { info, pool } = context;
  const { gatherRows, scatterRows } = movedRows(context);

  const linear: DirectOperators["linear"] = (a) => {
    const { x, second, residual, scatter, fromHidden, rows, columns, inner, secondInner = 0 } = a;
    if (scatter && rows > rowsInBinding(info.maxBindingBytes, Math.max(inner, secondInner, columns))) {
      linearThenScatter(a, scatter);
      return;
    }
    runLinear(context, {
      ...a,
      x: fromHidden ? x : [x, inner],
      halfX: fromHidden && isMixed(info),
      second: second && [second, secondInner],
      residual: residual && [residual, columns],
      y: [a.y, columns],
    });
  };

  /** Computes the product in its own order first and then moves its rows, window by window. */
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

    narrowLinearLayerNorm({ x, second, residual, y, norm, ...a }) {
      const { columns, inner, secondInner = 0 } = a;
      if (!multiplesOf4([columns, inner, secondInner]) || !hasLayerNorm(info, isMixed(info), columns)) return false;
      const split = { x: [x, inner], residual: [residual, columns], y: [y, columns] } as const;
      runLinear(context, { ...a, ...split, second: second && [second, secondInner], layerNorm: norm });
      return true;
    },

    inputGradient({ gradient, weight, into, rows, columns, inner, stride = inner, offset = 0, packedWidth }) {
      runLinear(context, {
        x: [gradient, columns],
        weight,
        y: [into.storage, inner],
        rows,
        columns: inner,
        inner: columns,
        weightStride: stride,
        weightOffset: offset,
        packedWidth,
        transposed: true,
        accumulate: into.accumulate,
      });
    },

    // The bits of the bias do not depend on whether the weight's gradient is needed.
    weightGradient({ gradient, x, into, rows, columns, inner, stride = inner, offset, packedWidth }) {
      const { weight, bias } = into;
      if (!weight && !bias) return;
      const { sums, parts } = weightParts(context, gradient, x, { rows, columns, inner, bias: flag(bias) });
      const place = { parts, partSize: columns * (inner + flag(bias)), rows: columns, packedWidth };
      if (weight) sumParts(context, sums, weight, { ...place, columns: inner, stride, offset });
      if (bias) sumParts(context, sums, bias, { ...place, first: columns * inner });
      pool.release(sums);
    },
  } satisfies Partial<Primitives>;
};

/**
 * The weight gradients of two linear maps of the same x, with `columns` columns each. A row of `gradient` holds that of the first
 * map's columns, followed by that of the second's.
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
 * Sums over parts of the rows, [parts, columns * inner (+ columns for the bias)], which the caller releases. Where the parts begin,
 * and so the bits, does not depend on the size of a binding, unless that is less than one part.
 */
function weightParts(
  context: Context,
  gradient: Storage,
  x: Storage,
  { rows, columns, inner, bias }: { rows: number; columns: number; inner: number; bias: number },
): { sums: BufferStorage; parts: number } {
  const { run, info, pool } = context;
  const product = {
    rows: columns,
    columns: inner,
    inner: rows,
    widths: [columns, inner],
    leftAlong: true,
    rightAlong: true,
    half: halvesGradients(info),
  };
  const { constants, tiles } = productCut({ ...product, inParts: true }, info);
  const width = Math.max(columns, inner);
  // The parts do not depend on the tile, because the bits depend on the parts.
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
      boundRows({ gradient: [gradient, columns], x: [x, inner], sums }, first, count),
      { rows: count, columns, inner, part_rows: partRows, first_part: first / partRows },
      tiles * Math.ceil(count / partRows),
    );
  });
  return { sums, parts };
}
