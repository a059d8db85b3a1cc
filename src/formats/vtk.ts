// Legacy VTK files (".vtk", versions 1 to 5, ASCII and BINARY): the points and cells of a data set. What is attached to
// points and cells (POINT_DATA, CELL_DATA) is not read.
// https://docs.vtk.org/en/latest/vtk_file_formats/vtk_legacy_file_format.html

import { type FileBytes, formatError, toBytes, toDataView } from "./bytes.ts";
import { type NumberType, numberTypes } from "./numbers.ts";
import type { PointCloud } from "./positions.ts";
import { parseCount, parseFloat32, parseInteger, TextReader } from "./text.ts";

/** Cell c joins the points `connectivity[offsets[c] .. offsets[c + 1])`; a quad is a cell of four. */
export interface VtkCells {
  /** [cells + 1], the first 0. */
  offsets: Int32Array;
  connectivity: Int32Array;
}

export interface VtkFile extends PointCloud {
  dataset: "POLYDATA" | "UNSTRUCTURED_GRID" | "STRUCTURED_GRID";
  /** By section: CELLS of an unstructured grid; VERTICES, LINES, POLYGONS, TRIANGLE_STRIPS of polygonal data. */
  cells: Map<string, VtkCells>;
  /** VTK's number for the kind of each cell of an unstructured grid (9 is a quad); undefined where the file has none. */
  cellTypes?: Int32Array;
  /** Points along each axis of a structured grid, the first axis running fastest. */
  dimensions?: number[];
}

const datasets = ["POLYDATA", "UNSTRUCTURED_GRID", "STRUCTURED_GRID"] as const;
const cellSections = ["CELLS", "VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS"];
const types: Record<string, NumberType> = {
  char: numberTypes.i1,
  unsigned_char: numberTypes.u1,
  short: numberTypes.i2,
  unsigned_short: numberTypes.u2,
  int: numberTypes.i4,
  unsigned_int: numberTypes.u4,
  long: numberTypes.i8,
  unsigned_long: numberTypes.u8,
  vtkidtype: numberTypes.i8,
  vtktypeint32: numberTypes.i4,
  vtktypeint64: numberTypes.i8,
  float: numberTypes.f4,
  double: numberTypes.f8,
};

/**
 * Reads points and cells. Positions are always three-dimensional, as the format has them.
 * @param options.file name used in error messages (default "vtk")
 * @throws FormatError for an unknown data set, a file cut short, values that are no numbers, cells of unknown points.
 */
export function loadVtk(input: FileBytes, options: { file?: string } = {}): VtkFile {
  const parser = new VtkParser(toBytes(input), options.file ?? "vtk");
  return parser.parse();
}

