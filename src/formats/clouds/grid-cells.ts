// The cells of a grid of points: one between each point and the next along the axes that have several.

import { sizeOf } from "../../arguments/numbers.ts";
import { expectRows } from "../bytes/bytes.ts";
import { type Cells, equalCells, kinds } from "./cells.ts";

/** The number of points along each axis of a grid. Points follow one another along the first axis. */
export type GridSizes = readonly [number, number, number];

/** Returns the number of a grid's cells. */
export function gridCellCount(sizes: GridSizes): number {
  return sizeOf(sizes) === 0 ? 0 : sizeOf(sizes.map((size) => Math.max(1, size - 1)));
}

/**
 * Returns the cells of a grid, in the order in which VTK counts them: hexahedra, or quads, lines or a vertex if it is flat.
 * @throws FormatError if there are more than `limits.rows`
 */
export function gridCells(sizes: GridSizes, file: string): Cells {
  const cells = gridCellCount(sizes);
  expectRows(cells, "cells", file);
  const steps = [1, sizes[0], sizes[0] * sizes[1]];
  const axes = [0, 1, 2].filter((axis) => sizes[axis] > 1);
  const [x = 0, y = 0, z = 0] = axes.map((axis) => steps[axis]);
  const corners = [[0], [0, x], [0, x, x + y, y], [0, x, x + y, y, z, x + z, x + y + z, y + z]][axes.length];
  const connectivity = new Int32Array(cells * corners.length);
  let at = 0;
  const cellsAlong = (axis: number) => Math.max(1, sizes[axis] - 1);
  for (let k = 0; at < connectivity.length; k++) {
    for (let j = 0; j < cellsAlong(1); j++) {
      for (let i = 0; i < cellsAlong(0); i++) {
        for (const corner of corners) connectivity[at++] = i * steps[0] + j * steps[1] + k * steps[2] + corner;
      }
    }
  }
  return equalCells(connectivity, corners.length, cellTypes[axes.length]);
}

/** The types of a grid's cells, by the number of axes along which it extends. */
const cellTypes = [kinds.vertex, kinds.line, kinds.quad, kinds.hexahedron];
