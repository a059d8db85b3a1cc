// Fields on a grid, [lat, lon] or [lat, lon, components]. Of its points a file has the axes alone, lat [n] and lon [m], as netCDF's files
// do; where the grid is curved, it has an array [n, m] of each coordinate.

import { sizeOf } from "../../arguments/numbers.ts";
import { FormatError } from "../../errors.ts";
import { expectRows } from "../../formats/bytes/bytes.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import type { Cells } from "../../formats/clouds/cells.ts";
import { gridCells } from "../../formats/clouds/grid-cells.ts";
import { numbersOf } from "./file-numbers.ts";

/** What a config says of the grid that its files have. */
export interface GridRule {
  /** The arrays of the axes, in the order in which fields have them; or of the points' coordinates, if the grid is curved. */
  readonly axes: readonly string[];
  /** The same arrays in the order of a point's coordinates. */
  readonly coordinates: readonly string[];
}

/** The grid of a file. */
export interface Grid extends GridRule {
  /** The number of points along each axis; they follow one another along the last. */
  readonly sizes: readonly number[];
  /** The axis along which it goes around a globe: the last points have the first as neighbours. */
  readonly closed?: number;
}

type Arrays = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** Returns what a config says of a grid; undefined if its files have points. */
export function gridRule(config: {
  readonly grid?: readonly string[] | undefined;
  readonly coordinates?: readonly string[] | undefined;
}): GridRule | undefined {
  const { grid: axes, coordinates = axes } = config;
  return axes && coordinates && { axes, coordinates };
}

/** Returns the grid that arrays have; undefined if those of its axes are missing, or have other shapes. */
export function findGrid(arrays: Arrays, rule: GridRule): Grid | undefined {
  const shapes = rule.axes.map((name) => arrays.get(name)?.shape ?? []);
  if (shapes.every((shape) => shape.length === 1)) return { ...rule, sizes: shapes.flat() };
  const [sizes] = shapes;
  const isCurved = sizes.length === 2 || sizes.length === 3;
  return isCurved && shapes.every((shape) => String(shape) === String(sizes)) ? { ...rule, sizes } : undefined;
}

/** Whether an array has the grid's axes, from its axis `first` on. */
export const hasAxes = ({ shape }: { readonly shape: readonly number[] }, { sizes }: Grid, first = 0): boolean =>
  sizes.every((size, axis) => shape[first + axis] === size);

/** Whether an array has the grid's axes from its axis `first` on, or after an axis of one: [frames, 1, lat, lon], as PDEBench's have. */
export const onGrid = (array: { readonly shape: readonly number[] }, grid: Grid, first = 0): boolean =>
  hasAxes(array, grid, first) || (array.shape[first] === 1 && hasAxes(array, grid, first + 1));

/** Returns a grid's points. @throws FormatError if there are more than `limits.rows` */
export function gridPoints(
  arrays: ReadonlyMap<string, SafeTensor>,
  { axes, coordinates, sizes }: Grid,
  file: string,
): SafeTensor {
  const points = sizeOf(sizes);
  expectRows(points, "points", file);
  const columns = coordinates.map((name) => numbersOf(arrays.get(name) as SafeTensor, `${file}:${name}`));
  const isSingle = columns.every((values) => values instanceof Float32Array);
  const data = new (isSingle ? Float32Array : Float64Array)(points * columns.length);
  for (const [column, values] of columns.entries()) {
    const axis = axes.indexOf(coordinates[column]);
    // How many points follow one another with the same value: of an axis of the grid as many as the axes after it have.
    const repeated = values.length === points ? 1 : sizeOf(sizes.slice(axis + 1));
    for (let i = 0; i < points; i++)
      data[i * columns.length + column] = values[Math.floor(i / repeated) % values.length];
  }
  return { dtype: isSingle ? "F32" : "F64", shape: [points, columns.length], data };
}

/** Returns the arrays of a file with a row for each point of the grid in those that have its axes, also after an axis of one. */
export function withRows(arrays: ReadonlyMap<string, SafeTensor>, grid: Grid): Map<string, SafeTensor> {
  const points = sizeOf(grid.sizes);
  const rows = (array: SafeTensor): SafeTensor => {
    if (!onGrid(array, grid)) return array;
    const first = hasAxes(array, grid) ? 0 : 1;
    return { ...array, shape: [points, ...array.shape.slice(first + grid.sizes.length)] };
  };
  return new Map([...arrays].map(([name, array]) => [name, rows(array)]));
}

/** Returns arrays that have a row for each point with the grid's axes in place of the rows. */
export function withAxes<Of extends { readonly shape: readonly number[] }>(
  arrays: ReadonlyMap<string, Of>,
  { sizes }: Grid,
): Map<string, Of> {
  const points = sizeOf(sizes);
  return new Map(
    [...arrays].map(([name, array]) => {
      const { shape } = array;
      return [name, shape[0] === points ? { ...array, shape: [...sizes, ...shape.slice(1)] } : array];
    }),
  );
}

/** Returns the cells between a grid's points. */
export function cellsOfGrid({ sizes, closed }: Grid, file: string): Cells {
  const [x, y = 1, z = 1] = [...sizes].reverse();
  if (closed === undefined) return gridCells([x, y, z], file);
  // Grids on a globe have two axes. After the last points along one of them the first come again.
  const [width, height] = closed === 1 ? [x + 1, y] : [x, y + 1];
  const cells = gridCells([width, height, 1], file);
  const pointAt = (place: number) => (Math.floor(place / width) % y) * x + ((place % width) % x);
  return { ...cells, connectivity: cells.connectivity.map(pointAt) };
}

/** Says that a file has no such grid. */
export function missingGrid(arrays: Arrays, { axes }: GridRule, file: string): FormatError {
  const shapeOf = (name: string) => {
    const shape = arrays.get(name)?.shape;
    return `"${name}" ${shape ? `has the shape [${shape}]` : "is missing"}`;
  };
  const expected = `expected arrays [n] of its axes, or arrays [n, m] of its points' coordinates`;
  const problem = `has not the grid of the config: ${expected}; ${axes.map(shapeOf).join(", ")}.`;
  return new FormatError(`${file}: ${problem}`, { file, expected: [...axes], found: [...arrays.keys()] });
}
