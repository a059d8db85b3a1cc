// Reads meshes in VTK's XML files: unstructured grids (.vtu) and polygonal data (.vtp), which ParaView and most CFD programs
// support, and grids (.vti, .vtr, .vts). The pieces of a mesh are joined.

import { expectRows, type FileBytes, toBytes } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensor, toInt32 } from "../bytes/elements.ts";
import type { Cells } from "../clouds/cells.ts";
import { gridCellCount, gridCells } from "../clouds/grid-cells.ts";
import type { Mesh, MeshOptions } from "../clouds/mesh.ts";
import {
  checkReadOptions,
  missingAttribute,
  type PointCloud,
  type ReadOptions,
  toAttribute,
  toPointCloud,
} from "../clouds/positions.ts";
import { type CellPart, joinCells, polygonalTypes } from "./cell-parts.ts";
import { readPolyhedra } from "./polyhedra.ts";
import { type VtkXmlArray, VtkXmlFile, type VtkXmlPiece, type VtkXmlSection } from "./vtkxml.ts";
import { gridTypes, impliedPoints, impliesPoints, pointsOf, sizesOf } from "./vtkxml-grid.ts";

/** The elements that hold cells of polygonal data, in the order in which VTK counts the cells. */
const polygonal = ["Verts", "Lines", "Polys", "Strips"];

/**
 * Reads an unstructured grid.
 * @throws FormatError for a file of another format, arrays that are damaged or do not fit each other, and cells of unknown points;
 * for a parallel file (.pvtu), the error names its pieces
 */
export function loadVtu(input: FileBytes, options: MeshOptions = {}): Mesh {
  return readMesh(openMesh(input, options?.file ?? "vtu", "UnstructuredGrid"), options?.only);
}

/**
 * Reads polygonal data: its vertices, lines, polygons and strips become cells, in this order.
 * @throws FormatError as `loadVtu` does
 */
export function loadVtp(input: FileBytes, options: MeshOptions = {}): Mesh {
  return readMesh(openMesh(input, options?.file ?? "vtp", "PolyData"), options?.only);
}

/**
 * Reads an image, a rectilinear grid or a structured grid, whose cells are hexahedra, or quads or lines where it is flat.
 * @throws FormatError as `loadVtu` does, and for a grid in several pieces
 */
export function loadVtkGrid(input: FileBytes, options: MeshOptions = {}): Mesh {
  return readMesh(openMesh(input, options?.file ?? "vti", ...gridTypes), options?.only);
}

/** Reads the points of any of these formats, and arrays of its points. */
export function loadVtkXmlPoints(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "vtu");
  const source = openMesh(input, file);
  const points = readPoints(source);
  const cloud = toPointCloud(points, `${file}:Points`);
  if (!attributes) return cloud;
  const data = readRows(source, "PointData", (piece) => pointsOf(source, piece), attributes);
  const found = namesOf(source, "PointData");
  cloud.attributes = new Map(
    attributes.map((name) => {
      const array = data.get(name);
      if (!array) throw missingAttribute(file, name, found);
      return [name, toAttribute(array, points.shape[0], `${file}:${name}`)];
    }),
  );
  return cloud;
}

/** Reads what `loadVtkXmlPoints` reads, with the file's element types. */
export function loadVtkXmlArrays(
  input: FileBytes,
  { file, only }: Required<MeshOptions>,
): Pick<Mesh, "points" | "pointData"> {
  const source = openMesh(input, file);
  const pointData = readRows(source, "PointData", (piece) => pointsOf(source, piece), only);
  return { points: readPoints(source), pointData };
}

/** @throws FormatError for a file whose type is none of the expected ones; default: all that are known */
export function openMesh(input: FileBytes, file: string, ...types: string[]): VtkXmlFile {
  const source = new VtkXmlFile(toBytes(input), file);
  const known = ["UnstructuredGrid", "PolyData", ...gridTypes];
  const expected = types.length > 0 ? types : known;
  if (expected.includes(source.type)) return source;
  if (source.type.startsWith("P") && known.includes(source.type.slice(1))) {
    const pieces = source.pieces.map(({ attributes }) => attributes.get("Source") ?? "");
    throw source.error(`is the head of a parallel file; read its pieces: ${pieces.slice(0, 100).join(", ")}.`, {
      expected,
      found: pieces,
    });
  }
  throw source.error(`is of type "${source.type.slice(0, 40)}", expected ${expected.join(" or ")}.`, {
    expected,
    found: source.type,
  });
}

function readMesh(source: VtkXmlFile, only: readonly string[] | undefined): Mesh {
  const points = readPoints(source);
  const cells = readCells(source, points.shape[0]);
  const pointData = readRows(source, "PointData", (piece) => pointsOf(source, piece), only);
  const cellData = readRows(source, "CellData", (piece) => cellsOf(source, piece), only);
  const fieldData = new Map<string, SafeTensor>();
  for (const array of source.fieldData) {
    if (isWanted(array, only)) fieldData.set(array.name, source.read(array, undefined));
  }
  return { points, cells, pointData, cellData, fieldData };
}

function isWanted({ name, type }: VtkXmlArray, only: readonly string[] | undefined): boolean {
  return only ? only.includes(name) : type !== "String" && type !== "Bit";
}

function namesOf({ pieces }: VtkXmlFile, section: string): string[] {
  return (pieces[0]?.sections.get(section)?.arrays ?? []).map(({ name }) => name);
}

