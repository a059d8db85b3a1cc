// Writes meshes to VTK's XML files, and inserts arrays into existing files, which otherwise stay as they are.

import { InputError } from "../../errors.ts";
import { concatBytes, type FileBytes, type TypedArray } from "../bytes/bytes.ts";
import {
  type NamedTensors,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  tensorEntries,
  tensorType,
  toFloat32,
} from "../bytes/elements.ts";
import { escapeXml } from "../bytes/xml.ts";
import { type Cells, kinds } from "../clouds/cells.ts";
import { checkMesh, type MeshInput, type MeshLocation } from "../clouds/mesh.ts";
import type { VtkXmlPiece } from "./vtkxml.ts";
import { compressions, type Encoding, elementTypes, encodeBase64, encodeBinary } from "./vtkxml-data.ts";
import { pointsOf } from "./vtkxml-grid.ts";
import { cellsOf, openMesh } from "./vtu.ts";

/** The encoding that ParaView uses by default. */
const encoding: Encoding = { littleEndian: true, headerWidth: 8, compression: compressions.vtkZLibDataCompressor };

const vtkNames = new Map(Object.entries(elementTypes).map(([name, dtype]) => [dtype, name]));

/** An array of a type that VTK has. */
interface WrittenArray {
  name: string;
  type: string;
  rows: number;
  components: number;
  data: TypedArray;
}

/** @throws InputError for data that does not fit its shape or dtype */
function writtenArray(name: string, tensor: SafeTensorInput): WrittenArray {
  const dtype = tensorType(name, tensor);
  const [rows = 1, ...rest] = tensor.shape;
  const components = rest.reduce((product, size) => product * size, 1);
  // Half-precision values become float32, and booleans become bytes.
  const isHalf = dtype === "F16" || dtype === "BF16";
  const held: SafeTensorType = isHalf ? "F32" : dtype === "BOOL" ? "U8" : dtype;
  const data = isHalf ? toFloat32({ dtype, shape: [...tensor.shape], data: tensor.data }, name) : tensor.data;
  return { name, type: vtkNames.get(held) as string, rows, components, data };
}

const indices = (name: string, data: Int32Array | Uint8Array): WrittenArray => ({
  name,
  type: data instanceof Uint8Array ? "UInt8" : "Int32",
  rows: data.length,
  components: 1,
  data,
});

/**
 * Writes an unstructured grid: raw appended data, zlib-compressed, little-endian. The same mesh gives the same bytes.
 * @throws InputError for arrays that do not fit each other
 */
export function saveVtu(mesh: MeshInput): Uint8Array<ArrayBuffer> {
  const { points, cells } = checkMesh(mesh);
  const { offsets, connectivity, types, polyhedra } = cells;
  const arrays = [
    indices("connectivity", connectivity),
    indices("offsets", offsets.subarray(1)),
    indices("types", types),
  ];
  if (polyhedra) arrays.push(indices("faces", polyhedra.faces), indices("faceoffsets", polyhedra.faceOffsets));
  const piece = `NumberOfPoints="${points}" NumberOfCells="${types.length}"`;
  return writeFile("UnstructuredGrid", piece, mesh, mesh.cellData, [["Cells", arrays]]);
}

/** The elements of polygonal data, and the cell types that each of them holds. */
const polygonal: readonly (readonly [string, readonly number[]])[] = [
  ["Verts", [kinds.vertex, kinds.polyVertex]],
  ["Lines", [kinds.line, kinds.polyLine]],
  ["Polys", [kinds.triangle, kinds.quad, kinds.polygon]],
  ["Strips", [kinds.triangleStrip]],
];

/**
 * Writes polygonal data, encoded as by `saveVtu`. Cells are sorted in the format's order: vertices, lines, polygons, strips.
 * @throws InputError for arrays that do not fit each other, and for cells that are not of these types
 */
