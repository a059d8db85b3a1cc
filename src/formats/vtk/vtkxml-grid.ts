// Grids in VTK's XML files: images (.vti), rectilinear grids (.vtr) and structured grids (.vts). Which points and cells there are is not
// listed, but follows from an extent: the first and the last index along each axis, of which the first axis runs fastest.

import { sizeOf } from "../../arguments/numbers.ts";
import { expectRows } from "../bytes/bytes.ts";
import type { SafeTensor } from "../bytes/elements.ts";
import type { GridSizes } from "../clouds/grid-cells.ts";
import type { VtkXmlFile, VtkXmlPiece } from "./vtkxml.ts";

/** The types of files of grids. */
export const gridTypes: readonly string[] = ["ImageData", "RectilinearGrid", "StructuredGrid"];

/** Returns the number of points of a piece, of a mesh or a grid. */
export function pointsOf(source: VtkXmlFile, piece: VtkXmlPiece): number {
  if (!gridTypes.includes(source.type)) return source.count(piece.attributes, "NumberOfPoints", 0);
  return sizeOf(sizesOf(source, piece));
}

/** Whether the file lists no points. */
export function impliesPoints(source: VtkXmlFile): boolean {
  return source.type === "ImageData" || source.type === "RectilinearGrid";
}

/** Returns the points of an image or a rectilinear grid: [n, 3]. */
export function impliedPoints(source: VtkXmlFile, piece: VtkXmlPiece): SafeTensor {
  const sizes = sizesOf(source, piece);
  const points = sizeOf(sizes);
  expectRows(points, "points", source.file);
  source.take("Points", 3 * points * Float64Array.BYTES_PER_ELEMENT);
  const data = new Float64Array(3 * points);
  const place = source.type === "ImageData" ? imagePlaces(source, piece) : rectilinearPlaces(source, piece, sizes);
  let at = 0;
  for (let k = 0; k < sizes[2]; k++) {
    for (let j = 0; j < sizes[1]; j++) {
      for (let i = 0; i < sizes[0]; i++, at += 3) data.set(place(i, j, k), at);
    }
  }
  return { dtype: "F64", shape: [points, 3], data };
}

/** A place in space by the indices from the extent's first ones. */
type Place = (i: number, j: number, k: number) => readonly number[];

function imagePlaces(source: VtkXmlFile, piece: VtkXmlPiece): Place {
  const origin = numbersOf(source, "Origin", [0, 0, 0]);
  const spacing = numbersOf(source, "Spacing", [1, 1, 1]);
  const direction = numbersOf(source, "Direction", [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const extent = extentOf(source, piece);
  return (i, j, k) => {
    const steps = [(extent[0] + i) * spacing[0], (extent[2] + j) * spacing[1], (extent[4] + k) * spacing[2]];
    return origin.map((start, d) => start + steps.reduce((sum, step, axis) => sum + direction[3 * d + axis] * step, 0));
  };
}

function rectilinearPlaces(source: VtkXmlFile, piece: VtkXmlPiece, sizes: GridSizes): Place {
  const arrays = piece.sections.get("Coordinates")?.arrays ?? [];
  if (arrays.length !== 3) {
    throw source.error(`has ${arrays.length} arrays of coordinates, expected 3.`, {
      expected: 3,
      found: arrays.length,
    });
  }
  const [x, y, z] = arrays.map((array, axis) => Array.from(source.read(array, sizes[axis]).data, Number));
  return (i, j, k) => [x[i], y[j], z[k]];
}

/** Returns the number of points along each axis of a grid. */
export function sizesOf(source: VtkXmlFile, piece: VtkXmlPiece): GridSizes {
  const extent = extentOf(source, piece);
  const size = (axis: number) => Math.max(0, extent[2 * axis + 1] - extent[2 * axis] + 1);
  return [size(0), size(1), size(2)];
}

function extentOf(source: VtkXmlFile, { attributes }: VtkXmlPiece): number[] {
  if (source.pieces.length > 1) {
    const found = source.pieces.length;
    throw source.error(`has ${found} pieces, expected one: write the grid as a whole.`, { expected: 1, found });
  }
  return numbers(source, "Extent", attributes.get("Extent"), 6, Number.isSafeInteger);
}

function numbersOf(source: VtkXmlFile, name: string, usual: number[]): number[] {
  const text = source.attributes.get(name);
  return text === undefined ? usual : numbers(source, name, text, usual.length, Number.isFinite);
}

function numbers(
  source: VtkXmlFile,
  name: string,
  text = "",
  expected: number,
  accept: (value: number) => boolean,
): number[] {
  const words = text.trim().split(/\s+/);
  const values = words.map(Number);
  if (values.length === expected && words[0] !== "" && values.every(accept)) return values;
  throw source.error(`${name} is "${text.slice(0, 80)}", expected ${expected} numbers.`, { expected, found: text });
}
