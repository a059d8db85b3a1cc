// Values of cells: where they are, which cells are neighbours, and how values are added, by files and answers of VTK.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/errors.ts";
import { readArrays } from "../../src/experiments/folder/read.ts";
import { addArrays } from "../../src/formats/add-arrays.ts";
import { cellCentres } from "../../src/formats/clouds/cell-centres.ts";
import { cellEdges } from "../../src/formats/clouds/cell-edges.ts";
import { type Cells, equalCells, kinds } from "../../src/formats/clouds/cells.ts";
import { gridCells } from "../../src/formats/clouds/grid-cells.ts";
import { loadVtk } from "../../src/formats/vtk/vtk.ts";
import { loadVtu } from "../../src/formats/vtk/vtu.ts";
import { addCellData } from "../../src/formats/vtk/vtu-write.ts";

const read = (name: string) => new Uint8Array(readFileSync(new URL(`cells/${name}`, import.meta.url)));

interface Answer {
  centres: number[][];
  pairs: [number, number][];
  p: number[];
}
const expected = JSON.parse(new TextDecoder().decode(read("expected.json"))) as Record<string, Answer>;

/** Returns the pairs of a graph that has each edge in both directions, and checks that it has. */
function pairsOf(edges: Int32Array): [number, number][] {
  const count = edges.length / 4;
  const at = (row: number) => edges.subarray(row * count, (row + 1) * count);
  expect([at(3), at(2)]).toEqual([at(0), at(1)]);
  return Array.from({ length: count }, (_, i) => [edges[i], edges[2 * count + i]]);
}

describe("VTK's meshes", () => {
  it.each(Object.entries(expected))(
    "%s: centres, neighbours and values of cells",
    async (name, { centres, pairs, p }) => {
      const arrays = await readArrays(read(name), name, undefined, { location: "cells" });
      const { points, corners, cells } = arrays;
      expect(points?.shape).toEqual([centres.length, 3]);
      centres.flat().forEach((value, i) => {
        expect(points?.data[i]).toBeCloseTo(value, 6);
      });
      expect(pairsOf(cellEdges(cells!, corners!.shape[0]))).toEqual(pairs);
      expect([...arrays.pointData.keys()]).toEqual(["p", "U"]);
      expect(arrays.pointData.get("U")?.shape).toEqual([centres.length, 3]);
      p.forEach((value, i) => {
        expect(arrays.pointData.get("p")?.data[i]).toBeCloseTo(value, 6);
      });
      expect(arrays.elsewhere).toEqual(["height"]);
    },
  );

  it.each(["tetra.vtu", "sphere.vtp", "image.vti", "sphere-binary.vtk", "tetra-ascii.vtk", "image.vtk"])(
    "%s gets values of cells, and all else stays",
    async (name) => {
      const { length } = expected[name].p;
      const q = Float32Array.from({ length }, (_, i) => i / 4);
      const before = await readArrays(read(name), name, undefined, { location: "cells" });
      const bytes = addArrays(read(name), new Map([["q", { shape: [length], data: q }]]), name, { location: "cells" });
      const after = await readArrays(bytes, name, undefined, { location: "cells" });
      expect(after.pointData.get("q")?.data).toEqual(q);
      for (const [key, array] of before.pointData) expect(after.pointData.get(key)).toEqual(array);
      const ofPoints = await readArrays(bytes, name);
      expect([...ofPoints.pointData]).toEqual([...(await readArrays(read(name), name)).pointData]);
      expect(ofPoints.elsewhere).toEqual(["p", "U", "q"]);
      const short = new Map([["q", { shape: [2], data: Float32Array.of(1, 2) }]]);
      expect(() => addArrays(read(name), short, name, { location: "cells" })).toThrow(`${length} cells`);
    },
  );

  it("gets values of cells where it had none", () => {
    const bare = addArrays(
      new TextEncoder().encode(
        "# vtk DataFile Version 4.2\nt\nASCII\nDATASET POLYDATA\nPOINTS 3 float\n0 0 0 1 0 0 0 1 0\nPOLYGONS 1 4\n3 0 1 2\n",
      ),
      new Map([["q", { shape: [1], data: Float32Array.of(7) }]]),
      "a.vtk",
      { location: "cells" },
    );
    expect(loadVtk(bare, { attributes: ["q"], location: "cells" }).attributes?.get("q")?.data).toEqual(
      Float32Array.of(7),
    );
    const mesh = addCellData(read("quad.vtu"), { q: { shape: [4], data: Int32Array.of(1, 2, 3, 4) } });
    expect(loadVtu(mesh).cellData.get("q")?.data).toEqual(Int32Array.of(1, 2, 3, 4));
    expect(loadVtu(mesh).pointData).toEqual(loadVtu(read("quad.vtu")).pointData);
  });
});

