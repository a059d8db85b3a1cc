// PLY, the Stanford polygon file: a text header that lists elements and their properties, then rows of numbers in ASCII or
// binary. The reader returns the vertices' x, y, z and requested properties; it also walks over the rest, to notice a truncated file.

import { expectRows, type FileBytes, formatError, toBytes, toDataView } from "../bytes/bytes.ts";
import type { SafeTensorType } from "../bytes/elements.ts";
import { type NumberType, numberTypes } from "../bytes/numbers.ts";
import { decodeName, parseCount, parseNumber, splitWords, TextReader } from "../bytes/text.ts";
import { roundedNumbers } from "../rounding.ts";
import { type Column, columnsOf, withoutSpaces } from "./columns.ts";
import { checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

const types: Record<string, NumberType> = {
  char: numberTypes.i1,
  int8: numberTypes.i1,
  uchar: numberTypes.u1,
  uint8: numberTypes.u1,
  short: numberTypes.i2,
  int16: numberTypes.i2,
  ushort: numberTypes.u2,
  uint16: numberTypes.u2,
  int: numberTypes.i4,
  int32: numberTypes.i4,
  uint: numberTypes.u4,
  uint32: numberTypes.u4,
  // Not of the format, but meshio writes NumPy's integers so.
  int64: numberTypes.i8,
  uint64: numberTypes.u8,
  float: numberTypes.f4,
  float32: numberTypes.f4,
  double: numberTypes.f8,
  float64: numberTypes.f8,
};
const encodings = ["ascii", "binary_little_endian", "binary_big_endian"];

interface Property {
  name: string;
  type: NumberType;
  /** The type of the length in front of a list's values; undefined for a property that is a single number. */
  lengthType?: NumberType;
}

interface Element {
  name: string;
  count: number;
  properties: Property[];
}

/**
 * Reads the vertex positions of a PLY file: three dimensions, or two if the vertices have no z.
 * @param options.attributes names of vertex properties to read as attributes of one channel each; lists are not supported
 * @throws FormatError for a bad header, a row that does not fit it, and a file that is truncated or too long.
 */
export function loadPly(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "ply");
  const bytes = toBytes(input);
  const reader = new TextReader(bytes, file);
  const { encoding, elements } = readHeader(reader, file);

  const vertex = elements.find((element) => element.name === "vertex");
  if (!vertex) throw formatError(file, 'has no element "vertex".', { found: elements.map((element) => element.name) });
  const axes = ["x", "y", "z"].map((axis) =>
    vertex.properties.findIndex((property) => property.name === axis && !property.lengthType),
  );
  if (axes[2] === -1) axes.pop();
  if (axes.includes(-1)) {
    throw formatError(file, "its vertices have no properties x and y.", {
      expected: ["x", "y"],
      found: vertex.properties.map((property) => property.name),
    });
  }
  const properties = (attributes ?? []).map((name) => findProperty(name, vertex, file));
  checkCounts(elements, encoding, reader, file);
  expectRows(vertex.count, "vertices", file);

  const dimensionality = axes.length;
  const positions = new Float64Array(vertex.count * dimensionality);
  const columns = properties.map(() => new Float64Array(vertex.count));
  const keep = (row: number, values: readonly number[]) => {
    for (let d = 0; d < dimensionality; d++) {
      const slot = row * dimensionality + d;
      positions[slot] = values[axes[d]];
      if (!Number.isFinite(Math.fround(positions[slot]))) {
        throw rowError(file, vertex, row, `its ${"xyz"[d]} is not a finite number`, reader.offset);
      }
    }
    properties.forEach((property, i) => {
      columns[i][row] = values[property];
      if (!Number.isFinite(Math.fround(columns[i][row]))) {
        throw rowError(file, vertex, row, `its ${attributes?.[i]} is not a finite number`, reader.offset);
      }
    });
  };
  for (const element of elements) {
    const use = element === vertex ? keep : undefined;
    if (encoding === "ascii") readTextRows(reader, element, file, use);
    else readBinaryRows(bytes, reader, element, encoding === "binary_little_endian", file, use);
  }
  const rest = reader.offset;
  if (reader.word() !== undefined) {
    throw formatError(file, `continues after its last element, which ends at byte ${rest}.`, {
      offset: rest,
      expected: rest,
      found: bytes.length,
    });
  }
  const { data, exact } = roundedNumbers(positions, dimensionality);
  const cloud: PointCloud = { positions: data, dimensionality, ...(exact && { exact }) };
  if (attributes) {
    cloud.attributes = new Map(attributes.map((name, i) => [name, { ...roundedNumbers(columns[i], 1), channels: 1 }]));
  }
  return cloud;
}