export function saveVtp(mesh: MeshInput): Uint8Array<ArrayBuffer> {
  const { points, cells } = checkMesh(mesh);
  const known = polygonal.flatMap(([, types]) => types);
  const wrong = cells.types.find((type) => !known.includes(type));
  if (wrong !== undefined)
    throw new InputError(`cells of VTK's type ${wrong} are not polygonal data.`, { found: wrong });
  const counts: string[] = [];
  const order: number[] = [];
  const sections = polygonal.map(([name, types]): [string, WrittenArray[]] => {
    const chosen = [...cells.types.keys()].filter((cell) => types.includes(cells.types[cell]));
    counts.push(`NumberOf${name}="${chosen.length}"`);
    for (const cell of chosen) order.push(cell);
    const { offsets, connectivity } = takeCells(cells, chosen);
    return [name, [indices("connectivity", connectivity), indices("offsets", offsets)]];
  });
  const cellData = new Map(tensorEntries(mesh.cellData ?? {}).map(([name, tensor]) => [name, takeRows(tensor, order)]));
  return writeFile("PolyData", `NumberOfPoints="${points}" ${counts.join(" ")}`, mesh, cellData, sections);
}

function takeCells({ offsets, connectivity }: Cells, chosen: readonly number[]) {
  const ends = new Int32Array(chosen.length);
  let length = 0;
  chosen.forEach((cell, i) => {
    ends[i] = length += offsets[cell + 1] - offsets[cell];
  });
  const taken = new Int32Array(length);
  chosen.forEach((cell, i) => {
    taken.set(connectivity.subarray(offsets[cell], offsets[cell + 1]), i === 0 ? 0 : ends[i - 1]);
  });
  return { offsets: ends, connectivity: taken };
}

function takeRows(tensor: SafeTensorInput, rows: readonly number[]): SafeTensorInput {
  const width = tensor.shape[1] ?? 1;
  const data = tensor.data.slice() as Float32Array;
  rows.forEach((row, i) => {
    data.set(tensor.data.subarray(row * width, (row + 1) * width) as Float32Array, i * width);
  });
  return { ...tensor, data };
}

function writeFile(
  type: string,
  piece: string,
  { points, pointData, fieldData }: MeshInput,
  cellData: NamedTensors | undefined,
  cells: [string, WrittenArray[]][],
): Uint8Array<ArrayBuffer> {
  const appended: Uint8Array[] = [];
  const describe = appendTo(appended, encoding);
  const section = (name: string, arrays: readonly WrittenArray[]) =>
    `<${name}>\n${arrays.map(describe).join("")}</${name}>\n`;
  const named = (arrays: NamedTensors = {}) =>
    tensorEntries(arrays).map(([name, tensor]) => writtenArray(name, tensor));
  const ofWhole = named(fieldData);
  const head = [
    `<?xml version="1.0"?>\n`,
    `<VTKFile type="${type}" version="1.0" byte_order="LittleEndian" header_type="UInt64" compressor="vtkZLibDataCompressor">\n`,
    `<${type}>\n`,
    ofWhole.length > 0 ? section("FieldData", ofWhole) : "",
    `<Piece ${piece}>\n`,
    section("PointData", named(pointData)),
    section("CellData", named(cellData)),
    section("Points", [writtenArray("Points", points)]),
    ...cells.map(([name, arrays]) => section(name, arrays)),
    `</Piece>\n</${type}>\n<AppendedData encoding="raw">\n_`,
  ];
  const encoder = new TextEncoder();
  return concatBytes([encoder.encode(head.join("")), ...appended, encoder.encode("\n</AppendedData>\n</VTKFile>\n")]);
}

/** Returns a function that adds an array to the appended data, and returns the element that refers to it. */
function appendTo(appended: Uint8Array[], encoding: Encoding, start = 0): (array: WrittenArray) => string {
  let offset = start;
  return (array) => {
    const element = `<DataArray ${describeArray(array)} format="appended" offset="${offset}"/>\n`;
    for (const part of encodeBinary(array.data, encoding)) {
      appended.push(part);
      offset += part.length;
    }
    return element;
  };
}

