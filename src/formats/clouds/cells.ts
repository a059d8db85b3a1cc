// The cells of a mesh, of the types that VTK defines, and the graph that their sides form between the mesh's points.
// https://docs.vtk.org/en/latest/vtk_file_formats/vtk_legacy_file_format.html

import { expectKind } from "../../arguments/kinds.ts";
import { InputError } from "../../errors.ts";

/** The points of cell c are `connectivity[offsets[c] .. offsets[c + 1])`. */
export interface Cells {
  /** [cells + 1]; the first is 0. */
  offsets: Int32Array;
  connectivity: Int32Array;
  /** [cells] VTK's number of each cell's type: 5 is a triangle, 9 a quad, 10 a tetrahedron, 12 a hexahedron. */
  types: Uint8Array;
  /** The faces of polyhedra, if the mesh has polyhedra. */
  polyhedra?: Polyhedra;
}

/** The faces of polyhedra in VTK's layout: for each polyhedron its number of faces, then each face as a number of points and the points. */
export interface Polyhedra {
  faces: Int32Array;
  /** [cells] the end of each cell's faces in `faces`; -1 for a cell that is not a polyhedron. */
  faceOffsets: Int32Array;
}

/** VTK's numbers for types of cells. */
export const kinds = {
  vertex: 1,
  polyVertex: 2,
  line: 3,
  polyLine: 4,
  triangle: 5,
  triangleStrip: 6,
  polygon: 7,
  quad: 9,
  hexahedron: 12,
  polyhedron: 42,
} as const;

/**
 * Returns cells with the same number of corners.
 * @param connectivity the points of each cell, cell after cell
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

/** The sides of cells with a fixed number of points: pairs of point numbers, counted from 0. */
export const linearSides: Readonly<Record<number, readonly number[]>> = {
  1: [],
  2: [],
  3: [0, 1],
  5: [0, 1, 1, 2, 2, 0],
  8: [0, 1, 1, 3, 3, 2, 2, 0],
  9: [0, 1, 1, 2, 2, 3, 3, 0],
  10: [0, 1, 1, 2, 2, 0, 0, 3, 1, 3, 2, 3],
  11: [0, 1, 1, 3, 2, 3, 0, 2, 4, 5, 5, 7, 6, 7, 4, 6, 0, 4, 1, 5, 2, 6, 3, 7],
  12: [0, 1, 1, 2, 2, 3, 3, 0, 4, 5, 5, 6, 6, 7, 7, 4, 0, 4, 1, 5, 2, 6, 3, 7],
  13: [0, 1, 1, 2, 2, 0, 3, 4, 4, 5, 5, 3, 0, 3, 1, 4, 2, 5],
  14: [0, 1, 1, 2, 2, 3, 3, 0, 0, 4, 1, 4, 2, 4, 3, 4],
  15: [0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 5, 6, 6, 7, 7, 8, 8, 9, 9, 5, 0, 5, 1, 6, 2, 7, 3, 8, 4, 9],
  16: [
    ...[0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 6],
    ...[0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11],
  ],
};

/** Maps each quadratic cell type to the linear type with the same sides; quadratic cells have one more point in the middle of each side. */
export const linearTypes: Readonly<Record<number, number>> = {
  21: 3,
  22: 5,
  23: 9,
  24: 10,
  25: 12,
  26: 13,
  27: 14,
  28: 9,
  29: 12,
  32: 13,
  34: 5,
};

const sidesOf: Readonly<Record<number, readonly number[]>> = {
  ...linearSides,
  ...Object.fromEntries(Object.entries(linearTypes).map(([type, linear]) => [type, halve(linearSides[linear])])),
};

/** Splits sides into halves. The points in the middle follow all corners, in the order of the sides. */
function halve(sides: readonly number[]): number[] {
  const corners = Math.max(...sides) + 1;
  return sides.flatMap((corner, i) => {
    const middle = corners + (i >> 1);
    return i % 2 === 0 ? [corner, middle] : [middle, corner];
  });
}

/**
 * Returns the graph of a mesh: an edge for each side of its cells, in both directions. A side that several cells share counts once.
 * @param points the number of points in the mesh
 * @returns [2, E] sources, then targets. The first half of each leads from the smaller index to the larger, in ascending order.
 * @throws InputError for what is no cells, a cell type whose sides are not known here, or a cell with too few points
 */
export function meshEdges(cells: Cells, points: number): Int32Array {
  expectCells(cells);
  expectKind("points", points, "the number of points", Number.isSafeInteger(points) && points >= 0);
  return uniqueEdges(points, (use) => eachSide(cells, points, use));
}

