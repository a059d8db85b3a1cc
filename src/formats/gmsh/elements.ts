// The types of Gmsh's elements, and what VTK calls them. Gmsh's manual, "MSH file format" and "Node ordering".

/** The cell that is made of an element. */
export interface ElementType {
  /** The number of points that the file lists. */
  points: number;
  /** VTK's number of the cell's type. */
  vtk: number;
  /** For each point of the cell its place in the file's list; absent where they are the same. */
  order?: readonly number[];
}

const first = (count: number) => Array.from({ length: count }, (_, i) => i);
const brick = [...first(8), 8, 11, 13, 9, 16, 18, 19, 17, 10, 12, 14, 15];
const prism = [...first(6), 6, 9, 7, 12, 14, 13, 8, 10, 11];
const pyramid = [...first(5), 5, 8, 10, 6, 7, 9, 11, 12];

/** The elements of first and second order by Gmsh's numbers. */
export const elementTypes: Readonly<Record<number, ElementType>> = {
  1: { points: 2, vtk: 3 },
  2: { points: 3, vtk: 5 },
  3: { points: 4, vtk: 9 },
  4: { points: 4, vtk: 10 },
  5: { points: 8, vtk: 12 },
  6: { points: 6, vtk: 13 },
  7: { points: 5, vtk: 14 },
  8: { points: 3, vtk: 21 },
  9: { points: 6, vtk: 22 },
  10: { points: 9, vtk: 28 },
  11: { points: 10, vtk: 24, order: [...first(8), 9, 8] },
  12: { points: 27, vtk: 29, order: [...brick, 22, 23, 21, 24, 20, 25, 26] },
  13: { points: 18, vtk: 32, order: [...prism, 15, 17, 16] },
  // VTK has no pyramid with a point in the middle of its base and none elsewhere inside: this point is in no cell.
  14: { points: 14, vtk: 27, order: pyramid },
  15: { points: 1, vtk: 1 },
  16: { points: 8, vtk: 23 },
  17: { points: 20, vtk: 25, order: brick },
  18: { points: 15, vtk: 26, order: prism },
  19: { points: 13, vtk: 27, order: pyramid },
};
