// What the backward operators are made of: gradients of a product's two sides, and sums over rows. Those are taken in parts,
// and the parts added up in their order, so that the bits do not depend on how the device schedules its work.

import type { Storage } from "../device.ts";
import type { Destination, LinearDestinations } from "../operators.ts";
import { ElementwiseOperators } from "./elementwise.ts";
import { COLUMNS_ACROSS, flag, itemsOf, MOMENT_ROWS, ROWS_OF_EIGHT_LANES, THREADS } from "./forward.ts";
import type { BufferStorage } from "./memory.ts";
import { productCut, tilesOf } from "./products.ts";
import type { Bound } from "./recorder.ts";
import { overRows, ROW_STEP, rowsInBinding, rowWindow } from "./windows.ts";

/** A weight gradient's parts have at least so many rows, and there are about so many workgroups of 64 x 64 sums. */
const PART_ROWS = 128;
const PART_GROUPS = 2048;

/** Rows are added up in parts, of which there are about so many workgroups; few rows are a single one. */
const COLUMN_GROUPS = 512;
const SINGLE_PART_ROWS = 2048;
/** So many parts are added up by several threads each. */
const MANY_PARTS = 64;

/** What is to be added up along its rows; where its rows and those of the factor begin. */
interface ColumnShape {
  rows: number;
  columns: number;
  factor?: Storage;
  scale?: Storage;
  firstX?: number;
  firstFactor?: number;
}

export const vector = (storage: Storage): Bound => storage as BufferStorage;

