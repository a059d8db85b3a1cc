// What the backward operators are made of: gradients of a product's two sides, and sums over rows. Those are taken in parts,
// and the parts added up in their order, so that the bits do not depend on how the device schedules its work.

import type { Storage } from "../device.ts";
import type { Destination } from "../operators.ts";
import { ElementwiseOperators } from "./elementwise.ts";
import { flag, itemsOf, MOMENT_ROWS, ROWS_OF_EIGHT_LANES, THREADS } from "./forward.ts";
import type { BufferStorage } from "./memory.ts";
import { productCut, tilesOf } from "./products.ts";
import type { Bound } from "./recorder.ts";
import { overRows, rowsInBinding, rowWindow } from "./windows.ts";

/** A weight gradient's parts have at least so many rows, and there are about so many workgroups of them. */
const PART_ROWS = 256;
const PART_GROUPS = 512;

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

  /** The weight's element (c, offset + k) of a row of `stride` numbers (+)= sum over rows of gradient[row, c] x[row, k]. */
  protected weightGradient(
    gradient: Storage,
    x: Storage,
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
    const product = { rows: columns, columns: inner, widths: [columns, inner], leftAlong: true, rightAlong: true };
    const { constants, tiles } = productCut({ ...product, inParts: true }, this.info);
    // The same parts whatever the tile, since a sum's bits depend on them.
    const wanted = Math.max(1, Math.floor(PART_GROUPS / tilesOf(product, { rows: 64, columns: inner > 32 ? 64 : 32 })));
    overRows(rows, this.limits.bindingBytes, Math.max(columns, inner), (first, count) => {
      const partRows = Math.max(PART_ROWS, Math.ceil(count / wanted / 16) * 16);
      const parts = Math.ceil(count / partRows);
      const sums = this.pool.allocate(parts * columns * inner * 4);
      this.run(
        "weight_gradient",
        constants,
        {
          gradient: rowWindow(gradient, columns, firstGradient + first, count),
          x: rowWindow(x, inner, first, count),
          sums,
        },
        { rows: count, columns, inner, part_rows: partRows },
        tiles * parts,
      );
      this.sumParts(
        sums,
        { ...into, accumulate: into.accumulate || first > 0 },
        { parts, rows: columns, columns: inner, stride, offset, packedWidth },
      );
      this.pool.release(sums);
    });
  }

  /** into[c] (+)= sum over rows of x[row, c] (* factor[row, c]) (* scale[row]). */
  protected columnSums(
    x: Storage,
    into: Destination,
    shape: {
      rows: number;
      columns: number;
      factor?: Storage;
      scale?: Storage;
      /** First row of x and of the factor to be read. */
      firstX?: number;
      firstFactor?: number;
      firstGradient?: number;
      packedWidth?: number;
      /** The sums laid out as a matrix of so many rows, inside a wider one. */
      outRows?: number;
      stride?: number;
      offset?: number;
    },
  ): void {
    const {
      rows,
      columns,
      factor,
      scale,
      firstGradient = 0,
      firstX = firstGradient,
      firstFactor = 0,
      packedWidth = 0,
    } = shape;
    const { outRows = columns, stride = 1, offset = 0 } = shape;
    const parts = Math.ceil(rows / MOMENT_ROWS);
    const sums = this.pool.allocate(parts * columns * 4);
    this.overParts(rows, columns, (first, count) => {
      const bound: Record<string, Bound> = { x: rowWindow(x, columns, firstX + first, count), sums };
      if (factor) bound.factor = rowWindow(factor, columns, firstFactor + first, count);
      if (scale) bound.scale = rowWindow(scale, 1, first, count);
      this.run(
        "column_sums",
        { FACTOR: flag(factor), SCALE: flag(scale) },
        bound,
        { rows: count, columns, first_part: first / MOMENT_ROWS },
        Math.ceil((Math.ceil(count / MOMENT_ROWS) * columns) / THREADS),
      );
    });
    this.sumParts(sums, into, { parts, rows: outRows, columns: columns / outRows, stride, offset, packedWidth });
    this.pool.release(sums);
  }

  protected sumParts(
    sums: BufferStorage,
    into: Destination,
    {
      parts,
      rows,
      columns,
      stride,
      offset,
      packedWidth,
    }: { parts: number; rows: number; columns: number; stride: number; offset: number; packedWidth: number },
  ): void {
    this.run(
      "sum_parts",
      { ACCUMULATE: flag(into.accumulate) },
      { sums, out: vector(into.storage) },
      {
        parts,
        part_size: rows * columns,
        first: 0,
        rows,
        columns,
        out_columns: stride,
        first_column: offset,
        packed_width: packedWidth,
      },
      Math.ceil((rows * columns) / THREADS),
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

  /** Ranges of rows that fit into one binding and begin with a part of their own. */
  protected overParts(rows: number, width: number, run: (first: number, count: number) => void): void {
    const step = Math.floor(rowsInBinding(this.limits.bindingBytes, width) / MOMENT_ROWS) * MOMENT_ROWS;
    for (let first = 0; first < rows; first += step) run(first, Math.min(step, rows - first));
  }
}
