// Cells with the same number of corners.

import type { Cells } from "../formats/clouds/cells.ts";

/**
 * @param connectivity the points of each cell, cell after cell
 * @param corners the number of points of each cell
 * @param kind one of `kinds`
 */
export function equalCells(connectivity: Int32Array, corners: number, kind: number): Cells {
  const count = connectivity.length / corners;
  return {
    offsets: Int32Array.from({ length: count + 1 }, (_, cell) => corners * cell),
    connectivity,
    types: new Uint8Array(count).fill(kind),
  };
}
