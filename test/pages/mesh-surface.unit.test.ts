// The surface of a mesh of polygons, on files of VTK.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Cells, equalCells, kinds } from "../../src/formats/clouds/cells.ts";
import { gridCells } from "../../src/formats/clouds/grid-cells.ts";
import { loadVtp, loadVtu } from "../../src/formats/vtk/vtu.ts";
import { meshSurface } from "../../src/pages/shared/stage/mesh-surface.ts";

const read = (name: string) => new Uint8Array(readFileSync(new URL(`../formats/cells/${name}`, import.meta.url)));

/** The area of triangles. */
function areaOf(corners: ArrayLike<number>, points: ArrayLike<number | bigint>): number {
  const at = (corner: number) => [0, 1, 2].map((axis) => Number(points[3 * corners[corner] + axis]));
  let area = 0;
  for (let i = 0; i < corners.length; i += 3) {
    const [p, q, r] = [at(i), at(i + 1), at(i + 2)];
    const [a, b] = [q, r].map((end) => end.map((value, axis) => value - p[axis]));
    area += Math.hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]) / 2;
  }
  return area;
}

test.each(["triangle.vtu", "quad.vtu", "triangle6.vtu"])("of %s covers its square once", (name) => {
  const { cells, points } = loadVtu(read(name));
  expect(areaOf(meshSurface(cells, "points")!.surface.corners, points.data)).toBeCloseTo(4, 6);
});

test("of values of cells has corners of its own for each triangle, which have the cell's value", () => {
  const { cells, points } = loadVtp(read("sphere.vtp"));
  const ofPoints = meshSurface(cells, "points")!;
  const ofCells = meshSurface(cells, "cells")!;
  expect(ofPoints.points).toBeUndefined();
  expect(ofPoints.surface.rows).toBeUndefined();
  expect([...ofCells.surface.corners]).toEqual([...ofPoints.surface.corners.keys()]);
  expect([...ofCells.points!]).toEqual([...ofPoints.surface.corners]);
  expect(ofCells.surface.counts).toEqual([ofCells.points!.length]);
  for (const [corner, cell] of ofCells.surface.rows!.entries()) {
    const list = cells.connectivity.subarray(cells.offsets[cell], cells.offsets[cell + 1]);
    expect(list).toContain(ofCells.points![corner]);
  }
  expect(new Set(ofCells.surface.rows)).toEqual(new Set(cells.types.keys()));
  // Less than the sphere of radius 0.5 in which it lies.
  const area = areaOf(ofPoints.surface.corners, points.data);
  expect(area).toBeLessThan(Math.PI);
  expect(area).toBeGreaterThan(0.8 * Math.PI);
});

test("of polygons, strips and pixels is that of their triangles; lines and points show nothing", () => {
  const list: [type: number, points: number[]][] = [
    [kinds.line, [0, 1]],
    [kinds.polygon, [0, 1, 2, 3, 4]],
    [8, [0, 1, 2, 3]],
    [kinds.triangleStrip, [4, 3, 2, 1]],
    [kinds.vertex, [2]],
  ];
  const cells: Cells = {
    offsets: Int32Array.of(0, 2, 7, 11, 15, 16),
    connectivity: Int32Array.from(list.flatMap(([, points]) => points)),
    types: Uint8Array.from(list.map(([type]) => type)),
  };
  const { surface } = meshSurface(cells, "cells")!;
  expect([...meshSurface(cells, "points")!.surface.corners]).toEqual([
    ...[0, 1, 2, 0, 2, 3, 0, 3, 4], // the polygon
    ...[0, 1, 3, 0, 3, 2], // the pixel, whose last two points are across
    ...[4, 3, 2, 3, 2, 1], // the strip
  ]);
  expect([...surface.rows!]).toEqual([...Array(9).fill(1), ...Array(6).fill(2), ...Array(6).fill(3)]);
});

test("is none for cells that fill space, and without polygons", () => {
  expect(meshSurface(gridCells([2, 2, 2], "a"), "points")).toBeUndefined();
  expect(meshSurface(loadVtu(read("tetra.vtu")).cells, "cells")).toBeUndefined();
  expect(meshSurface(equalCells(Int32Array.of(0, 1), 2, kinds.line), "points")).toBeUndefined();
});
