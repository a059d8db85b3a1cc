// The surface of a mesh of polygons: the triangles that they are drawn as.

import { type Cells, kinds } from "../../../formats/clouds/cells.ts";
import type { Surface } from "./surface.ts";

/** More triangles than this show no more on a screen. */
const MOST_TRIANGLES = 2 ** 22;

/** The corners of the types of VTK that are polygons, around each; quadratic types have points in the middle of sides after them. */
const cornersOf: Readonly<Record<number, readonly number[]>> = {
  5: [0, 1, 2],
  8: [0, 1, 3, 2],
  9: [0, 1, 2, 3],
  22: [0, 1, 2],
  23: [0, 1, 2, 3],
  28: [0, 1, 2, 3],
  34: [0, 1, 2],
};

/** The types that fill no area, of which a surface shows nothing. */
const thin: readonly number[] = [kinds.vertex, kinds.polyVertex, kinds.line, kinds.polyLine, 21];

/** A surface, and the points of its drawing where each corner has one of its own. */
export interface MeshSurface {
  surface: Surface;
  /** The point of the mesh at each corner of a triangle, where the values are those of cells. */
  points?: Int32Array;
}

/**
 * Returns the surface of a mesh; undefined if it has cells that fill space, no polygons, or too many for a drawing.
 * @param location whose the values are: those of cells need a corner of their own in each triangle
 */
export function meshSurface(cells: Cells, location: "points" | "cells"): MeshSurface | undefined {
  const { types, offsets, connectivity } = cells;
  const corners: number[] = [];
  const owners: number[] = [];
  for (let cell = 0; cell < types.length; cell++) {
    const list = connectivity.subarray(offsets[cell], offsets[cell + 1]);
    if (thin.includes(types[cell]!)) continue;
    const triangles = trianglesOf(types[cell]!, list);
    if (!triangles || corners.length + triangles.length > 3 * MOST_TRIANGLES) return undefined;
    for (const corner of triangles) {
      corners.push(corner);
      owners.push(cell);
    }
  }
  if (corners.length === 0) return undefined;
  const counts = [corners.length];
  if (location === "points") return { surface: { corners: Uint32Array.from(corners), counts } };
  const own = Uint32Array.from(corners.keys());
  return { surface: { corners: own, counts, rows: Int32Array.from(owners) }, points: Int32Array.from(corners) };
}

/** Returns the points of a polygon's triangles; undefined for a cell of another kind. */
function trianglesOf(type: number, list: Int32Array): number[] | undefined {
  const triangles: number[] = [];
  if (type === kinds.triangleStrip) {
    for (let i = 2; i < list.length; i++) triangles.push(list[i - 2]!, list[i - 1]!, list[i]!);
    return triangles;
  }
  const corners = type === kinds.polygon ? [...list.keys()] : cornersOf[type];
  if (!corners) return undefined;
  for (let i = 2; i < corners.length; i++) {
    triangles.push(list[corners[0]!]!, list[corners[i - 1]!]!, list[corners[i]!]!);
  }
  return triangles;
}