function readPoints(source: VtkXmlFile): SafeTensor {
  let points = 0;
  const parts = source.pieces.map((piece) => {
    if (impliesPoints(source)) return impliedPoints(source, piece);
    const count = pointsOf(source, piece);
    const array = piece.sections.get("Points")?.arrays[0];
    if (!array) {
      if (count > 0) throw source.error(`a piece of ${count} points has no array in Points.`);
      return undefined;
    }
    points += count;
    expectRows(points, "points", source.file);
    if (array.components !== 3) throw source.error(`Points have ${array.components} components, expected 3.`);
    return source.read(array, count);
  });
  return join(source, "Points", parts) ?? { dtype: "F32", shape: [0, 3], data: new Float32Array() };
}

/** Returns the number of a piece's cells. */
export function cellsOf(source: VtkXmlFile, piece: VtkXmlPiece): number {
  if (gridTypes.includes(source.type)) return gridCellCount(sizesOf(source, piece));
  const names = source.type === "PolyData" ? polygonal : ["Cells"];
  return names.reduce((sum, name) => sum + source.count(piece.attributes, `NumberOf${name}`, 0), 0);
}

/** @param rowsOf returns the number of rows of a piece's arrays */
function readRows(
  source: VtkXmlFile,
  section: string,
  rowsOf: (piece: VtkXmlPiece) => number,
  only: readonly string[] | undefined,
): Map<string, SafeTensor> {
  // A piece without points or cells may leave out its arrays.
  const filled = source.pieces.filter((piece) => rowsOf(piece) > 0);
  const first = (filled[0] ?? source.pieces[0])?.sections.get(section)?.arrays ?? [];
  const result = new Map<string, SafeTensor>();
  for (const { name } of first.filter((array) => isWanted(array, only))) {
    if (result.has(name)) throw source.error(`${section} has two arrays "${name}".`, { tensor: name });
    const parts = (filled.length > 0 ? filled : source.pieces.slice(0, 1)).map((piece) => {
      const array = piece.sections.get(section)?.arrays.find((other) => other.name === name);
      if (!array) throw source.error(`${section} of a piece has no array "${name}".`, { tensor: name });
      return source.read(array, rowsOf(piece));
    });
    result.set(name, join(source, name, parts)!);
  }
  return result;
}

/** Joins the rows of all pieces; undefined if there are no pieces. */
function join(source: VtkXmlFile, name: string, pieces: readonly (SafeTensor | undefined)[]): SafeTensor | undefined {
  const parts = pieces.filter((part) => part !== undefined);
  if (parts.length < 2) return parts[0];
  const { dtype, shape } = parts[0];
  const data = new arrayTypes[dtype](parts.reduce((length, part) => length + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    if (part.dtype !== dtype || part.shape[1] !== shape[1]) {
      throw source.error(`array "${name}" is not of the same type in all pieces.`, { tensor: name });
    }
    (data as Float32Array).set(part.data as Float32Array, at);
    at += part.data.length;
  }
  return { dtype, shape: [parts.reduce((rows, part) => rows + part.shape[0], 0), ...shape.slice(1)], data };
}

function readCells(source: VtkXmlFile, points: number): Cells {
  if (gridTypes.includes(source.type) && source.pieces.length > 0)
    return gridCells(sizesOf(source, source.pieces[0]), source.file);
  const parts: CellPart[] = [];
  const names = source.type === "PolyData" ? polygonal : ["Cells"];
  let [firstPoint, allCells] = [0, 0];
  for (const piece of source.pieces) {
    const count = pointsOf(source, piece);
    for (const name of names) {
      const cells = source.count(piece.attributes, `NumberOf${name}`, 0);
      const section = piece.sections.get(name);
      if (cells === 0) continue;
      if (!section) throw source.error(`a piece of ${cells} cells has no ${name}.`);
      allCells += cells;
      expectRows(allCells, "cells", source.file);
      parts.push({ ...readPart(source, section, name, cells, count), firstPoint });
    }
    firstPoint += count;
  }
  return joinCells(parts, points, source.file);
}

function readPart(source: VtkXmlFile, { arrays }: VtkXmlSection, name: string, cells: number, points: number): Cells {
  const read = (array: string, rows: number | undefined) => {
    const found = arrays.find((other) => other.name === array);
    if (!found) throw source.error(`${name} has no array "${array}".`, { tensor: array });
    if (found.components !== 1) throw source.error(`${name}: "${array}" has ${found.components} components.`);
    return source.read(found, rows);
  };
  const integers = (array: string, rows: number | undefined) => {
    const tensor = read(array, rows);
    try {
      return toInt32(tensor, array);
    } catch (cause) {
      throw source.error(`${name}: ${(cause as Error).message}`, { tensor: array });
    }
  };
  const ends = integers("offsets", cells);
  if (!ends.every((end, i) => end >= (i === 0 ? 0 : ends[i - 1]))) throw source.error(`${name}: offsets do not rise.`);
  const offsets = new Int32Array(cells + 1);
  offsets.set(ends, 1);
  const connectivity = integers("connectivity", offsets[cells]);
  const wrong = connectivity.find((point) => point < 0 || point >= points);
  if (wrong !== undefined) {
    throw source.error(`${name}: point ${wrong} does not exist, there are ${points}.`, {
      expected: points,
      found: wrong,
    });
  }
  if (name !== "Cells") return { offsets, connectivity, types: polygonalTypes(name, offsets) };
  const types = integers("types", cells);
  const strange = types.find((type) => type < 0 || type > 255);
  if (strange !== undefined) throw source.error(`${name}: ${strange} is not a type of cells.`, { found: strange });
  const part: Cells = { offsets, connectivity, types: Uint8Array.from(types) };
  const names = arrays.map((array) => array.name);
  const polyhedra = readPolyhedra(source, names, integers, part.types, points);
  if (polyhedra) part.polyhedra = polyhedra;
  return part;
}
