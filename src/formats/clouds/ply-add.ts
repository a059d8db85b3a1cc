// Adds properties to the vertices of a PLY file; faces and everything else stay as they are.

import { InputError } from "../../errors.ts";
import { formatError, toDataView } from "../bytes/bytes.ts";
import { fromLatin1, TextReader, toLatin1 } from "../bytes/text.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { attributeColumns, type Column, withoutSpaces } from "./columns.ts";
import { cell } from "./csv.ts";
import { readBinaryRows, readHeader, readTextRows } from "./ply.ts";
import type { Attribute } from "./positions.ts";

/** The bytes of a binary float or int. */
const NUMBER_BYTES = 4;

/**
 * Returns a PLY file whose vertices have additional properties after their own, in the file's own encoding.
 * @throws FormatError for a damaged file; InputError where the number of vertices is another, or a property already exists
 */
export function addPlyProperties(
  bytes: Uint8Array,
  attributes: ReadonlyMap<string, Attribute>,
  file: string,
): Uint8Array<ArrayBuffer> {
  const columns = attributeColumns(attributes, withoutSpaces);
  const reader = new TextReader(bytes, file);
  const { encoding, elements } = readHeader(reader, file);
  const headerEnd = reader.offset;
  const vertex = elements.find(({ name }) => name === "vertex");
  if (!vertex) throw formatError(file, 'has no element "vertex".', { found: elements.map(({ name }) => name) });
  expectFit(columns, vertex, file);
  const header = extendHeader(fromLatin1(bytes.subarray(0, headerEnd)), columns);

  const longer = toLatin1(header);
  // Of text, with a space and nine digits for each number, as many as there are at most but for signs and exponents.
  const added = vertex.count * columns.length * (encoding === "ascii" ? 10 : NUMBER_BYTES);
  const writer = new ByteWriter(longer.length + bytes.length - headerEnd + added);
  writer.push(longer);
  let copied = headerEnd;
  const encodeRow = encoding === "ascii" ? textRows(columns) : binaryRows(columns, encoding === "binary_little_endian");
  const extend = (row: number, _: readonly number[], end: number) => {
    const stop = encoding === "ascii" ? endOfText(bytes, end) : end;
    writer.push(bytes.subarray(copied, stop));
    writer.push(encodeRow(row));
    copied = stop;
  };
  for (const element of elements) {
    const use = element === vertex ? extend : undefined;
    if (encoding === "ascii") readTextRows(reader, element, file, use);
    else readBinaryRows(bytes, reader, element, encoding === "binary_little_endian", file, use);
    if (element === vertex) break;
  }
  writer.push(bytes.subarray(copied));
  return writer.bytes;
}

function expectFit(
  columns: readonly Column[],
  { count, properties }: { count: number; properties: readonly { name: string }[] },
  file: string,
): void {
  for (const { name, data, stride } of columns) {
    if (properties.some((property) => property.name === name)) {
      throw new InputError(`${file}: its vertices have a property "${name}" already.`, { file, tensor: name });
    }
    const rows = data.length / stride;
    if (rows === count) continue;
    throw new InputError(`${file}: has ${count} vertices, "${name}" has ${rows} rows.`, {
      file,
      tensor: name,
      expected: count,
      found: rows,
    });
  }
}

/** Inserts lines for the new properties after the last property of the vertices. The header has a character for each byte. */
function extendHeader(header: string, columns: readonly Column[]): string {
  const lines = header.split(/(?<=\n|\r(?!\n))/);
  const first = lines.findIndex((line) => /^\s*element\s+vertex\s/.test(line));
  let last = first;
  for (let i = first + 1; i < lines.length && !/^\s*(element|end_header)\b/.test(lines[i]); i++) {
    if (/^\s*property\s/.test(lines[i])) last = i;
  }
  const end = /\r?\n$|\r$/.exec(lines[last])?.[0] ?? "\n";
  const more = columns.map(({ name, integer }) => `property ${integer ? "int" : "float"} ${name}${end}`).join("");
  const encoded = fromLatin1(new TextEncoder().encode(more));
  return [...lines.slice(0, last + 1), encoded, ...lines.slice(last + 1)].join("");
}

/** Returns where the text of a line ends, without its line feed, for a line that ends before `end`. */
function endOfText(bytes: Uint8Array, end: number): number {
  let stop = end;
  while (stop > 0 && (bytes[stop - 1] === 0x0a || bytes[stop - 1] === 0x0d)) stop--;
  return stop;
}

function textRows(columns: readonly Column[]): (row: number) => Uint8Array {
  const encoder = new TextEncoder();
  return (row) => encoder.encode(columns.map((column) => ` ${cell(column, row)}`).join(""));
}

/** The returned function always returns the same array. */
function binaryRows(columns: readonly Column[], isLittle: boolean): (row: number) => Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES * columns.length);
  const view = toDataView(bytes);
  return (row) => {
    columns.forEach(({ data, stride, start, integer }, i) => {
      const value = data[row * stride + start];
      if (integer) view.setInt32(NUMBER_BYTES * i, value, isLittle);
      else view.setFloat32(NUMBER_BYTES * i, value, isLittle);
    });
    return bytes;
  };
}
