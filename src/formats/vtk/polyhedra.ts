// The faces of polyhedra in VTK's XML files, in the layout of VTK up to version 9.3, which is that of `Polyhedra`, and in the later one,
// in which faces are listed once and polyhedra name them.

import { kinds, type Polyhedra } from "../clouds/cells.ts";
import type { VtkXmlFile } from "./vtkxml.ts";

/** Reads an array of integers by its name; `rows` is undefined where only the file knows how many there are. */
type Integers = (array: string, rows: number | undefined) => Int32Array;

/**
 * Returns the faces of a piece's polyhedra; undefined if it has none, or does not say what they are.
 * @param names of the arrays that describe its cells
 * @param types of its cells
 * @throws FormatError for faces of other points, and for those that do not end where they should
 */
export function readPolyhedra(
  source: VtkXmlFile,
  names: readonly string[],
  integers: Integers,
  types: Uint8Array,
  points: number,
): Polyhedra | undefined {
  if (!types.includes(kinds.polyhedron)) return undefined;
  const polyhedra = names.includes("faces")
    ? { faces: integers("faces", undefined), faceOffsets: integers("faceoffsets", types.length) }
    : names.includes("face_connectivity")
      ? joinFaces(source, integers, types.length)
      : undefined;
  if (polyhedra) checkFaces(source, polyhedra, points);
  return polyhedra;
}

/** Reads the layout of VTK 9.4 and later. */
function joinFaces(source: VtkXmlFile, integers: Integers, cells: number): Polyhedra {
  const corners = integers("face_connectivity", undefined);
  const faceEnds = rising(source, "face_offsets", integers("face_offsets", undefined), corners.length);
  const members = integers("polyhedron_to_faces", undefined);
  const cellEnds = rising(source, "polyhedron_offsets", integers("polyhedron_offsets", cells), members.length);
  const sizeOf = (face: number) => faceEnds[face] - (faceEnds[face - 1] ?? 0);
  let length = 0;
  for (const face of members) {
    if (!(face >= 0 && face < faceEnds.length)) {
      throw source.error(`Cells: face ${face} does not exist, there are ${faceEnds.length}.`, { found: face });
    }
    length += 1 + sizeOf(face);
  }
  // A large face of a damaged file may be that of many polyhedra.
  source.take("polyhedron_to_faces", (length + cells) * Int32Array.BYTES_PER_ELEMENT);
  const faces = new Int32Array(length + cells);
  const faceOffsets = new Int32Array(cells).fill(-1);
  let at = 0;
  for (let cell = 0, first = 0; cell < cells; first = cellEnds[cell++]) {
    if (cellEnds[cell] === first) continue;
    faces[at++] = cellEnds[cell] - first;
    for (const face of members.subarray(first, cellEnds[cell])) {
      faces[at++] = sizeOf(face);
      faces.set(corners.subarray(faceEnds[face - 1] ?? 0, faceEnds[face]), at);
      at += sizeOf(face);
    }
    faceOffsets[cell] = at;
  }
  return { faces: faces.slice(0, at), faceOffsets };
}

/** Returns where the parts of a list end. @throws FormatError if they do not rise to its length */
function rising(source: VtkXmlFile, name: string, ends: Int32Array, length: number): Int32Array {
  const isRising = ends.every((end, i) => end >= (i === 0 ? 0 : ends[i - 1]));
  if (isRising && (ends.at(-1) ?? 0) === length) return ends;
  throw source.error(`Cells: "${name}" does not rise to ${length}.`, { tensor: name, expected: length });
}

/** Checks all faces of polyhedra: numbers of points, and the points that follow them. */
function checkFaces(source: VtkXmlFile, { faces, faceOffsets }: Polyhedra, points: number): void {
  let at = 0;
  for (const end of faceOffsets) {
    if (end < 0) continue;
    for (let left = faces[at++]; left > 0 && at < end; left--) {
      const next = at + 1 + faces[at];
      for (let i = at + 1; i < next && i < faces.length; i++) {
        if (faces[i] < 0 || faces[i] >= points)
          throw source.error(`Cells: a face has the point ${faces[i]} of ${points}.`);
      }
      if (!(next > at)) break;
      at = next;
    }
    if (at !== end || end > faces.length) throw source.error(`Cells: faces do not end where faceoffsets say.`);
  }
}
