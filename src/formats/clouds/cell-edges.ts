// The graph between the cells of a mesh: those that share a side are joined, as the cells of finite volumes are by their fluxes.

import { expectKind } from "../../arguments/kinds.ts";
import { InputError } from "../../errors.ts";
import {
  type Cells,
  expectCells,
  facesOf,
  kinds,
  linearSides,
  linearTypes,
  uniqueEdges,
  unknownType,
} from "./cells.ts";

/** The faces of the linear types that fill space, each as the numbers of its corners: a is 10, b is 11. */
const linearFaces: Readonly<Record<number, string>> = {
  10: "012 013 123 023",
  11: "0132 4576 0154 2376 0264 1375",
  12: "0123 4567 0154 1265 2376 3047",
  13: "012 345 0143 1254 2035",
  14: "0123 014 124 234 304",
  15: "01234 56789 0165 1276 2387 3498 4059",
  16: "012345 6789ab 0176 1287 2398 34a9 45ba 506b",
};

/** The sides of the linear types, each as the numbers of its corners: faces, sides of surfaces, and the ends of a line. */
const sidesByType: ReadonlyMap<number, readonly (readonly number[])[]> = new Map([
  ...Object.entries(linearSides).map(([type, sides]): [number, number[][]] => [Number(type), inPairs(sides)]),
  ...Object.entries(linearFaces).map(([type, faces]): [number, number[][]] => [
    Number(type),
    faces.split(" ").map((face) => Array.from(face, (corner) => Number.parseInt(corner, 16))),
  ]),
  [kinds.line, [[0], [1]]],
]);

/**
 * Returns the graph between the cells of a mesh: an edge between two that share a side, in both directions. A side is a face of a cell
 * that fills space, an edge of one in a surface, and an end of a line. Where more than two cells share one, as those of surfaces do that
 * cross, each is joined with the next.
 * @param points the number of points in the mesh
 * @returns [2, E] sources, then targets: numbers of cells, laid out as those of points are by `meshEdges`
 * @throws InputError for what is no cells, a cell type whose sides are not known here, or a cell with too few points
 */
export function cellEdges(cells: Cells, points: number): Int32Array {
  expectCells(cells);
  expectKind("points", points, "the number of points", Number.isSafeInteger(points) && points >= 0);
  const { length } = cells.types;
  let count = 0;
  for (let cell = 0; cell < length; cell++) for (const _ of sidesOf(cells, cell)) count++;
  const sides = new Sides(count, points);
  for (let cell = 0; cell < length; cell++) for (const side of sidesOf(cells, cell)) sides.add(cell, side);
  const order = sides.sorted();
  return uniqueEdges(length, (use) => sides.forEachShared(order, use));
}

/** Yields the points of each side of a cell. Those in the middle of the sides of quadratic types are left out. */
function* sidesOf(cells: Cells, cell: number): Generator<readonly number[] | Int32Array> {
  const { offsets, connectivity, types, polyhedra } = cells;
  const type = linearTypes[types[cell]] ?? types[cell];
  const list = connectivity.subarray(offsets[cell], offsets[cell + 1]);
  const [first, last] = [list[0], list[list.length - 1]];
  const sides = sidesByType.get(type);
  if (sides) for (const side of sides) yield side.map((corner) => list[corner]);
  else if (type === kinds.polyLine) yield* [[first], [last]];
  else if (type === kinds.polygon) for (let i = 0; i < list.length; i++) yield [list.at(i - 1) as number, list[i]];
  else if (type === kinds.polyhedron && polyhedra) yield* facesOf(polyhedra, cell);
  else if (type === kinds.triangleStrip) {
    yield [first, list[1]];
    for (let i = 2; i < list.length; i++)
      yield* [
        [list[i - 2], list[i]],
        [list[i - 1], list[i]],
      ];
  } else throw unknownType(types[cell], cell);
}

/**
 * Sides of cells, in which those with the same points can be found. Of each it keeps the two least and the largest of its points: two
 * faces of one mesh do not differ in the others alone.
 */
class Sides {
  readonly #cells: Int32Array;
  readonly #least: Int32Array;
  readonly #second: Int32Array;
  readonly #largest: Int32Array;
  #count = 0;

  /**
   * @param most the largest number of sides
   * @param points the number of points in the mesh
   */
  constructor(
    most: number,
    readonly points: number,
  ) {
    [this.#cells, this.#least, this.#second, this.#largest] = [1, 2, 3, 4].map(() => new Int32Array(most));
  }

  /** Adds a side, unless it is one that has shrunk to a line, as those of a hexahedron with corners in the same place do. */
  add(cell: number, side: readonly number[] | Int32Array): void {
    let [least, second, largest] = [side[0], Number.POSITIVE_INFINITY, side[0]];
    for (const point of side) {
      if (!(point >= 0 && point < this.points)) {
        throw new InputError(`cell ${cell} has the point ${point}, expected one of ${this.points}.`, { row: cell });
      }
      if (point > largest) largest = point;
      if (point < least) [least, second] = [point, least];
      else if (point > least && point < second) second = point;
    }
    if (side.length > 1 && least === largest) return;
    if (side.length > 2 && second === largest) return;
    this.#cells[this.#count] = cell;
    this.#least[this.#count] = least;
    this.#second[this.#count] = Math.min(second, largest);
    this.#largest[this.#count++] = largest;
  }

  /** Returns the numbers of all sides by their points, in time that is linear in their number. */
  sorted(): Int32Array {
    let order = Int32Array.from({ length: this.#count }, (_, side) => side);
    for (const column of [this.#largest, this.#second, this.#least]) order = sortedBy(order, column, this.points);
    return order;
  }

  /** Calls its argument with each cell and the next that have a side in common. */
  forEachShared(order: Int32Array, use: (low: number, high: number) => void): void {
    const [least, second, largest] = [this.#least, this.#second, this.#largest];
    const areSame = (a: number, b: number) =>
      least[a] === least[b] && second[a] === second[b] && largest[a] === largest[b];
    for (let i = 1; i < order.length; i++) {
      const [a, b] = [order[i - 1], order[i]];
      const [from, to] = [this.#cells[a], this.#cells[b]];
      if (from !== to && areSame(a, b)) use(Math.min(from, to), Math.max(from, to));
    }
  }
}

/** Sorts numbers of rows by a column of numbers below `end`; equal ones stay in their order. */
function sortedBy(rows: Int32Array, column: Int32Array, end: number): Int32Array<ArrayBuffer> {
  const starts = new Int32Array(end + 1);
  for (const row of rows) starts[column[row] + 1]++;
  for (let value = 1; value < starts.length; value++) starts[value] += starts[value - 1];
  const sorted = new Int32Array(rows.length);
  for (const row of rows) sorted[starts[column[row]]++] = row;
  return sorted;
}

function inPairs(list: readonly number[]): number[][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);
}
