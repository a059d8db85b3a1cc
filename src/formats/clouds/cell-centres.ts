// The centres of cells: the points at which values of cells are taken to be.

import { expectKind } from "../../arguments/kinds.ts";
import { InputError } from "../../errors.ts";
import { type SafeTensor, type SafeTensorInput, tensorType } from "../bytes/elements.ts";
import { type Cells, expectCells } from "./cells.ts";

/**
 * Returns the centre of each cell, which is the mean of its points.
 * @param points [points, dimensions]; whole numbers have centres in float64
 * @returns [cells, dimensions], F32 if the points are, otherwise F64
 * @throws InputError for what is no cells, cells of unknown points, and a cell without points
 */
export function cellCentres(points: SafeTensorInput, cells: Cells): SafeTensor {
  expectKind("points", points, "{ shape: [points, dimensions], data }", points?.shape?.length === 2);
  const dtype = tensorType("points", points);
  expectCells(cells);
  const { offsets, connectivity } = cells;
  const [count, dimensions] = points.shape;
  const rows = offsets.length - 1;
  const centres = dtype === "F32" ? new Float32Array(rows * dimensions) : new Float64Array(rows * dimensions);
  const sums = new Float64Array(dimensions);
  for (let cell = 0; cell < rows; cell++) {
    const [first, end] = [offsets[cell], offsets[cell + 1]];
    if (!(end > first)) throw new InputError(`cell ${cell} has no points, and so no centre.`, { row: cell });
    sums.fill(0);
    for (let i = first; i < end; i++) {
      const point = connectivity[i];
      if (!(point >= 0 && point < count)) {
        throw new InputError(`cell ${cell} has the point ${point}, there are ${count}.`, { row: cell, found: point });
      }
      for (let axis = 0; axis < dimensions; axis++) sums[axis] += Number(points.data[point * dimensions + axis]);
    }
    for (let axis = 0; axis < dimensions; axis++) centres[cell * dimensions + axis] = sums[axis] / (end - first);
  }
  return { dtype: dtype === "F32" ? "F32" : "F64", shape: [rows, dimensions], data: centres };
}
