// Cells of the pieces that VTK's files divide a mesh into, and how they are joined.

import { formatError } from "../bytes/bytes.ts";
import { type Cells, kinds, type Polyhedra } from "../clouds/cells.ts";

/** Cells of a piece, whose points are counted from the piece's first. */
export interface CellPart extends Cells {
  firstPoint: number;
}

/** Returns the types of the cells in polygonal data, which follow from their numbers of points, because the file does not tell. */
export function polygonalTypes(name: string, offsets: Int32Array): Uint8Array {
  return Uint8Array.from({ length: offsets.length - 1 }, (_, cell) => {
    const length = offsets[cell + 1] - offsets[cell];
    if (name === "Verts") return length === 1 ? kinds.vertex : kinds.polyVertex;
    if (name === "Lines") return length === 2 ? kinds.line : kinds.polyLine;
    if (name === "Strips") return kinds.triangleStrip;
    return length === 3 ? kinds.triangle : length === 4 ? kinds.quad : kinds.polygon;
  });
}

/**
 * Joins the cells of all pieces.
 * @param points the number of the whole mesh's points
 * @throws FormatError for more than int32 can count
 */
export function joinCells(parts: readonly CellPart[], points: number, file: string): Cells {
  const cells = parts.reduce((sum, part) => sum + part.types.length, 0);
  const length = parts.reduce((sum, part) => sum + part.connectivity.length, 0);
  if (length > 2 ** 31 - 1 || points > 2 ** 31 - 1)
    throw formatError(file, `is too large: ${points} points, ${length} ends of cells.`);
  const result: Cells = {
    offsets: new Int32Array(cells + 1),
    connectivity: new Int32Array(length),
    types: new Uint8Array(cells),
  };
  const faces: Int32Array[] = [];
  const faceOffsets = new Int32Array(cells).fill(-1);
  let [cell, at, face] = [0, 0, 0];
  for (const { offsets, connectivity, types, polyhedra, firstPoint } of parts) {
    for (let i = 1; i < offsets.length; i++) result.offsets[cell + i] = at + offsets[i];
    for (let i = 0; i < connectivity.length; i++) result.connectivity[at + i] = connectivity[i] + firstPoint;
    result.types.set(types, cell);
    if (polyhedra) {
      polyhedra.faceOffsets.forEach((end, i) => {
        if (end >= 0) faceOffsets[cell + i] = end + face;
      });
      faces.push(movePoints(polyhedra, firstPoint));
      face += polyhedra.faces.length;
    }
    cell += types.length;
    at += connectivity.length;
  }
  if (faces.length > 0) {
    const joined = new Int32Array(face);
    let start = 0;
    for (const part of faces) {
      joined.set(part, start);
      start += part.length;
    }
    result.polyhedra = { faces: joined, faceOffsets };
  }
  return result;
}

/** Adds `first` to the points of faces. */
function movePoints({ faces, faceOffsets }: Polyhedra, first: number): Int32Array {
  const result = faces.slice();
  let at = 0;
  for (const end of faceOffsets) {
    if (end < 0) continue;
    for (at++; at < end; ) {
      const next = at + 1 + faces[at];
      for (let i = at + 1; i < next; i++) result[i] += first;
      at = next;
    }
  }
  return result;
}
