// Legacy VTK files (".vtk", versions 1 to 5, ASCII and BINARY): the points and cells of a data set, and those attributes of either
// that are asked for.
// https://docs.vtk.org/en/latest/vtk_file_formats/vtk_legacy_file_format.html

import { bytesOf, concatBytes, type FileBytes, swapByteOrder, toBytes } from "../bytes/bytes.ts";
import { isInt32Array, type SafeTensorType } from "../bytes/elements.ts";
import { numberTypes } from "../bytes/numbers.ts";
import { kinds } from "../clouds/cells.ts";
import { gridCellCount } from "../clouds/grid-cells.ts";
import { type MeshLocation, meshOf } from "../clouds/mesh.ts";
import { checkReadOptions, type PointCloud, type ReadOptions } from "../clouds/positions.ts";
import { type Rounded, roundedNumbers } from "../rounding.ts";
import { type DataSection, encodeVtkName, readAttributes, readField, type SectionData } from "./attributes.ts";
import { gridPoints, gridSections, readGridSection } from "./grid.ts";
import { VtkReader } from "./reader.ts";

/** The points of cell c are `connectivity[offsets[c] .. offsets[c + 1])`; a quad is a cell of four points. */
export interface VtkCells {
  /** [cells + 1]; the first is 0. */
  offsets: Int32Array;
  connectivity: Int32Array;
}

/** The contents of a legacy VTK file. */
export interface VtkFile extends PointCloud {
  dataset: (typeof datasets)[number];
  /** Cells by section: CELLS of an unstructured grid; VERTICES, LINES, POLYGONS, TRIANGLE_STRIPS of polygonal data. */
  cells: Map<string, VtkCells>;
  /** VTK's number of each cell's type in an unstructured grid (9 is a quad); undefined for other data sets. */
  cellTypes?: Int32Array;
  /** The number of points along each axis of a grid (STRUCTURED_GRID, ...), whose first axis runs fastest. */
  dimensions?: [number, number, number];
}

/** The last two are grids whose points are not listed. */
const datasets = ["POLYDATA", "UNSTRUCTURED_GRID", "STRUCTURED_GRID", "STRUCTURED_POINTS", "RECTILINEAR_GRID"] as const;
const cellSections = ["CELLS", "VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS"];

/**
 * Reads points and cells. Positions are always three-dimensional, as in the format.
 * @param options.attributes names of arrays in the point data to read, with as many channels as they have components
 * @param options.location "cells" for those of the cell data (default "points")
 * @throws FormatError for an unknown data set, a truncated file, values that are not numbers, cells of unknown points.
 */
export function loadVtk(input: FileBytes, options: ReadOptions & { location?: MeshLocation } = {}): VtkFile {
  const { file, attributes } = checkReadOptions(options, "vtk");
  return new VtkParser(new VtkReader(toBytes(input), file), attributes, options.location).parse();
}

/**
 * Writes points as the vertices of an unstructured grid, in binary, and each attribute as an array of its point data with as many
 * components as it has channels. Two-dimensional points get a z of 0, which the format requires.
 * @throws InputError for arrays that do not fit each other
 */
export function saveVtk(cloud: PointCloud): Uint8Array<ArrayBuffer> {
  const { shape, data } = meshOf(cloud).points;
  const { attributes = new Map() } = cloud;
  const [points] = shape;
  const parts = gridParts(
    data as Coordinates,
    Int32Array.from({ length: points }, (_, point) => point),
    VERTEX,
  );
  if (attributes.size > 0) parts.push(`\nPOINT_DATA ${points}\nFIELD FieldData ${attributes.size}`);
  for (const [name, { data, channels }] of attributes) {
    const type = isInt32Array(data) ? "int" : "float";
    parts.push(`\n${encodeVtkName(name)} ${channels} ${points} ${type}\n`, data);
  }
  return join([...parts, "\n"]);
}

/**
 * Writes a surface of quads as an unstructured grid, in binary.
 * @param positions [points, 3]
 * @param quads [quads, 4] the points of each quad
 */
