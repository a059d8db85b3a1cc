// The surface of a mesh of polygons: the triangles that they are drawn as.

import { type Cells, kinds, linearSides, linearTypes } from "../../../formats/clouds/cells.ts";
import type { MeshLocation } from "../../../formats/clouds/mesh.ts";
import type { Surface } from "./surface.ts";

/** More triangles than this show no more on a screen. */
const MOST_TRIANGLES = 2 ** 22;

/** The linear types of VTK that are polygons of a fixed number of corners; 8 is a pixel. */
const polygons: readonly number[] = [kinds.triangle, 8, kinds.quad];

/** The types that fill no area, of which a surface shows nothing. */
const thin: readonly number[] = [kinds.vertex, kinds.polyVertex, kinds.line, kinds.polyLine];

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
export function meshSurface(cells: Cells, location: MeshLocation): MeshSurface | undefined {
  const { types, offsets, connectivity } = cells;
  const corners: number[] = [];
  const owners: number[] = [];
  for (let cell = 0; cell < types.length; cell++) {
    const list = connectivity.subarray(offsets[cell], offsets[cell + 1]);
    // Quadratic types have points in the middle of the sides after the corners.
    const type = linearTypes[types[cell]!] ?? types[cell]!;
    if (thin.includes(type)) continue;
    const triangles = trianglesOf(type, list);
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
  if (type !== kinds.polygon && !polygons.includes(type)) return undefined;
  // Each side begins where the one before it ends.
  const corners = type === kinds.polygon ? [...list.keys()] : linearSides[type]!.filter((_, i) => i % 2 === 0);
  for (let i = 2; i < corners.length; i++) {
    triangles.push(list[corners[0]!]!, list[corners[i - 1]!]!, list[corners[i]!]!);
  }
  return triangles;
}