/** Returns the element types that the header gives to the properties of vertices. */
export function plyTypes(input: FileBytes, file: string): Map<string, SafeTensorType> {
  const { elements } = readHeader(new TextReader(toBytes(input), file), file);
  const properties = elements.find(({ name }) => name === "vertex")?.properties ?? [];
  return new Map(properties.map(({ name, type }) => [name, type.dtype]));
}

function findProperty(name: string, { properties }: Element, file: string): number {
  const index = properties.findIndex((property) => !property.lengthType && property.name === name);
  if (index >= 0) return index;
  const single = properties.filter(({ lengthType }) => !lengthType);
  throw missingAttribute(
    file,
    name,
    single.map((property) => property.name),
  );
}

/**
 * Writes points and their attributes in binary, little-endian: x, y, z, then a property for each channel: int, float, or double
 * where the cloud has exact numbers. An attribute of one channel gives its name to the property; the properties of others are
 * numbered: out_0, out_1. White space in names becomes _. Two-dimensional points get a z of 0, because few programs read a file
 * without it.
 * @throws InputError for arrays that do not fit each other, and for two properties of the same name
 */
export function savePly(cloud: PointCloud): Uint8Array<ArrayBuffer> {
  const columns = columnsOf(cloud, { z: true, rename: withoutSpaces });
  const points = cloud.positions.length / cloud.dimensionality;
  const header = new TextEncoder().encode(
    [
      "ply",
      "format binary_little_endian 1.0",
      `element vertex ${points}`,
      ...columns.map((column) => `property ${writtenType(column)} ${column.name}`),
      "end_header\n",
    ].join("\n"),
  );
  const rowBytes = columns.reduce((sum, { data }) => sum + data.BYTES_PER_ELEMENT, 0);
  const file = new Uint8Array(header.length + points * rowBytes);
  file.set(header);
  const view = toDataView(file);
  let offset = header.length;
  for (let point = 0; point < points; point++) {
    for (const { data, stride, start, integer } of columns) {
      const value = data[point * stride + start];
      if (integer) view.setInt32(offset, value, true);
      else if (data instanceof Float64Array) view.setFloat64(offset, value, true);
      else view.setFloat32(offset, value, true);
      offset += data.BYTES_PER_ELEMENT;
    }
  }
  return file;
}

const writtenType = ({ data, integer }: Column): string =>
  integer ? "int" : data instanceof Float64Array ? "double" : "float";

/** Reads the header, up to the first byte after it. */
export function readHeader(reader: TextReader, file: string): { encoding: string; elements: Element[] } {
  const wrong = (line: string | undefined, problem: string) =>
    formatError(file, `line ${reader.lineNumber} of the header, "${line ?? ""}": ${problem}.`, {
      row: reader.lineNumber,
      offset: reader.offset,
    });
  if (reader.line()?.trim() !== "ply") throw formatError(file, 'does not begin with "ply".', { offset: 0 });
  let encoding: string | undefined;
  const elements: Element[] = [];
  const elementNames = new Set<string>();
  const propertyNames = new Set<string>();
  for (;;) {
    const line = reader.line();
    if (line === undefined) throw formatError(file, "truncated: the header has no end.", { offset: reader.offset });
    const [keyword, ...words] = splitWords(decodeName(line));
    if (keyword === "end_header") break;
    if (keyword === undefined || keyword === "comment" || keyword === "obj_info") continue;
    if (keyword === "format") {
      encoding = words[0];
      if (!encoding || !encodings.includes(encoding)) throw wrong(line, `expected one of ${encodings.join(", ")}`);
    } else if (keyword === "element") {
      const [name, count] = [words[0], parseCount(words[1])];
      if (!name || Number.isNaN(count)) throw wrong(line, "expected a name and a count");
      if (elementNames.has(name)) throw wrong(line, "the element occurs twice");
      elementNames.add(name);
      propertyNames.clear();
      elements.push({ name, count, properties: [] });
    } else if (keyword === "property") {
      const property = readProperty(words);
      const properties = elements.at(-1)?.properties;
      if (!property || !properties) throw wrong(line, "expected an element, then a known type and a name");
      if (propertyNames.has(property.name)) throw wrong(line, "the property occurs twice");
      propertyNames.add(property.name);
      properties.push(property);
    } else {
      throw wrong(line, "expected format, element, property, comment or end_header");
    }
  }
  if (!encoding) throw formatError(file, "the header names no format.", { expected: encodings });
  return { encoding, elements };
}