export function saveVtkQuads(positions: Float32Array, quads: Int32Array): Uint8Array<ArrayBuffer> {
  return join([...gridParts(positions, quads, QUAD), "\n"]);
}

/** The type of all cells of a grid, and the number of points in each. */
interface CellKind {
  type: number;
  corners: number;
}
const VERTEX: CellKind = { type: kinds.vertex, corners: 1 };
const QUAD: CellKind = { type: kinds.quad, corners: 4 };

type Coordinates = Float32Array | Float64Array;
type Part = string | Coordinates | Int32Array;

/** Builds an unstructured grid whose cells all have the same type. */
function gridParts(positions: Coordinates, connectivity: Int32Array, { type, corners }: CellKind): Part[] {
  const points = positions.length / 3;
  const numbers = positions instanceof Float64Array ? "double" : "float";
  const count = connectivity.length / corners;
  const width = corners + 1;
  const cells = Int32Array.from({ length: count * width }, (_, i) =>
    i % width === 0 ? corners : connectivity[Math.floor(i / width) * corners + (i % width) - 1],
  );
  return [
    `# vtk DataFile Version 4.2\npoints\nBINARY\nDATASET UNSTRUCTURED_GRID\nPOINTS ${points} ${numbers}\n`,
    positions,
    `\nCELLS ${count} ${cells.length}\n`,
    cells,
    `\nCELL_TYPES ${count}\n`,
    new Int32Array(count).fill(type),
  ];
}

/** Concatenates texts and numbers; numbers are written big-endian, as the format requires. */
function join(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  return concatBytes(
    parts.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : bigEndian(part))),
  );
}

/** Returns the bytes of numbers in big-endian order, which the format requires. */
export function bigEndian(numbers: Coordinates | Int32Array): Uint8Array {
  const bytes = bytesOf(numbers).slice();
  swapByteOrder(bytes, numbers.BYTES_PER_ELEMENT);
  return bytes;
}

/** The place of a section of data in a file. */
export interface DataPlace {
  section: DataSection;
  /** The number of points, or of cells. */
  rows: number;
  isBinary: boolean;
  /** The names of the section's arrays; undefined if there is no such section. */
  names?: readonly string[];
  /** The offset of the first byte after the section, or the file's end. */
  end: number;
}

/** Finds the place at which more data of points or cells can be inserted. @throws FormatError for a damaged file */
export function findData(bytes: Uint8Array, file: string, location: MeshLocation = "points"): DataPlace {
  const reader = new VtkReader(bytes, file);
  const parser = new VtkParser(reader, [], location);
  const rows = rowsOf(parser.parse(), location);
  const { names, end = bytes.length } = parser.data;
  return { section: dataSections[location], rows, isBinary: reader.binary, names, end };
}

const dataSections: Readonly<Record<MeshLocation, DataSection>> = { points: "POINT_DATA", cells: "CELL_DATA" };

/** Returns the number of a data set's points, or of its cells. */
function rowsOf({ positions, cells, dimensions }: VtkFile, location: MeshLocation): number {
  if (location === "points") return positions.length / 3;
  if (dimensions) return gridCellCount(dimensions);
  return [...cells.values()].reduce((sum, { offsets }) => sum + offsets.length - 1, 0);
}

/** Returns the names of a file's arrays of points, or of cells, and those of the others. @throws FormatError for a damaged file */
export function vtkNames(bytes: Uint8Array, file: string, location: MeshLocation) {
  const parser = new VtkParser(new VtkReader(bytes, file), [], location);
  parser.parse();
  const { names = [], elsewhere = [] } = parser.data;
  return { names, elsewhere: [...elsewhere] };
}

/** Returns the types of the numbers in a file's point data, and of its coordinates as "x" where it lists these. */
export function vtkTypes(bytes: Uint8Array, file: string): Map<string, SafeTensorType> {
  const parser = new VtkParser(new VtkReader(bytes, file), []);
  parser.parse();
  const { pointType, data } = parser;
  return new Map([...(pointType ? [["x", pointType] as const] : []), ...(data.types ?? [])]);
}

