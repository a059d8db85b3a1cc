// The tiles of matrix products, by the constants of their kernels (gpu/product.wgsl).

import type { Tile } from "../../backends/device.ts";
import type { Constants } from "../../backends/webgpu/kernels.ts";

/** Of the inner dimension that one turn of a product's loop takes. */
export const INNER_A_TURN = 16;

/** Undefined where the kernel is no product. */
export function tileOf({ TILE_ROWS, TILE_COLUMNS }: Constants): Tile | undefined {
  return TILE_ROWS ? { rows: TILE_ROWS, columns: TILE_COLUMNS! } : undefined;
}

/** FMAs of one thread in one turn of a product in registers. */
export function fmaATurn(constants: Constants, threads: number): number | undefined {
  const tile = tileOf(constants);
  if (!tile || constants.MATRIX || constants.PRIVATE) return undefined;
  return (tile.rows * tile.columns * INNER_A_TURN) / threads;
}