/** Reads a property: "float x" or "list uchar int vertex_indices". */
function readProperty(words: readonly string[]): Property | undefined {
  if (words[0] === "list") {
    const [lengthType, type, name] = [typeOf(words[1]), typeOf(words[2]), words[3]];
    return lengthType?.integer && type && name ? { name, type, lengthType } : undefined;
  }
  const [type, name] = [typeOf(words[0]), words[1]];
  return type && name ? { name, type } : undefined;
}

function typeOf(name: string | undefined): NumberType | undefined {
  return name !== undefined && Object.hasOwn(types, name) ? types[name] : undefined;
}

/** Rejects counts that the file is too short for, before memory is allocated or rows are read. */
function checkCounts(elements: readonly Element[], encoding: string, reader: TextReader, file: string): void {
  let least = 0;
  for (const { count, properties } of elements) {
    // A row of text takes at least a digit and a separator for each value; the last line may lack its line feed.
    const row =
      encoding === "ascii"
        ? 2 * properties.length
        : properties.reduce((sum, { type, lengthType }) => sum + (lengthType ?? type).width, 0);
    least += count * row;
  }
  if (least > reader.left + 1) {
    throw formatError(
      file,
      `truncated: the elements of the header take at least ${least} bytes, found ${reader.left}.`,
      { offset: reader.offset, expected: least, found: reader.left },
    );
  }
}

/** @param end the first byte after the row, and after its line in text */
type RowUse = ((row: number, values: readonly number[], end: number) => void) | undefined;

/** Reads rows of text, one on each line. A list is reduced to its length; a value that is not a number becomes NaN. */
export function readTextRows(reader: TextReader, element: Element, file: string, use: RowUse): void {
  if (element.properties.length === 0) return;
  const values: number[] = [];
  for (let row = 0; row < element.count; row++) {
    const offset = reader.offset;
    const words = splitWords(reader.filledLine() ?? "");
    let at = 0;
    element.properties.forEach(({ lengthType }, i) => {
      const word = words[at] ?? "";
      values[i] = lengthType ? parseCount(word) : parseNumber(word);
      if (lengthType && Number.isNaN(values[i])) {
        throw rowError(file, element, row, `"${word}" is not the length of a list (line ${reader.lineNumber})`, offset);
      }
      at += 1 + (lengthType ? values[i] : 0);
    });
    if (at !== words.length) {
      const problem = `expected ${at} values, found ${words.length} (line ${reader.lineNumber})`;
      throw rowError(file, element, row, problem, offset);
    }
    use?.(row, values, reader.offset);
  }
}

/** Reads rows of binary numbers, and moves `reader` behind them. */
export function readBinaryRows(
  bytes: Uint8Array,
  reader: TextReader,
  element: Element,
  littleEndian: boolean,
  file: string,
  use: RowUse,
): void {
  if (element.properties.length === 0) return;
  const view = toDataView(bytes);
  const values: number[] = [];
  let offset = reader.offset;
  const take = (type: NumberType, row: number) => {
    if (offset + type.width > bytes.length) throw rowError(file, element, row, "the file is truncated", offset);
    const value = type.read(view, offset, littleEndian);
    offset += type.width;
    return value;
  };
  for (let row = 0; row < element.count; row++) {
    element.properties.forEach(({ type, lengthType }, i) => {
      values[i] = take(lengthType ?? type, row);
      if (!lengthType) return;
      if (values[i] < 0) throw rowError(file, element, row, `a list of length ${values[i]}`, offset);
      offset += values[i] * type.width;
      if (offset > bytes.length) throw rowError(file, element, row, "the file is truncated", bytes.length);
    });
    use?.(row, values, offset);
  }
  reader.offset = offset;
}

function rowError(file: string, element: Element, row: number, problem: string, offset: number): Error {
  return formatError(file, `${element.name} ${row} of ${element.count}: ${problem}.`, {
    row,
    offset,
    expected: element.count,
    found: row,
  });
}