function setPositions(file: VtkFile, { data, exact }: Rounded): void {
  file.positions = data;
  if (exact) file.exact = exact;
}

class VtkParser {
  /** Known after `parse`, as is the type of the points' coordinates, if they are listed. */
  data: SectionData = {};
  pointType: SafeTensorType | undefined;
  readonly #source: VtkReader;
  readonly #wanted: readonly string[] | undefined;
  #version = 0;

  /** @param location whose data the wanted arrays are */
  constructor(
    source: VtkReader,
    wanted: readonly string[] | undefined,
    readonly location: MeshLocation = "points",
  ) {
    this.#source = source;
    this.#wanted = wanted;
  }

  parse(): VtkFile {
    const dataset = this.#readHeader();
    const result: VtkFile = { dataset, positions: new Float32Array(), dimensionality: 3, cells: new Map() };
    const first = this.#readGeometry(result);
    if (first && this.#wanted) {
      const count = rowsOf(result, this.location);
      const wanted = { section: dataSections[this.location], count, names: this.#wanted };
      const { attributes, data } = readAttributes(this.#source, first, wanted);
      [result.attributes, this.data] = [attributes, data];
    }
    this.#check(result);
    if (this.#wanted && !result.attributes) {
      if (this.#wanted[0] !== undefined) throw this.#source.missing(this.#wanted[0], []);
      result.attributes = new Map();
    }
    return result;
  }

  /** Reads points and cells, up to the name of the first section of data; returns it, or undefined at the end of the file. */
  #readGeometry(result: VtkFile): DataSection | undefined {
    const { dataset } = result;
    const isImplied = dataset === "STRUCTURED_POINTS" || dataset === "RECTILINEAR_GRID";
    const seen = new Set<string>();
    const axes = new Map<string, ArrayLike<number>>();
    let data: DataSection | undefined;
    for (let word = this.#source.word(); word !== undefined; word = this.#source.word()) {
      const section = word.toUpperCase();
      if (section === "POINT_DATA" || section === "CELL_DATA") {
        data = section;
        break;
      }
      if (section === "METADATA") {
        this.#source.skipMetadata();
        continue;
      }
      if (section === "FIELD") {
        readField(this.#source, () => false);
        continue;
      }
      if (seen.has(section)) throw this.#source.error(`${section} occurs twice.`);
      seen.add(section);
      if (section === "DIMENSIONS") {
        result.dimensions = [this.#source.count(section), this.#source.count(section), this.#source.count(section)];
      } else if (section === "POINTS" && !isImplied) {
        const count = this.#source.rows(section);
        const type = this.#source.type(section);
        this.pointType = type.dtype;
        setPositions(result, roundedNumbers(this.#source.numbers(count * 3, type, section), 3));
      } else if (isImplied && gridSections.includes(section)) {
        axes.set(section, readGridSection(this.#source, section));
      } else if (cellSections.includes(section)) {
        result.cells.set(section, this.#version >= 5 ? this.#readSplitCells(section) : this.#readMixedCells(section));
      } else if (section === "CELL_TYPES") {
        result.cellTypes = this.#source.integers(this.#source.rows(section), numberTypes.i4, section);
      } else {
        throw this.#source.error(`"${word.slice(0, 40)}" is not a known section of ${dataset}.`);
      }
    }
    if (isImplied) setPositions(result, gridPoints(this.#source, result.dimensions, axes));
    else if (!seen.has("POINTS")) throw this.#source.error("has no POINTS.");
    return data;
  }

  #readHeader(): VtkFile["dataset"] {
    const version = /^# vtk DataFile Version (\d+)\.\d+\s*$/i.exec(this.#source.text.line() ?? "")?.[1];
    if (version === undefined) throw this.#source.error('does not begin with "# vtk DataFile Version".');
    this.#version = Number(version);
    this.#source.text.line(); // a title of the writer's choice
    const encoding = this.#source.text.line()?.trim().toUpperCase();
    if (encoding !== "ASCII" && encoding !== "BINARY") {
      throw this.#source.error(`line 3: expected ASCII or BINARY, found "${encoding?.slice(0, 40) ?? ""}".`);
    }
    this.#source.binary = encoding === "BINARY";
    let keyword = this.#source.word()?.toUpperCase();
    // Some programs write what is true of the whole, such as the time, before the data set.
    while (keyword === "FIELD" || keyword === "METADATA") {
      if (keyword === "FIELD") readField(this.#source, () => false);
      else this.#source.skipMetadata();
      keyword = this.#source.word()?.toUpperCase();
    }
    const dataset = this.#source.word()?.toUpperCase();
    const known = datasets.find((name) => name === dataset);
    if (keyword !== "DATASET" || !known) {
      throw this.#source.error(`expected DATASET and one of ${datasets.join(", ")}, found "${keyword} ${dataset}".`);
    }
    return known;
  }

  /** Reads cells up to version 4: n cells in `size` numbers, each cell as its number of points and then the points. */
  #readMixedCells(section: string): VtkCells {
    const [count, size] = [this.#source.rows(section), this.#source.count(section)];
    const numbers = this.#source.integers(size, numberTypes.i4, section);
    if (count > size) throw this.#source.error(`${section}: ${count} cells in ${size} numbers.`);
    const offsets = new Int32Array(count + 1);
    const connectivity = new Int32Array(size - count);
    let at = 0;
    for (let cell = 0; cell < count; cell++) {
      const length = numbers[at++];
      if (length === undefined || length < 0 || at + length > size - (count - 1 - cell)) {
        throw this.#source.error(`${section}: cell ${cell} has ${length} points, more than are left.`, { row: cell });
      }
      connectivity.set(numbers.subarray(at, at + length), offsets[cell]);
      at += length;
      offsets[cell + 1] = offsets[cell] + length;
    }
    if (at !== size) throw this.#source.error(`${section}: the cells take ${at} numbers, expected ${size}.`);
    return { offsets, connectivity };
  }

  /** Reads cells from version 5 on: two arrays, the cells' offsets and their points. */
  #readSplitCells(section: string): VtkCells {
    const [count, size] = [this.#source.rows(section), this.#source.count(section)];
    const read = (keyword: string, length: number) => {
      const found = this.#source.word()?.toUpperCase();
      if (found !== keyword)
        throw this.#source.error(`${section}: expected ${keyword}, found "${found?.slice(0, 40)}".`);
      return this.#source.integers(length, this.#source.type(keyword), `${section} ${keyword}`);
    };
    // If there are no cells, some writers leave out even the first offset.
    const offsets = read("OFFSETS", count);
    const connectivity = read("CONNECTIVITY", size);
    if (count === 0 && size === 0) return { offsets: new Int32Array(1), connectivity };
    const inOrder = offsets.every((offset, i) => offset >= (i === 0 ? 0 : offsets[i - 1]));
    if (offsets[0] !== 0 || offsets.at(-1) !== size || !inOrder) {
      throw this.#source.error(`${section}: the offsets do not rise from 0 to ${size}.`);
    }
    return { offsets, connectivity };
  }

  #check({ positions, cells, cellTypes, dataset, dimensions }: VtkFile): void {
    const points = positions.length / 3;
    const grid = dimensions?.reduce((product, length) => product * length, 1);
    if (dataset === "STRUCTURED_GRID" && grid !== points) {
      throw this.#source.error(`DIMENSIONS ${dimensions ?? "missing"} do not fit ${points} points.`, { found: points });
    }
    for (const [section, { connectivity }] of cells) {
      const wrong = connectivity.findIndex((point) => point < 0 || point >= points);
      if (wrong >= 0) {
        throw this.#source.error(`${section}: point ${connectivity[wrong]} does not exist, there are ${points}.`, {
          found: connectivity[wrong],
          expected: points,
        });
      }
    }
    const cellCount = (cells.get("CELLS")?.offsets.length ?? 1) - 1;
    if (cellTypes && cellTypes.length !== cellCount) {
      throw this.#source.error(`CELL_TYPES has ${cellTypes.length} entries for ${cellCount} cells.`, {
        expected: cellCount,
        found: cellTypes.length,
      });
    }
  }
}