class VtkParser {
  readonly #bytes: Uint8Array;
  readonly #reader: TextReader;
  readonly #file: string;
  #binary = false;
  #version = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#reader = new TextReader(bytes, file);
    this.#file = file;
  }

  parse(): VtkFile {
    const dataset = this.#readHeader();
    const result: VtkFile = { dataset, positions: new Float32Array(), dimensionality: 3, cells: new Map() };
    const seen = new Set<string>();
    for (let word = this.#reader.word(); word !== undefined; word = this.#reader.word()) {
      const section = word.toUpperCase();
      if (section === "POINT_DATA" || section === "CELL_DATA") break;
      if (section === "METADATA") {
        this.#skipMetadata();
        continue;
      }
      if (section === "FIELD") {
        this.#skipField();
        continue;
      }
      if (seen.has(section)) throw this.#error(`${section} is there twice.`);
      seen.add(section);
      if (section === "DIMENSIONS") {
        result.dimensions = [this.#count(section), this.#count(section), this.#count(section)];
      } else if (section === "POINTS") {
        const count = this.#count(section);
        result.positions = Float32Array.from(this.#numbers(count * 3, this.#type(section), section));
      } else if (cellSections.includes(section)) {
        result.cells.set(section, this.#version >= 5 ? this.#readSplitCells(section) : this.#readMixedCells(section));
      } else if (section === "CELL_TYPES") {
        result.cellTypes = this.#integers(this.#count(section), numberTypes.i4, section);
      } else {
        throw this.#error(`"${word.slice(0, 40)}" is no section of ${dataset} that is known.`);
      }
    }
    this.#check(result, seen);
    return result;
  }

  #readHeader(): VtkFile["dataset"] {
    const version = /^# vtk DataFile Version (\d+)\.\d+\s*$/i.exec(this.#reader.line() ?? "")?.[1];
    if (version === undefined) throw this.#error('does not begin with "# vtk DataFile Version".');
    this.#version = Number(version);
    this.#reader.line(); // a title of the writer's choice
    const encoding = this.#reader.line()?.trim().toUpperCase();
    if (encoding !== "ASCII" && encoding !== "BINARY") {
      throw this.#error(`line 3: expected ASCII or BINARY, found "${encoding?.slice(0, 40) ?? ""}".`);
    }
    this.#binary = encoding === "BINARY";
    const keyword = this.#reader.word()?.toUpperCase();
    const dataset = this.#reader.word()?.toUpperCase();
    const known = datasets.find((name) => name === dataset);
    if (keyword !== "DATASET" || !known) {
      throw this.#error(`expected DATASET and one of ${datasets.join(", ")}, found "${keyword} ${dataset}".`);
    }
    return known;
  }

  /** Up to version 4: n cells in `size` numbers, each cell its length and then its points. */
  #readMixedCells(section: string): VtkCells {
    const [count, size] = [this.#count(section), this.#count(section)];
    const numbers = this.#integers(size, numberTypes.i4, section);
    if (count > size) throw this.#error(`${section}: ${count} cells in ${size} numbers.`);
    const offsets = new Int32Array(count + 1);
    const connectivity = new Int32Array(size - count);
    let at = 0;
    for (let cell = 0; cell < count; cell++) {
      const length = numbers[at++];
      if (length === undefined || length < 0 || at + length > size - (count - 1 - cell)) {
        throw this.#error(`${section}: cell ${cell} has ${length} points, more than are left.`, { row: cell });
      }
      connectivity.set(numbers.subarray(at, at + length), offsets[cell]);
      at += length;
      offsets[cell + 1] = offsets[cell] + length;
    }
    if (at !== size) throw this.#error(`${section}: the cells take ${at} numbers, expected ${size}.`);
    return { offsets, connectivity };
  }

  /** From version 5: two arrays, the cells' beginnings and their points. */
  #readSplitCells(section: string): VtkCells {
    const [count, size] = [this.#count(section), this.#count(section)];
    const read = (keyword: string, length: number) => {
      const found = this.#reader.word()?.toUpperCase();
      if (found !== keyword) throw this.#error(`${section}: expected ${keyword}, found "${found?.slice(0, 40)}".`);
      return this.#integers(length, this.#type(keyword), `${section} ${keyword}`);
    };
    // Without cells some writers leave out even the first offset.
    const offsets = read("OFFSETS", count);
    const connectivity = read("CONNECTIVITY", size);
    if (count === 0 && size === 0) return { offsets: new Int32Array(1), connectivity };
    const inOrder = offsets.every((offset, i) => offset >= (i === 0 ? 0 : offsets[i - 1]));
    if (offsets[0] !== 0 || offsets.at(-1) !== size || !inOrder) {
      throw this.#error(`${section}: the offsets do not rise from 0 to ${size}.`);
    }
    return { offsets, connectivity };
  }

  #skipMetadata(): void {
    // The section ends with a blank line; the first line read is the rest of its own.
    this.#reader.line();
    for (let line = this.#reader.line(); line !== undefined && line.trim() !== ""; line = this.#reader.line());
  }

  #skipField(): void {
    this.#reader.word(); // the field's name
    const arrays = this.#count("FIELD");
    for (let i = 0; i < arrays; i++) {
      const name = this.#reader.word();
      if (name === undefined) throw this.#error(`FIELD: truncated after ${i} of ${arrays} arrays.`);
      if (name.toUpperCase() === "METADATA") {
        this.#skipMetadata();
        i--;
        continue;
      }
      const length = this.#count(`FIELD ${name}`) * this.#count(`FIELD ${name}`);
      const type = this.#type(`FIELD ${name}`);
      if (this.#binary) this.#numbers(length, type, `FIELD ${name}`);
      else this.#skipWords(length, `FIELD ${name}`);
    }
  }

  /** The `length` numbers that follow the current line. */
  #numbers(length: number, type: NumberType, section: string): Float64Array {
    const reader = this.#reader;
    reader.line();
    const least = this.#binary ? length * type.width : length * 2 - 1;
    if (least > reader.left) {
      throw this.#error(
        `${section}: truncated, ${length} numbers take at least ${least} bytes, found ${reader.left}.`,
        {
          expected: least,
          found: reader.left,
        },
      );
    }
    const result = new Float64Array(length);
    if (this.#binary) {
      const view = toDataView(this.#bytes);
      for (let i = 0; i < length; i++) result[i] = type.read(view, reader.offset + i * type.width, false);
      reader.offset += length * type.width;
      return result;
    }
    const parse = type.integer ? parseInteger : parseFloat32;
    for (let i = 0; i < length; i++) {
      const word = reader.word() ?? "";
      result[i] = parse(word);
      if (Number.isNaN(result[i])) {
        throw this.#error(`${section}: number ${i} of ${length} is "${word.slice(0, 40)}".`, { row: i });
      }
    }
    return result;
  }

  /** What is not used may be anything: "nan", say. */
  #skipWords(length: number, section: string): void {
    for (let i = 0; i < length; i++) {
      if (this.#reader.word() === undefined) throw this.#error(`${section}: truncated at value ${i} of ${length}.`);
    }
  }

  #integers(length: number, type: NumberType, section: string): Int32Array {
    const numbers = this.#numbers(length, type, section);
    const result = Int32Array.from(numbers);
    const wrong = numbers.findIndex((value, i) => value !== result[i]);
    if (wrong >= 0)
      throw this.#error(`${section}: number ${wrong} is ${numbers[wrong]}, no 32-bit integer.`, { row: wrong });
    return result;
  }

  #count(section: string): number {
    const word = this.#reader.word();
    const count = parseCount(word);
    if (Number.isNaN(count)) throw this.#error(`${section}: expected a count, found "${word?.slice(0, 40) ?? ""}".`);
    return count;
  }

  #type(section: string): NumberType {
    const word = this.#reader.word()?.toLowerCase() ?? "";
    if (!Object.hasOwn(types, word)) {
      throw this.#error(`${section}: "${word.slice(0, 40)}" is no known type of numbers.`, {
        expected: Object.keys(types),
      });
    }
    return types[word];
  }

  #check({ positions, cells, cellTypes, dataset, dimensions }: VtkFile, seen: Set<string>): void {
    const points = positions.length / 3;
    if (!seen.has("POINTS")) throw this.#error("has no POINTS.");
    const grid = dimensions?.reduce((product, length) => product * length, 1);
    if (dataset === "STRUCTURED_GRID" && grid !== points) {
      throw this.#error(`DIMENSIONS ${dimensions ?? "missing"} do not fit ${points} points.`, { found: points });
    }
    for (const [section, { connectivity }] of cells) {
      const wrong = connectivity.findIndex((point) => point < 0 || point >= points);
      if (wrong >= 0) {
        throw this.#error(`${section}: point ${connectivity[wrong]} does not exist, there are ${points}.`, {
          found: connectivity[wrong],
          expected: points,
        });
      }
    }
    const cellCount = (cells.get("CELLS")?.offsets.length ?? 1) - 1;
    if (cellTypes && cellTypes.length !== cellCount) {
      throw this.#error(`CELL_TYPES has ${cellTypes.length} entries for ${cellCount} cells.`, {
        expected: cellCount,
        found: cellTypes.length,
      });
    }
  }

  #error(problem: string, details: Record<string, string | number | string[]> = {}): Error {
    return formatError(this.#file, problem, { offset: this.#reader.offset, ...details });
  }
}
