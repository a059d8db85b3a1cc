// The graph of a sample's mesh, however its file lists cells.

import { expect, it } from "vitest";
import { readArrays } from "../../../src/experiments/folder/read.ts";
import { componentsOf, edgesOf } from "../../../src/experiments/folder/sample-arrays.ts";
import { saveNpz } from "../../../src/formats/numpy/npz.ts";

/** Returns the edges as sorted texts "source target". */
async function edgesIn(bytes: Uint8Array, file: string, points: number): Promise<string[]> {
  const edges = edgesOf(await readArrays(bytes, file), points);
  const count = edges.length / 2;
  return Array.from({ length: count }, (_, i) => `${edges[i]} ${edges[count + i]}`).sort();
}

const bothWays = (pairs: readonly (readonly [number, number])[]) =>
  pairs.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]).sort();

it("of a structured grid joins neighbours along each axis", async () => {
  const [columns, rows, layers] = [3, 2, 2];
  const points = columns * rows * layers;
  const place = (point: number) => [
    point % columns,
    Math.floor(point / columns) % rows,
    Math.floor(point / columns / rows),
  ];
  const text =
    "# vtk DataFile Version 3.0\ngrid\nASCII\nDATASET STRUCTURED_POINTS\n" +
    `DIMENSIONS ${columns} ${rows} ${layers}\nORIGIN 0 0 0\nSPACING 1 1 1\nPOINT_DATA ${points}\n` +
    `SCALARS p float 1\nLOOKUP_TABLE default\n${"0 ".repeat(points)}\n`;
  const expected: [number, number][] = [];
  for (let a = 0; a < points; a++)
    for (let b = 0; b < a; b++)
      if (place(a).reduce((sum, at, axis) => sum + Math.abs(at - place(b)[axis]), 0) === 1) expected.push([a, b]);
  expect(await edgesIn(new TextEncoder().encode(text), "grid.vtk", points)).toEqual(bothWays(expected));
});

it("of polygonal data is that of all its sections, and an error where none has sides", async () => {
  const file = (...sections: string[]) =>
    new TextEncoder().encode(
      [
        "# vtk DataFile Version 3.0",
        "t",
        "ASCII",
        "DATASET POLYDATA",
        "POINTS 8 float",
        "0 0 0 ".repeat(8),
        ...sections,
        "",
      ].join("\n"),
    );
  const all = [
    "VERTICES 1 3",
    "2 0 7",
    "LINES 1 4",
    "3 0 1 2",
    "POLYGONS 1 5",
    "4 2 3 4 5",
    "TRIANGLE_STRIPS 1 5",
    "4 4 5 6 7",
  ];
  const line = [
    [0, 1],
    [1, 2],
  ] as const;
  const polygon = [
    [2, 3],
    [3, 4],
    [4, 5],
    [2, 5],
  ] as const;
  const strip = [
    [4, 6],
    [5, 6],
    [5, 7],
    [6, 7],
  ] as const;
  expect(await edgesIn(file(...all), "a.vtk", 8)).toEqual(bothWays([...line, ...polygon, ...strip]));
  await expect(edgesIn(file(...all.slice(0, 2)), "a.vtk", 8)).rejects.toThrow("a.vtk: has no cells with sides");
});

it("columns are the components of a vector by ParaView's names, too", () => {
  const names = ["v:0", "v:1", "v:3", "u_0", "u_1", "u_2", "w"];
  expect(["v", "u", "w"].map((name) => componentsOf(name, names))).toEqual([["v:0", "v:1"], ["u_0", "u_1", "u_2"], []]);
});

it.each([
  [
    "edge_index",
    [2, 3],
    [0, 1, 3, 1, 2, 0],
    [
      [0, 1],
      [1, 2],
      [0, 3],
    ],
  ],
  [
    "edges",
    [3, 2],
    [0, 1, 1, 2, 3, 0],
    [
      [0, 1],
      [1, 2],
      [0, 3],
    ],
  ],
  [
    "triangles",
    [1, 3],
    [0, 1, 3],
    [
      [0, 1],
      [1, 3],
      [0, 3],
    ],
  ],
] as const)("of arrays is listed by %s of shape %j", async (name, shape, data, pairs) => {
  const pos = { shape: [4, 3], data: Float32Array.from({ length: 12 }, (_, i) => i) };
  const file = saveNpz({ pos, [name]: { shape: [...shape], data: Int32Array.from(data) } });
  expect(await edgesIn(file, "mesh.npz", 4)).toEqual(bothWays(pairs));
});