export class GradientOperators extends ElementwiseOperators {
  /** into [rows, inner] (+)= gradient [rows, columns] W, where W's element (c, k) lies at offset + c * stride + k. */
  protected inputGradient(
    gradient: Storage,
    weight: Storage,
    into: Destination,
    shape: {
      rows: number;
      columns: number;
      inner: number;
      stride: number;
      offset: number;
      packedWidth?: number;
      firstGradient?: number;
    },
  ): void {
    const { rows, columns, inner, stride, offset, packedWidth = 0, firstGradient = 0 } = shape;
    overRows(rows, this.limits.bindingBytes, Math.max(columns, inner), (first, count) => {
      this.runLinear({
        x: rowWindow(gradient, columns, firstGradient + first, count),
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
  }

  /**
   * The weight's element (c, offset + k) of a row of `stride` numbers (+)= sum over rows of gradient[row, c] x[row, k], and the
   * bias' element c (+)= sum over rows of gradient[row, c]. The bias' bits do not depend on whether the weight is wanted.
   */
  protected weightGradient(
    gradient: Storage,
    x: Storage,
    { weight, bias }: LinearDestinations,
    shape: {
      rows: number;
      columns: number;
      inner: number;
      stride: number;
      offset: number;
      packedWidth?: number;
      firstGradient?: number;
    },
  ): void {
    if (!weight && !bias) return;
    const { rows, columns, inner, stride, offset, packedWidth = 0, firstGradient = 0 } = shape;
    const sizes = { rows, columns, inner, bias: flag(bias) };
    const { sums, parts } = this.#weightParts(gradient, x, sizes, firstGradient);
    const place = { parts, rows: columns, packedWidth };
    const second = bias && { into: bias, rows: columns };
    if (weight) this.sumParts(sums, weight, { ...place, columns: inner, stride, offset }, second);
    else if (bias) {
      const behind = { first: columns * inner, partSize: columns * (inner + 1) };
      this.sumParts(sums, bias, { ...place, ...behind, columns: 1, stride: 1, offset: 0 });
    }
    this.pool.release(sums);
  }

  /**
   * Gradients of two linear maps of the same x, of `columns` columns each. A row of `gradient` holds those of the first map's columns,
   * then those of the second's.
   */
  protected pairedWeightGradients(
    gradient: Storage,
    x: Storage,
    [low, high]: readonly [LinearDestinations, LinearDestinations],
    { rows, columns, inner }: { rows: number; columns: number; inner: number },
  ): void {
    const bias = flag(low.bias || high.bias);
    if (!low.weight && !high.weight && !bias) return;
    const { sums, parts } = this.#weightParts(gradient, x, { rows, columns: 2 * columns, inner, bias });
    const place = { parts, partSize: 2 * columns * (inner + bias), columns: 1, stride: 1, offset: 0 };
    const sumPair = (one: Destination | undefined, other: Destination | undefined, first: number, size: number) => {
      if (one) this.sumParts(sums, one, { ...place, first, rows: size }, other && { into: other, rows: size });
      else if (other) this.sumParts(sums, other, { ...place, first: first + size, rows: size });
    };
    sumPair(low.weight, high.weight, 0, columns * inner);
    sumPair(low.bias, high.bias, 2 * columns * inner, columns);
    this.pool.release(sums);
  }

  /**
   * Sums in parts of the rows, [parts, columns * inner (+ columns for the bias)]. The caller releases them. Where the parts begin, and
   * so the bits, does not depend on what a binding holds, unless it holds less than one part.
   */
  #weightParts(
    gradient: Storage,
    x: Storage,
    { rows, columns, inner, bias }: { rows: number; columns: number; inner: number; bias: number },
    firstGradient = 0,
  ): { sums: BufferStorage; parts: number } {
    const product = { rows: columns, columns: inner, widths: [columns, inner], leftAlong: true, rightAlong: true };
    const { constants, tiles } = productCut({ ...product, inParts: true }, this.info);
    const widest = Math.max(columns, inner);
    // The same parts whatever the tile, since a sum's bits depend on them.
    const wanted = Math.max(1, Math.floor(PART_GROUPS / tilesOf(product, { rows: 64, columns: inner > 32 ? 64 : 32 })));
    const partRows = Math.min(
      Math.max(PART_ROWS, Math.ceil(rows / wanted / ROW_STEP) * ROW_STEP),
      rowsInBinding(this.limits.bindingBytes, widest),
    );
    const parts = Math.ceil(rows / partRows);
    const sums = this.pool.allocate(parts * columns * (inner + bias) * 4);
    this.overParts(rows, widest, partRows, (first, count) => {
      this.run(
        "weight_gradient",
        { ...constants, LEFT_SUMS: bias },
        {
          gradient: rowWindow(gradient, columns, firstGradient + first, count),
          x: rowWindow(x, inner, first, count),
          sums,
        },
        { rows: count, columns, inner, part_rows: partRows, first_part: first / partRows },
        tiles * Math.ceil(count / partRows),
      );
    });
    return { sums, parts };
  }

  /** into[c] (+)= sum over rows of x[row, c] (* factor[row, c]) (* scale[row]), and plain[c] (+)= sum over rows of x[row, c]. */
  protected columnSums(x: Storage, into: Destination, shape: ColumnShape, plain?: Destination): void {
    const { rows, columns } = shape;
    if (!plain && rows <= this.#partRows(rows, columns)) {
      this.#columnParts(x, vector(into.storage), { ...shape, accumulate: into.accumulate });
      return;
    }
    const { sums, parts } = this.partialColumnSums(x, shape, flag(plain));
    const matrix = { parts, rows: columns, columns: 1, stride: 1, offset: 0 };
    if (plain) this.sumParts(sums, plain, matrix, { into, rows: columns });
    else this.sumParts(sums, into, matrix);
    this.pool.release(sums);
  }

  /** The same in parts of the rows, [parts, columns] or with `plain` [parts, 2, columns], for sumParts. The caller releases them. */
  protected partialColumnSums(x: Storage, shape: ColumnShape, plain = 0): { sums: BufferStorage; parts: number } {
    const { rows, columns } = shape;
    const parts = Math.ceil(rows / this.#partRows(rows, columns));
    const sums = this.pool.allocate(parts * (1 + plain) * columns * 4);
    this.#columnParts(x, sums, { ...shape, plain });
    return { sums, parts };
  }

  /** Rows of one part: a multiple of MOMENT_ROWS where a binding holds so many. */
  #partRows(rows: number, columns: number): number {
    const tiles = Math.ceil(itemsOf(columns).items / COLUMNS_ACROSS);
    const parts = rows <= SINGLE_PART_ROWS ? 1 : Math.ceil(COLUMN_GROUPS / tiles);
    const wanted = Math.max(1, Math.ceil(rows / parts / MOMENT_ROWS)) * MOMENT_ROWS;
    return Math.min(wanted, rowsInBinding(this.limits.bindingBytes, columns));
  }

  #columnParts(x: Storage, sums: Bound, shape: ColumnShape & { plain?: number; accumulate?: boolean }): void {
    const { rows, columns, factor, scale, firstX = 0, firstFactor = 0, plain = 0, accumulate } = shape;
    const partRows = this.#partRows(rows, columns);
    this.overParts(rows, columns, partRows, (first, count) => {
      const bound: Record<string, Bound> = { x: rowWindow(x, columns, firstX + first, count), sums };
      if (factor) bound.factor = rowWindow(factor, columns, firstFactor + first, count);
      if (scale) bound.scale = rowWindow(scale, 1, first, count);
      this.runColumns(
        "column_sums",
        { FACTOR: flag(factor), SCALE: flag(scale), PLAIN: plain, ACCUMULATE: flag(accumulate) },
        bound,
        { first, count, width: columns, partRows },
      );
    });
  }

  /**
   * into (+)= sum over parts of the rows x columns numbers from `first` on of each part; what follows them there goes to `second`,
   * where there is one.
   */
  protected sumParts(
    sums: BufferStorage,
    into: Destination,
    shape: {
      parts: number;
      partSize?: number;
      first?: number;
      rows: number;
      columns: number;
      stride: number;
      offset: number;
      packedWidth?: number;
    },
    second?: { into: Destination; rows: number },
  ): void {
    const { parts, rows, columns, stride, offset, packedWidth = 0, first = 0 } = shape;
    const size = rows * columns + (second?.rows ?? 0);
    const eight = parts >= MANY_PARTS;
    this.run(
      "sum_parts",
      {
        ACCUMULATE: flag(into.accumulate),
        SECOND: flag(second),
        ACCUMULATE_SECOND: flag(second?.into.accumulate),
        EIGHT_LANES: flag(eight),
      },
      { sums, out: vector(into.storage), ...(second && { second: vector(second.into.storage) }) },
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

  protected rmsNormBackward(
    x: Storage,
    norm: Storage,
    scale: Storage,
    dy: Storage,
    into: Destination,
    firstRow: number,
    rows: number,
    width: number,
  ): void {
    overRows(rows, this.limits.bindingBytes, width, (first, count) => {
      this.run(
        "rms_norm_backward",
        { ACCUMULATE: flag(into.accumulate), QUADS: itemsOf(width).quads },
        {
          x: rowWindow(x, width, firstRow + first, count),
          norm: vector(norm),
          scale: rowWindow(scale, 1, first, count),
          dy: rowWindow(dy, width, first, count),
          dx: rowWindow(into.storage, width, firstRow + first, count),
        },
        { rows: count, width },
        Math.ceil(count / ROWS_OF_EIGHT_LANES),
      );
    });
  }
}
