// The surface between the points of a grid.

import { describe, expect, test } from "vitest";
import { surfaceOf } from "../../src/pages/shared/stage/surface.ts";

/** Places of a grid by what its axes' shares, from 0 to 1, lead to. */
function placesOf(rows: number, columns: number, place: (row: number, column: number) => number[]): Float32Array {
  const all = Array.from({ length: rows * columns }, (_, i) => place(Math.floor(i / columns), i % columns));
  return Float32Array.from(all.flat());
}
const flat = (rows: number, columns: number) =>
  placesOf(rows, columns, (row, column) => [column / columns, row / rows, 0]);
/** The area of the triangles of one resolution, on the stage. */
function areaOf(corners: Uint32Array, places: Float32Array): number {
  const [x, y] = [0, 1].map((axis) => (corner: number) => places[3 * corners[corner] + axis]);
  let area = 0;
  for (let at = 0; at < corners.length; at += 3) {
    area += Math.abs((x(at + 1) - x(at)) * (y(at + 2) - y(at)) - (x(at + 2) - x(at)) * (y(at + 1) - y(at))) / 2;
  }
  return area;
}

describe("the surface of a grid", () => {
  test("has two triangles between each four neighbours, which together cover the grid once", () => {
    const { corners, counts } = surfaceOf([3, 4], flat(3, 4))!;
    expect(counts).toEqual([6 * 2 * 3]);
    expect([...corners.subarray(0, 6)]).toEqual([0, 4, 1, 1, 4, 5]);
    expect(new Set(corners).size).toBe(12);
    expect(areaOf(corners, flat(3, 4))).toBeCloseTo((2 / 3) * (3 / 4), 6);
  });

  test("covers it in each of its resolutions, of which a further one has about a quarter of the triangles", () => {
    const places = flat(130, 101);
    const { corners, counts } = surfaceOf([130, 101], places)!;
    expect(counts).toEqual([129 * 100, 65 * 50, 33 * 25].map((quads) => 6 * quads));
    let first = 0;
    for (const count of counts) {
      expect(areaOf(corners.subarray(first, first + count), places)).toBeCloseTo((129 / 130) * (100 / 101), 5);
      first += count;
    }
    expect(first).toBe(corners.length);
  });

  test("axes with one point count for nothing; a grid with one or three others has no surface", () => {
    expect(surfaceOf([1, 3, 4], flat(3, 4))).toEqual(surfaceOf([3, 4], flat(3, 4)));
    expect(surfaceOf([2, 3, 2], flat(3, 4))).toBeUndefined();
    expect(surfaceOf([12, 1], flat(3, 4))).toBeUndefined();
  });

  test("is closed where lines end beside their beginning, as the parallels of a globe do, and open where they do not", () => {
    const globe = (share: number) =>
      placesOf(5, 8, (row, column) => {
        const [up, around] = [((row - 2) * Math.PI) / 4, (column / 8) * share * 2 * Math.PI];
        return [Math.cos(up) * Math.cos(around), Math.cos(up) * Math.sin(around), Math.sin(up)];
      });
    const closed = surfaceOf([5, 8], globe(1))!;
    expect(closed.counts).toEqual([6 * 4 * 8]);
    // From the last meridian to the first.
    expect([...closed.corners.subarray(42, 48)]).toEqual([7, 15, 0, 0, 15, 8]);
    expect(surfaceOf([5, 8], globe(0.75))!.counts).toEqual([6 * 4 * 7]);
    // Whatever the distances of its lines, a flat grid is open.
    const stretched = placesOf(2, 4, (row, column) => [[0, 10, 11, 12][column], row, 0]);
    expect(surfaceOf([2, 4], stretched)!.counts).toEqual([6 * 3]);
  });
});