/** @throws InputError for arrays that are missing, or of other kinds */
export function expectCells(cells: Cells): void {
  expectKind("cells", cells, "{ offsets, connectivity, types }", typeof cells === "object" && cells !== null);
  const { offsets, connectivity, types, polyhedra } = cells;
  const expectArray = (name: string, array: unknown) =>
    expectKind(
      `${name} of the cells`,
      array,
      "integers in an array",
      ArrayBuffer.isView(array) || Array.isArray(array),
    );
  for (const [name, array] of Object.entries({ offsets, connectivity, types })) expectArray(name, array);
  if (polyhedra === undefined) return;
  expectArray("faces", polyhedra?.faces);
  expectArray("faceOffsets", polyhedra?.faceOffsets);
}

/** Runs up to this length are sorted by insertion, which for a few elements is several times faster than a call of `sort`. */
const SHORT_RUN = 32;

/** Sorts `values[first .. end)`. */
function sortRun(values: Int32Array, first: number, end: number): void {
  if (end - first > SHORT_RUN) {
    values.subarray(first, end).sort();
    return;
  }
  for (let i = first + 1; i < end; i++) {
    const value = values[i];
    let at = i;
    for (; at > first && values[at - 1] > value; at--) values[at] = values[at - 1];
    values[at] = value;
  }
}

/**
 * Returns the edges of a list of sides that may contain some sides several times.
 * @param eachSide calls its argument with the smaller and the larger end of each side; it is called twice
 * @returns the edges, laid out as `meshEdges` returns them
 */
export function uniqueEdges(points: number, eachSide: (use: (low: number, high: number) => void) => void): Int32Array {
  // A counting sort by the smaller end: linear in the number of sides, except for sorting the few sides of each point.
  const starts = new Int32Array(points + 2);
  eachSide((low) => starts[low + 2]++);
  for (let point = 2; point < starts.length; point++) starts[point] += starts[point - 1];
  const others = new Int32Array(starts[points + 1]);
  eachSide((low, high) => {
    others[starts[low + 1]++] = high;
  });
  let count = 0;
  const lows = new Int32Array(others.length);
  for (let low = 0; low < points; low++) {
    const [first, end] = [starts[low], starts[low + 1]];
    sortRun(others, first, end);
    let previous = -1;
    for (let i = first; i < end; i++) {
      const high = others[i];
      if (high === previous) continue;
      lows[count] = low;
      // The write position never passes the read position.
      others[count++] = previous = high;
    }
  }
  const result = new Int32Array(4 * count);
  result.set(lows.subarray(0, count), 0);
  result.set(others.subarray(0, count), count);
  result.set(others.subarray(0, count), 2 * count);
  result.set(lows.subarray(0, count), 3 * count);
  return result;
}

function eachSide(cells: Cells, points: number, use: (low: number, high: number) => void): void {
  const { offsets, connectivity, types, polyhedra } = cells;
  const join = (a: number, b: number) => {
    if (!(a >= 0 && b >= 0 && a < points && b < points)) {
      throw new InputError(`a cell has the point ${a < points ? b : a}, expected one of ${points}.`, {
        expected: points,
      });
    }
    if (a !== b) use(Math.min(a, b), Math.max(a, b));
  };
  const loop = (list: Int32Array) => {
    for (let i = 0; i < list.length; i++) join(list[i], list[(i + 1) % list.length]);
  };
  for (let cell = 0; cell < types.length; cell++) {
    const type = types[cell];
    const list = connectivity.subarray(offsets[cell], offsets[cell + 1]);
    if (type === kinds.polygon) loop(list);
    else if (type === kinds.polyLine) for (let i = 1; i < list.length; i++) join(list[i - 1], list[i]);
    else if (type === kinds.triangleStrip) {
      for (let i = 1; i < list.length; i++) {
        join(list[i - 1], list[i]);
        if (i > 1) join(list[i - 2], list[i]);
      }
    } else if (type === kinds.polyhedron && polyhedra) {
      for (const face of facesOf(polyhedra, cell)) loop(face);
    } else if (Object.hasOwn(sidesOf, type)) {
      const sides = sidesOf[type];
      for (let i = 0; i < sides.length; i += 2) join(list[sides[i]], list[sides[i + 1]]);
    } else {
      throw unknownType(type, cell);
    }
  }
}

export const unknownType = (type: number, cell: number): InputError =>
  new InputError(`cell ${cell} is of VTK's type ${type}, whose sides are not known.`, { row: cell, found: type });

/** @throws InputError for faces that exceed the arrays */
export function* facesOf({ faces, faceOffsets }: Polyhedra, cell: number): Generator<Int32Array> {
  const end = faceOffsets[cell];
  // A polyhedron's faces begin where those of the previous polyhedron end.
  let before = cell - 1;
  while (before >= 0 && faceOffsets[before] < 0) before--;
  let at = before >= 0 ? faceOffsets[before] : 0;
  const count = faces[at++];
  for (let face = 0; face < count; face++) {
    const length = faces[at];
    if (!(length >= 0 && at + 1 + length <= end)) break;
    yield faces.subarray(at + 1, at + 1 + length);
    at += 1 + length;
  }
  if (at !== end) throw new InputError(`cell ${cell}: its faces do not end where they should.`, { row: cell });
}
