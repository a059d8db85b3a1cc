// The tiles of matrix products, by the constants of their kernels (gpu/product.wgsl).

import type { Tile } from "../../backends/device.ts";
import type { Constants } from "../../backends/webgpu/kernels.ts";

/** Elements of the inner dimension in one iteration of a product's loop. */
export const INNER_A_TURN = 16;

/** Reads a product's tile from its constants; undefined where the kernel is no product. */
export function tileOf({ TILE_ROWS, TILE_COLUMNS }: Constants): Tile | undefined {
  return TILE_ROWS ? { rows: TILE_ROWS, columns: TILE_COLUMNS } : undefined;
}

/** Elements of the hidden layer in one iteration of feed_forward.wgsl's loop, each with an element of three weights for each channel. */
const HIDDEN_A_TURN = 32;

/** FMAs of one thread in one iteration of a product in registers, or of the feed-forward part in one kernel. */
export function fmaATurn(constants: Constants, threads: number): number | undefined {
  const { ROWS, WIDTH } = constants;
  if (ROWS && WIDTH) return (3 * WIDTH * HIDDEN_A_TURN * ROWS) / threads;
  const tile = tileOf(constants);
  if (!tile || constants.MATRIX || constants.PRIVATE) return undefined;
  return (tile.rows * tile.columns * INNER_A_TURN) / threads;
}