/** Returns cells of any types by their points. */
function cellsOf(list: readonly (readonly [type: number, points: readonly number[]])[]): Cells {
  const offsets = [0];
  for (const [, points] of list) offsets.push(offsets[offsets.length - 1] + points.length);
  return {
    offsets: Int32Array.from(offsets),
    connectivity: Int32Array.from(list.flatMap(([, points]) => points)),
    types: Uint8Array.from(list.map(([type]) => type)),
  };
}

describe("neighbours", () => {
  it("are those of a grid, whatever the order of its points", () => {
    const size = fc.integer({ min: 2, max: 5 });
    fc.assert(
      fc.property(size, size, size, fc.infiniteStream(fc.nat()), (a, b, c, random) => {
        const points = a * b * c;
        const keys = Array.from({ length: points }, () => random.next().value as number);
        const order = [...keys.keys()].sort((i, j) => keys[i] - keys[j]);
        const cells = gridCells([a, b, c], "grid");
        const mixed = { ...cells, connectivity: cells.connectivity.map((point) => order[point]) };
        const [i, j, k] = [a - 1, b - 1, c - 1];
        const pairs = pairsOf(cellEdges(mixed, points));
        expect(pairs.length).toBe((i - 1) * j * k + i * (j - 1) * k + i * j * (k - 1));
        for (const [low, high] of pairs) expect([1, i, i * j]).toContain(high - low);
      }),
      { numRuns: 20 },
    );
  });

  it("share an end, a side or a face, by the kind of cell", () => {
    const lines = cellsOf([
      [kinds.line, [0, 1]],
      [kinds.polyLine, [1, 2, 3]],
      [kinds.line, [2, 4]],
      [kinds.vertex, [1]],
    ]);
    // The second passes through point 2, where the third begins.
    expect(pairsOf(cellEdges(lines, 5))).toEqual([[0, 1]]);
    const surfaces = cellsOf([
      [kinds.triangleStrip, [0, 1, 2, 3]],
      [kinds.polygon, [2, 3, 4, 5, 6]],
      [kinds.triangle, [6, 5, 7]],
      [kinds.triangle, [7, 8, 2]],
    ]);
    expect(pairsOf(cellEdges(surfaces, 9))).toEqual([
      [0, 1],
      [1, 2],
    ]);
    // A hexahedron whose last four corners are two is a wedge, which has triangles too.
    const collapsed = cellsOf([
      [kinds.hexahedron, [0, 1, 2, 3, 4, 5, 5, 4]],
      [13, [6, 3, 4, 7, 2, 5]],
      [10, [0, 3, 4, 8]],
    ]);
    expect(pairsOf(cellEdges(collapsed, 9))).toEqual([
      [0, 1],
      [0, 2],
    ]);
  });

  it("of a side of several cells are joined in a row", () => {
    const fans = equalCells(Int32Array.of(0, 1, 2, 0, 1, 3, 0, 1, 4), 3, kinds.triangle);
    expect(pairsOf(cellEdges(fans, 5))).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  it("of what is no mesh are errors", () => {
    expect(() => cellEdges(equalCells(Int32Array.of(0, 1, 9), 3, kinds.triangle), 3)).toThrow(
      "cell 0 has the point 9, expected one of 3",
    );
    expect(() => cellEdges(equalCells(Int32Array.of(0, 1), 2, 12), 2)).toThrow(InputError);
    expect(() => cellEdges(equalCells(Int32Array.of(0, 1), 2, 70), 2)).toThrow("VTK's type 70");
    expect(() => cellEdges(undefined as unknown as Cells, 2)).toThrow(InputError);
    const points = { shape: [2, 3], data: new Float64Array(6) };
    expect(() => cellCentres(points, equalCells(Int32Array.of(0, 2), 2, kinds.line))).toThrow(
      "the point 2, there are 2",
    );
    expect(() => cellCentres(points, cellsOf([[kinds.polygon, []]]))).toThrow("cell 0 has no points");
    expect(() => cellCentres({ shape: [6], data: points.data }, cellsOf([]))).toThrow(InputError);
  });
});