function describeArray({ name, type, rows, components }: WrittenArray): string {
  // Of one component VTK does not say so, and meshio reads [n, 1] where it is said: minus an array of shape [n] that gives [n, n].
  const width = components === 1 ? "" : ` NumberOfComponents="${components}"`;
  return `type="${type}" Name="${escapeXml(name)}"${width} NumberOfTuples="${rows}"`;
}

/** Text and bytes, one after the other: one string could not hold the numbers of a large mesh. */
type Content = readonly (string | Uint8Array)[];

/** What is changed in a file, besides the arrays that are added to it. */
export interface FileChanges {
  /** Of what in a mesh the arrays are that are added, and left out (default: points). */
  location?: MeshLocation | undefined;
  /** The names of arrays that are left out. */
  without?: readonly string[];
  /** The places of the points, in all pieces, [n, dimensionality], if they move; of two coordinates the third stays as it is. */
  points?: MovedPoints | undefined;
}

interface MovedPoints {
  data: ArrayLike<number>;
  dimensionality: number;
}

/** What replaces a range of a file's bytes. */
interface Change {
  start: number;
  end: number;
  content: Content;
}

/**
 * Returns a .vtu or .vtp file with additional arrays of its points; every other byte stays as it is. An array of the same name is
 * replaced. If the file has several pieces, each gets its part. New arrays are appended if the file already has raw appended data
 * (meshio cannot read a file that mixes both ways), else they are written as base64 inside of their elements.
 * @param arrays by name: of shape [n] or [n, components], n being the number of points in all pieces
 * @param options.file name used in error messages (default "vtu")
 * @throws FormatError for a file of another format or compression; InputError for arrays that do not fit it
 */
export function addPointData(
  input: FileBytes,
  arrays: NamedTensors,
  options: Omit<FileChanges, "location"> & { file?: string } = {},
): Uint8Array<ArrayBuffer> {
  return addToMesh(input, arrays, { ...options, location: "points" });
}

/**
 * Returns a .vtu or .vtp file with additional arrays of its cells, as `addPointData` adds those of points.
 * @param arrays by name: of shape [n] or [n, components], n being the number of cells in all pieces
 * @param options.file name used in error messages (default "vtu")
 * @throws FormatError, InputError as `addPointData` does
 */
export function addCellData(
  input: FileBytes,
  arrays: NamedTensors,
  options: { file?: string } = {},
): Uint8Array<ArrayBuffer> {
  return addToMesh(input, arrays, { ...options, location: "cells" });
}

/** Adds arrays of points or cells to any of VTK's XML files. */
export function addToMesh(
  input: FileBytes,
  arrays: NamedTensors,
  { file = "vtu", without = [], points: moved, location = "points" }: FileChanges & { file?: string },
): Uint8Array<ArrayBuffer> {
  const source = openMesh(input, file);
  if (source.unknownCompression !== undefined) throw source.error(`${source.unknownCompression}.`);
  const [section, rowsOf] =
    location === "cells" ? (["CellData", cellsOf] as const) : (["PointData", pointsOf] as const);
  const counts = source.pieces.map((piece) => rowsOf(source, piece));
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const written = tensorEntries(arrays).map(([name, tensor]) => {
    const array = writtenArray(name, tensor);
    if (array.rows === rows && tensor.shape.length <= 2) return array;
    throw new InputError(`array "${name}" is of shape [${tensor.shape}], the file has ${rows} ${location}.`, {
      tensor: name,
      expected: rows,
    });
  });
  const { bytes, encoding, appended } = source;
  const isRaw = appended !== undefined && !appended.isBase64;
  const end = isRaw ? endOfAppended(bytes, appended.end) : 0;
  const blocks: Uint8Array[] = [];
  const refer = appendTo(blocks, encoding, isRaw ? end - appended.start : 0);
  const describe = (array: WrittenArray): Content => (isRaw ? [refer(array)] : inlineArray(array, encoding));
  const names = [...written.map(({ name }) => name), ...without];
  const changes: Change[] = [];
  let first = 0;
  source.pieces.forEach((piece, i) => {
    const part = (array: WrittenArray): WrittenArray => ({
      ...array,
      rows: counts[i],
      data: array.data.subarray(first * array.components, (first + counts[i]) * array.components),
    });
    const content = written.flatMap((array) => describe(part(array)));
    changes.push(...insert(piece, section, content, names));
    const [old] = piece.sections.get("Points")?.arrays ?? [];
    if (moved && old) {
      const content = describe(writtenArray(old.name, movedTo(moved, source.read(old, counts[i]), first)));
      changes.push({ start: old.start, end: old.end, content });
    }
    first += counts[i];
  });
  changes.sort((a, b) => a.start - b.start);
  if (isRaw) changes.push({ start: end, end, content: blocks });
  return apply(bytes, changes);
}

