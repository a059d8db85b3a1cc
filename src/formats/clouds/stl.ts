// STL, the format of surfaces for printing and meshing: triangles in text or binary, each with its own three corners.

import { firstNotFinite } from "../../arguments/numbers.ts";
import { expectRows, type FileBytes, formatError, toBytes, toDataView } from "../bytes/bytes.ts";
import { parseFloat32, splitWords, TextReader } from "../bytes/text.ts";
import { checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/** The points and triangles of a file. */
export interface StlFile extends PointCloud {
  /** [3 triangles] the indices of the corners' points, three for each triangle. */
  triangles: Int32Array;
}

/** A header with any contents and the number of triangles; then, for each triangle, its normal, its corners and two more bytes. */
const HEADER = 84;
const TRIANGLE = 50;

/**
 * Reads a surface.
 * @param options.merge whether corners at the same position become one point (default), in the order of their first occurrence;
 * otherwise each triangle has three points of its own
 * @param options.attributes not supported: STL files have no named attributes of points
 * @throws FormatError for a file that is truncated, and for coordinates that are not finite numbers
 */
export function loadStl(input: FileBytes, options: ReadOptions & { merge?: boolean } = {}): StlFile {
  const { file, attributes } = checkReadOptions(options, "stl");
  if (attributes?.[0] !== undefined) throw missingAttribute(file, attributes[0], []);
  const bytes = toBytes(input);
  // Binary files may begin with "solid" like text, but their length follows from the number of triangles.
  const count = bytes.length >= HEADER ? toDataView(bytes).getUint32(80, true) : -1;
  const isBinary = count >= 0 && bytes.length === HEADER + TRIANGLE * count;
  const isText = !isBinary && /^\s*solid\b/i.test(new TextDecoder("latin1").decode(bytes.slice(0, 80)));
  if (!isBinary && !isText) {
    throw formatError(
      file,
      `no STL file, or cut short: ${bytes.length} bytes, expected "solid" or a multiple of 50 and 84 more.`,
      {
        offset: 0,
        expected: HEADER + TRIANGLE * Math.max(0, count),
        found: bytes.length,
      },
    );
  }
  if (isBinary) expectRows(3 * count, "points", file);
  const corners = isBinary ? readBinary(bytes, count) : readText(bytes, file);
  const wrong = firstNotFinite(corners);
  if (wrong >= 0) {
    const row = Math.floor(wrong / 9);
    throw formatError(file, `triangle ${row} has a corner that is not a finite number.`, { row });
  }
  if (options.merge ?? true) return { dimensionality: 3, ...mergePoints(corners) };
  return {
    positions: corners,
    dimensionality: 3,
    triangles: Int32Array.from({ length: corners.length / 3 }, (_, i) => i),
  };
}

function readBinary(bytes: Uint8Array, count: number): Float32Array {
  const view = toDataView(bytes);
  const corners = new Float32Array(9 * count);
  for (let triangle = 0; triangle < count; triangle++) {
    const start = HEADER + TRIANGLE * triangle + 12;
    for (let i = 0; i < 9; i++) corners[9 * triangle + i] = view.getFloat32(start + 4 * i, true);
  }
  return corners;
}

/** The keywords of a triangle's lines in text. */
const triangleLines = ["facet normal", "outer loop", "vertex", "vertex", "vertex", "endloop", "endfacet"];

function readText(bytes: Uint8Array, file: string): Float32Array {
  const reader = new TextReader(bytes, file);
  // A triangle takes at least this many bytes in text.
  const corners = new Float32Array(9 * Math.floor(bytes.length / 60));
  let filled = 0;
  let at = -1;
  for (let line = reader.filledLine(); line !== undefined; line = reader.filledLine()) {
    const words = splitWords(line);
    const keyword = words[0].toLowerCase();
    // This line is between two solids, of which a file may contain several.
    const isBetween = at < 0 || at === 0;
    if (isBetween && (keyword === "solid" || keyword === "endsolid")) {
      at = keyword === "solid" ? 0 : -1;
      continue;
    }
    const expected = at < 0 ? "solid" : triangleLines[at];
    const values = keyword === "vertex" ? words.slice(1).map(parseFloat32) : [];
    const fits =
      expected.split(" ")[0] === keyword &&
      (keyword !== "vertex" || (values.length === 3 && !values.some(Number.isNaN)));
    if (!fits || filled + values.length > corners.length) {
      throw formatError(file, `line ${reader.lineNumber}, "${line.trim().slice(0, 80)}": expected ${expected}.`, {
        row: reader.lineNumber,
        offset: reader.offset,
      });
    }
    if (values.length > 0) reader.expectRoom(filled / 3, "points");
    corners.set(values, filled);
    filled += values.length;
    at = (at + 1) % triangleLines.length;
  }
  if (at >= 0) throw formatError(file, "cut short: a solid has no end.", { offset: bytes.length });
  return corners.slice(0, filled);
}

/** Merges corners at the same position into one point. It sorts them, because sorting takes the same time for any corners. */
function mergePoints(corners: Float32Array): { positions: Float32Array; triangles: Int32Array } {
  const count = corners.length / 3;
  const compare = (a: number, b: number) =>
    corners[3 * a] - corners[3 * b] ||
    corners[3 * a + 1] - corners[3 * b + 1] ||
    corners[3 * a + 2] - corners[3 * b + 2];
  const order = Int32Array.from({ length: count }, (_, i) => i).sort((a, b) => compare(a, b) || a - b);
  /** For each corner, the first corner at the same position. */
  const first = new Int32Array(count);
  order.forEach((corner, i) => {
    first[corner] = i > 0 && compare(order[i - 1], corner) === 0 ? first[order[i - 1]] : corner;
  });
  const positions = new Float32Array(corners.length);
  const triangles = new Int32Array(count);
  let points = 0;
  for (let corner = 0; corner < count; corner++) {
    if (first[corner] === corner) {
      positions.set(corners.subarray(3 * corner, 3 * corner + 3), 3 * points);
      triangles[corner] = points++;
    } else triangles[corner] = triangles[first[corner]];
  }
  return { positions: positions.slice(0, 3 * points), triangles };
}
