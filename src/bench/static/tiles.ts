// The tiles of matrix products, by the constants of their kernels (gpu/product.wgsl).

import type { Constants } from "../../backends/webgpu/kernels.ts";

/** Of the inner dimension that one turn of a product's loop takes. */
export const INNER_A_TURN = 16;

export interface Tile {
  rows: number;
  columns: number;
}

/** Undefined where the kernel is no product. */
export function tileOf({ ROW_HALVES, HALVES }: Constants): Tile | undefined {
  if (ROW_HALVES === undefined || HALVES === undefined) return undefined;
  return { rows: 32 * ROW_HALVES, columns: 32 * HALVES };
}

/** FMAs of one thread in one turn of a product in registers. */
export function fmaATurn(constants: Constants, threads: number): number | undefined {
  const tile = tileOf(constants);
  if (!tile || constants.MATRIX || constants.PRIVATE) return undefined;
  return (tile.rows * tile.columns * INNER_A_TURN) / threads;
}
