// The types of elements in Exodus II files, and what VTK calls them. "EXODUS II: A Finite Element Data Model" (Sandia, 2006), and
// vtkExodusIIReader.

/** The cell that is made of an element. */
export interface ExodusCell {
  /** VTK's number of the cell's type. */
  vtk: number;
  /** For each point of the cell its place among those of the element; absent where they are the same. */
  order?: readonly number[];
}

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
/** The points between bottom and top come before those on the top. */
const brick = [...range(0, 12), ...range(16, 20), ...range(12, 16)];
const wedge = [...range(0, 9), ...range(12, 15), ...range(9, 12)];

const bars = { 2: { vtk: 3 }, 3: { vtk: 21 } };
const triangles = { 3: { vtk: 5 }, 6: { vtk: 22 }, 7: { vtk: 34 } };
const quads = { 4: { vtk: 9 }, 8: { vtk: 23 }, 9: { vtk: 28 } };

/** The cells of each shape by their numbers of points. Programs spell shapes in several ways. */
const shapes: readonly (readonly [name: RegExp, cells: Readonly<Record<number, ExodusCell>>])[] = [
  [/^(sphere|circle|particle|point|node)/i, { 1: { vtk: 1 } }],
  [/^(bar|beam|truss|rod|edge|spring|line)/i, bars],
  [/^tri/i, triangles],
  [/^shell/i, { ...triangles, ...quads }],
  [/^quad/i, quads],
  [/^tet/i, { 4: { vtk: 10 }, 10: { vtk: 24 } }],
  [/^pyr/i, { 5: { vtk: 14 }, 13: { vtk: 27 } }],
  [
    /^wedge/i,
    {
      6: { vtk: 13 },
      15: { vtk: 26, order: wedge },
      18: { vtk: 32, order: [...wedge, 15, 16, 17] },
    },
  ],
  [
    /^hex/i,
    {
      8: { vtk: 12 },
      20: { vtk: 25, order: brick },
      27: { vtk: 29, order: [...brick, 23, 24, 25, 26, 21, 22, 20] },
    },
  ],
];

/** Returns the cell of elements of a type, such as "HEX8", with a number of points; undefined if there is none. */
export function cellOf(type: string, points: number): ExodusCell | undefined {
  const [, cells] = shapes.find(([name]) => name.test(type)) ?? [];
  return cells && Object.hasOwn(cells, points) ? cells[points] : undefined;
}