/**
 * Returns points at other places, of which whole numbers would be a coarse grid.
 * @param first the number of the first of them among all that are moved
 */
export function movedTo({ data: places, dimensionality }: MovedPoints, points: SafeTensor, first = 0): SafeTensor {
  const [rows, components = 1] = points.shape;
  const isSingle = points.data instanceof Float32Array;
  const data = isSingle ? points.data.slice() : Float64Array.from(points.data as Float64Array, Number);
  for (let row = 0; row < rows; row++) {
    for (let axis = 0; axis < dimensionality; axis++) {
      data[row * components + axis] = places[(first + row) * dimensionality + axis];
    }
  }
  return { dtype: isSingle ? "F32" : "F64", shape: points.shape, data };
}

/** Returns the end of the appended data, without the line feed before the closing tag, which belongs to no array. */
function endOfAppended(bytes: Uint8Array, end: number): number {
  let at = end;
  while (bytes[at - 1] === 0x20 || bytes[at - 1] === 0x09) at--;
  return bytes[at - 1] === 0x0a ? at - 1 : end;
}

/** Writes an array inside of its element as base64. The header before compressed data is encoded on its own. */
function inlineArray(array: WrittenArray, encoding: Encoding): Content {
  const [header, ...rest] = encodeBinary(array.data, encoding);
  const text = encoding.compression
    ? [encodeBase64(header), encodeBase64(concatBytes(rest))]
    : [encodeBase64(concatBytes([header, ...rest]))];
  return [`<DataArray ${describeArray(array)} format="binary">\n`, ...text, "\n</DataArray>\n"];
}

/** Inserts arrays at the end of a piece's PointData or CellData, in place of those of the same names. */
function insert(piece: VtkXmlPiece, name: string, content: Content, names: readonly string[]): Change[] {
  const section = piece.sections.get(name);
  const whole = [`<${name}>\n`, ...content, `</${name}>\n`];
  if (!section) return piece.isClosed ? [] : [{ start: piece.openEnd, end: piece.openEnd, content: ["\n", ...whole] }];
  const { start, openEnd, closeStart } = section;
  if (closeStart === start) return [{ start, end: openEnd, content: whole }];
  const old = section.arrays.filter(({ name }) => names.includes(name));
  return [
    ...old.map(({ start, end }) => ({ start, end, content: [] })),
    { start: closeStart, end: closeStart, content },
  ];
}

function apply(bytes: Uint8Array, changes: readonly Change[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { start, end, content } of changes) {
    parts.push(bytes.subarray(at, start));
    for (const part of content) parts.push(typeof part === "string" ? encoder.encode(part) : part);
    at = end;
  }
  return concatBytes([...parts, bytes.subarray(at)]);
}
