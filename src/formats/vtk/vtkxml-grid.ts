// Grids in VTK's XML files: images (.vti), rectilinear grids (.vtr) and structured grids (.vts). Which points and cells there are is not
// listed, but follows from an extent: the first and the last index along each axis, of which the first axis runs fastest.

import { expectRows } from "../bytes/bytes.ts";
import type { SafeTensor } from "../bytes/elements.ts";
import { type Cells, kinds } from "../clouds/cells.ts";
import type { VtkXmlFile, VtkXmlPiece } from "./vtkxml.ts";

/** The types of files of grids. */
export const gridTypes: readonly string[] = ["ImageData", "RectilinearGrid", "StructuredGrid"];

/** The number of points along each axis of a grid. */
type Sizes = readonly [number, number, number];

/** Returns the number of points of a piece, of a mesh or a grid. */
export function pointsOf(source: VtkXmlFile, piece: VtkXmlPiece): number {
  if (!gridTypes.includes(source.type)) return source.count(piece.attributes, "NumberOfPoints", 0);
  return product(sizesOf(source, piece));
}

/** Returns the number of cells of a grid: one between each point and the next along the axes that have several. */
export function gridCellCount(source: VtkXmlFile, piece: VtkXmlPiece): number {
  const sizes = sizesOf(source, piece);
  return product(sizes) === 0 ? 0 : product(sizes.map((size) => Math.max(1, size - 1)));
}

/** Whether the file lists no points. */
export function impliesPoints(source: VtkXmlFile): boolean {
  return source.type === "ImageData" || source.type === "RectilinearGrid";
}

/** Returns the points of an image or a rectilinear grid: [n, 3]. */
export function impliedPoints(source: VtkXmlFile, piece: VtkXmlPiece): SafeTensor {
  const sizes = sizesOf(source, piece);
  const points = product(sizes);
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

/** Returns the cells of a grid, in the order in which VTK counts them: hexahedra, or quads, lines or a vertex if it is flat. */
export function gridCells(source: VtkXmlFile, piece: VtkXmlPiece): Cells {
  const sizes = sizesOf(source, piece);
  const cells = gridCellCount(source, piece);
  expectRows(cells, "cells", source.file);
  const steps = [1, sizes[0], sizes[0] * sizes[1]];
  const axes = [0, 1, 2].filter((axis) => sizes[axis] > 1);
  const [x = 0, y = 0, z = 0] = axes.map((axis) => steps[axis]);
  const corners = [[0], [0, x], [0, x, x + y, y], [0, x, x + y, y, z, x + z, x + y + z, y + z]][axes.length];
  const connectivity = new Int32Array(cells * corners.length);
  let at = 0;
  const cellsAlong = (axis: number) => Math.max(1, sizes[axis] - 1);
  for (let k = 0; at < connectivity.length; k++) {
    for (let j = 0; j < cellsAlong(1); j++) {
      for (let i = 0; i < cellsAlong(0); i++) {
        for (const corner of corners) connectivity[at++] = i * steps[0] + j * steps[1] + k * steps[2] + corner;
      }
    }
  }
  return {
    offsets: Int32Array.from({ length: cells + 1 }, (_, cell) => cell * corners.length),
    connectivity,
    types: new Uint8Array(cells).fill(cellTypes[axes.length]),
  };
}

/** The types of a grid's cells, by the number of axes along which it extends. */
const cellTypes = [kinds.vertex, kinds.line, kinds.quad, kinds.hexahedron];

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

function rectilinearPlaces(source: VtkXmlFile, piece: VtkXmlPiece, sizes: Sizes): Place {
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

function sizesOf(source: VtkXmlFile, piece: VtkXmlPiece): Sizes {
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

const product = (sizes: readonly number[]) => sizes.reduce((result, size) => result * size, 1);
