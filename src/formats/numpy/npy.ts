// NumPy's array file: a magic number, a header that is a Python dictionary, and the elements. Versions 1 to 3.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { InputError } from "../../errors.ts";
import {
  bytesOf,
  elementCount,
  expectWithin,
  type FileBytes,
  formatError,
  toBytes,
  toDataView,
} from "../bytes/bytes.ts";
import { type SafeTensor, type SafeTensorInput, tensorType } from "../bytes/elements.ts";
import { type RecordField, readField } from "../bytes/records.ts";
import { gatherStrided } from "../bytes/strided.ts";
import { decoder, type TextArray } from "../bytes/text-arrays.ts";
import { elementTypes, type NpyElements, type NpyTexts, readElements, readTuple } from "./elements.ts";

/** The offset at which the header of version 1 begins. */
const headerStart1 = 10;
/** The largest number of a character in Unicode. */
const MAX_CHARACTER = 0x10ffff;
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Reads an array file. The result is row-major and in this machine's byte order, whatever those of the file are.
 * @param options.file name used in error messages (default "npy")
 * @throws FormatError for a file that is truncated or too long, a bad header, or element types that are not supported (complex
 * numbers, floats of 128 bits, and structures, which are read from archives: `loadNpz`).
 */
export function loadNpy(input: FileBytes, options: { file?: string } = {}): SafeTensor {
  return loadNpyField(toBytes(input), undefined, options?.file ?? "npy");
}

/** Reads one field of an array of structures; without a field, an array of numbers as `loadNpy` does. */
export function loadNpyField(bytes: Uint8Array, field: string | undefined, file: string): SafeTensor {
  const array = describeNpy(bytes, bytes.length, file, field);
  return array.decode(bytes.subarray(array.dataStart), array.shape);
}

/**
 * Reads only the rows `start .. end` of an array file. A row holds the elements of one index of the first axis.
 * @throws FormatError as `loadNpy` does; InputError for rows that do not exist
 */
export function loadNpyRows(input: FileBytes, start: number, end: number, options: { file?: string } = {}): SafeTensor {
  const bytes = toBytes(input);
  const part = (first: number, last: number) => bytes.subarray(first, last);
  return readRows(part, bytes.length, undefined, start, end, options?.file ?? "npy");
}

/** What a file's header says of its numbers, or of those in one field of its structures. */
export interface NpyDescription {
  /** The shape in which the file has its elements. A field may be an array in each of them: its shape is `within`. */
  shape: number[];
  within: readonly number[];
  fortranOrder: boolean;
  /** The offset of the first element, and the bytes per element. */
  dataStart: number;
  width: number;
  /** Makes an array of the bytes of elements of this shape. */
  decode(data: Uint8Array, shape: number[]): SafeTensor;
}

/**
 * Reads rows of an array file, and of the file only the bytes that they need.
 * @param part returns the bytes of the file from one offset to another, or to the file's end
 * @param fileBytes the size of the whole file
 * @param field the field of its structures, if it has such
 */
export function readRows(
  part: (first: number, last: number) => Uint8Array,
  fileBytes: number,
  field: string | undefined,
  start: number,
  end: number,
  file: string,
): SafeTensor {
  const array = describeNpy(headerOf(part, file), fileBytes, file, field);
  const { first, last } = rowBytes(array, start, end, file);
  return decodeRows(array, part(first, last), start, end);
}

/** Returns the range of bytes that holds rows. @throws InputError for rows that do not exist */
export function rowBytes(
  { shape, fortranOrder, dataStart, width }: NpyDescription,
  start: number,
  end: number,
  file: string,
): { first: number; last: number } {
  const [rows = 0, ...rest] = shape;
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= rows)) {
    throw new InputError(`${file} has ${rows} rows, those from ${start} to ${end} are not among them.`, {
      file,
      expected: rows,
      found: [start, end],
    });
  }
  const row = elementCount(rest) * width;
  // In column-major order, the elements of a row are scattered over the whole array.
  if (fortranOrder && rest.length > 0) return { first: dataStart, last: dataStart + rows * row };
  return { first: dataStart + start * row, last: dataStart + end * row };
}

/** Extracts rows from the bytes of `rowBytes`' range. */
export function decodeRows(array: NpyDescription, bytes: Uint8Array, start: number, end: number): SafeTensor {
  const [, ...rest] = array.shape;
  const shape = [end - start, ...rest];
  if (!array.fortranOrder || rest.length === 0) return array.decode(bytes, shape);
  const row = elementCount([...rest, ...array.within]);
  const whole = array.decode(bytes, array.shape);
  return { ...whole, shape: [...shape, ...array.within], data: whole.data.slice(start * row, end * row) };
}

/**
 * @param bytes the beginning of the file, at least up to `headerEnd`
 * @param fileBytes the size of the whole file
 * @param field the field of its structures, if it has such
 */
export function describeNpy(bytes: Uint8Array, fileBytes: number, file: string, field?: string): NpyDescription {
  const { description, fortranOrder, shape, dataStart } = readHeader(bytes, file);
  const elements = readElements(description);
  const numbers = numbersOf(elements, description, field, file);
  const { width } = elements as NpyElements;
  expectSize({ description, shape, dataStart }, width, fileBytes, file);
  const within = numbers.shape;
  const decode = (source: Uint8Array, shape: number[]): SafeTensor => {
    const data = readField(source, width, elementCount(shape), numbers);
    const isColumnMajor = fortranOrder && shape.length > 1;
    return {
      dtype: numbers.dtype,
      shape: [...shape, ...within],
      data: isColumnMajor ? toRowMajor(data, shape, within) : data,
    };
  };
  return { shape, within, fortranOrder, dataStart, width, decode };
}

function expectSize(
  { description, shape, dataStart }: Omit<Header, "fortranOrder">,
  width: number,
  fileBytes: number,
  file: string,
): void {
  const expected = dataStart + elementCount(shape) * width;
  if (expected === fileBytes) return;
  const problem = `shape (${shape}) of '${description}' takes a file of ${expected} bytes, found ${fileBytes}.`;
  throw formatError(file, problem, { offset: dataStart, expected, found: fileBytes });
}

/**
 * Reads the texts of an array file, or those in a field of its structures.
 * @returns undefined if it holds something else
 * @throws FormatError for a damaged file
 */
export function loadNpyTexts(bytes: Uint8Array, field: string | undefined, file: string): TextArray | undefined {
  const header = readHeader(bytes, file);
  const elements = readElements(header.description);
  const texts = field === undefined ? elements?.texts : elements?.fields?.find(({ name }) => name === field)?.texts;
  if (!elements || !texts) return undefined;
  const { shape, dataStart, fortranOrder } = header;
  expectSize(header, elements.width, bytes.length, file);
  const count = elementCount(shape);
  // Texts without bytes may be any number of them.
  expectWithin("rows", elements.width === 0 ? count : 0, file, `it has ${count} texts`);
  const data = bytes.subarray(dataStart);
  const found = decodeTexts(data, elements.width, count, texts);
  const isColumnMajor = fortranOrder && shape.length > 1;
  const order = isColumnMajor ? toRowMajor(Uint32Array.from(found.keys()), shape, []) : undefined;
  return { shape, texts: order ? Array.from(order, (i) => found[Number(i)]) : found };
}

function decodeTexts(data: Uint8Array, width: number, count: number, texts: NpyTexts): string[] {
  const { kind, bigEndian, offset, length } = texts;
  const starts = Array.from({ length: count }, (_, i) => i * width + offset);
  const decode = decoder();
  if (kind === "S") return starts.map((start) => decode(data, start, length));
  const view = toDataView(data);
  return starts.map((start) => {
    let text = "";
    for (let at = start; at < start + length; at += 4) {
      const character = view.getUint32(at, !bigEndian);
      if (character === 0) break;
      text += character <= MAX_CHARACTER ? String.fromCodePoint(character) : "\ufffd";
    }
    return text;
  });
}

/** @throws FormatError for elements, or a field, that hold no numbers */
function numbersOf(
  elements: NpyElements | undefined,
  description: string,
  field: string | undefined,
  file: string,
): RecordField {
  const fields = elements?.fields;
  const found = field === undefined ? undefined : fields?.find(({ name }) => name === field);
  const numbers = field === undefined ? elements?.numbers : found?.numbers;
  if (numbers) return numbers;
  const known = Object.keys(elementTypes);
  const details = { offset: 10, expected: known, found: found?.description ?? description };
  const names = fields
    ?.slice(0, 100)
    .map(({ name }) => name)
    .join(", ");
  if (fields && field === undefined) {
    const advice = `In an .npz file each is an array of its own, NAME/${fields[0].name}: numpy.savez("a.npz", NAME=array).`;
    throw formatError(file, `holds structures of the fields ${names}. ${advice}`, details);
  }
  if (field !== undefined && !found) {
    throw formatError(file, `holds no field "${field}", but ${names ?? `elements of type '${description}'`}.`, details);
  }
  const of = found ? `field "${field}" holds ` : "";
  const type = details.found.slice(0, 80);
  // Of a structure in Python: savez(file, **{field: array[field] for field in array.dtype.names}).
  const advice =
    description.startsWith("[") && !found ? " Save each field of a structure as an array of its own." : adviceFor(type);
  const problem = `${of}elements of type '${type}' cannot be read; known are ${known.join(", ")}.${advice}`;
  throw formatError(file, problem, details);
}

/** Returns what can be done with elements that are no numbers. */
function adviceFor(type: string): string {
  if (/^.?[US]\d/.test(type))
    return " Save numbers in place of texts, [NAMES.index(text) for text in array]; or, of classes to train on, list the texts as labels: classes: [NAME, ...].";
  return type.endsWith("O")
    ? " Save texts as array.astype(str), numbers as array.astype(float), and arrays of different lengths, of several samples, to a file for each sample."
    : "";
}

/**
 * Writes an array file: version 1, row-major, little-endian.
 * @param options.name the array's name, for error messages (default "array")
 * @throws InputError for data that does not fit its shape or dtype, and for BF16, which NumPy does not have
 */
export function saveNpy(tensor: SafeTensorInput, options: { name?: string } = {}): Uint8Array<ArrayBuffer> {
  const name = options?.name ?? "array";
  const dtype = tensorType(name, tensor);
  const kind = Object.keys(elementTypes).find((candidate) => elementTypes[candidate] === dtype);
  if (kind === undefined) {
    throw new InputError(`Cannot save tensor "${name}": NumPy has no ${dtype}; convert it to F32.`, { tensor: name });
  }
  return npyFile(`${kind.endsWith("1") ? "|" : "<"}${kind}`, tensor.shape, bytesOf(tensor.data));
}

/** Writes texts as an array file of NumPy's type U. */
export function saveNpyTexts({ shape, texts }: TextArray): Uint8Array<ArrayBuffer> {
  const characters = texts.map((text) => Array.from(text, (character) => character.codePointAt(0) as number));
  const length = characters.reduce((most, { length }) => Math.max(most, length), 1);
  const data = new Uint32Array(texts.length * length);
  for (const [i, points] of characters.entries()) data.set(points, i * length);
  return npyFile(`<U${length}`, shape, bytesOf(data));
}

function npyFile(description: string, shape: readonly number[], bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const fields = `{'descr': '${description}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy aligns the elements to 64 bytes, with spaces and a line feed.
  const dataStart = Math.ceil((headerStart1 + fields.length + 1) / 64) * 64;
  const file = new Uint8Array(dataStart + bytes.length).fill(0x20, headerStart1, dataStart - 1);
  file.set([...magic, 1, 0]);
  toDataView(file).setUint16(8, dataStart - headerStart1, true);
  file.set(new TextEncoder().encode(fields), headerStart1);
  file[dataStart - 1] = 0x0a;
  file.set(bytes, dataStart);
  return file;
}

interface Header {
  description: string;
  fortranOrder: boolean;
  shape: number[];
  dataStart: number;
}

/** The number of bytes at the beginning of a file that tell how long its header is. */
export const LENGTHS_END = 12;

/**
 * Returns the offset at which a file's header ends and its elements begin.
 * @param bytes at least the first `LENGTHS_END` bytes of the file
 */
export function headerEnd(bytes: Uint8Array, file: string): number {
  if (bytes.length < LENGTHS_END || magic.some((byte, i) => bytes[i] !== byte)) {
    throw formatError(file, "does not begin as an npy file does.", { offset: 0, found: bytes.length });
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw formatError(file, `npy version ${version} is not known; expected 1, 2 or 3.`, { offset: 6, found: version });
  }
  const view = toDataView(bytes);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  expectWithin("npyHeaderBytes", length, file, `its header claims to take ${length} bytes`, { offset: 8 });
  return headerStartOf(bytes) + length;
}

/** Returns the bytes of a file up to where its elements begin, of which `part` reads a range. */
export function headerOf(part: (first: number, last: number) => Uint8Array, file: string): Uint8Array {
  return part(0, headerEnd(part(0, LENGTHS_END), file));
}

/** An array of numbers in a file: its only one, or a field of its structures. */
export interface NpyArray {
  /** Its name, which is that of the file for an only one, NAME/FIELD for a field. */
  name: string;
  field?: string;
  /**
   * Describes its elements, such as "<U6", if they are not numbers that can be read: text, dates, objects, structures, complex numbers
   * and floats of 96 or 128 bits.
   */
  foreign?: string;
}

/**
 * Lists the arrays of numbers that a file holds, and what else is in its place.
 * @param bytes the file, at least up to `headerEnd`
 * @param name that of the file's array
 * @throws FormatError for a file that does not begin as an array file does
 */
export function listNpy(bytes: Uint8Array, name: string, file: string): NpyArray[] {
  const { description } = readHeader(bytes, file);
  const elements = readElements(description);
  if (!elements?.fields) return [{ name, ...(!elements?.numbers && { foreign: description }) }];
  return elements.fields.map(({ name: field, description, numbers }) => ({
    name: `${name}/${field}`,
    field,
    ...(!numbers && { foreign: description }),
  }));
}

const headerStartOf = (bytes: Uint8Array) => (bytes[6] === 1 ? headerStart1 : LENGTHS_END);

function readHeader(bytes: Uint8Array, file: string): Header {
  const headerStart = headerStartOf(bytes);
  const dataStart = headerEnd(bytes, file);
  if (dataStart > bytes.length) {
    throw formatError(file, `truncated: the header ends at byte ${dataStart}, the file at ${bytes.length}.`, {
      offset: headerStart,
      expected: dataStart,
      found: bytes.length,
    });
  }
  // Version 3 is for names of fields that Latin-1 cannot write.
  const encoding = bytes[6] === 3 ? "utf-8" : "latin1";
  const text = new TextDecoder(encoding).decode(bytes.slice(headerStart, dataStart));
  const fields = readDictionary(text);
  const description = /^'(.*)'$|^\[.*\]$/.exec(fields?.get("descr") ?? "");
  const order = fields?.get("fortran_order");
  const shape = readTuple(fields?.get("shape"));
  const { length: dimensions } = shape ?? [];
  expectWithin("dimensions", dimensions, file, `the array has ${dimensions} dimensions`, { offset: headerStart });
  if (fields?.size !== 3 || !description || (order !== "True" && order !== "False") || !shape) {
    throw formatError(file, `the header is not that of a plain array: ${text.slice(0, 120).trim()}`, {
      offset: headerStart,
    });
  }
  // A structure is described by a list of its fields.
  return { description: description[1] ?? description[0], fortranOrder: order === "True", shape, dataStart };
}

/** Returns the kinds of values that a header holds, as text; undefined for any other header. */
function readDictionary(text: string): Map<string, string> | undefined {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) return undefined;
  const fields = new Map<string, string>();
  const field = /\s*'(\w+)'\s*:\s*('[^']*'|\[.*\]|\([^)]*\)|True|False)\s*(?:,\s*|$)/y;
  while (field.lastIndex < body.length) {
    const [, key, value] = field.exec(body) ?? [];
    if (key === undefined || value === undefined || fields.has(key)) return undefined;
    fields.set(key, value);
  }
  return fields;
}

/**
 * Converts column-major order (the first index runs fastest) to row-major order (the last index runs fastest).
 * @param within the shape of what is at each index, which is row-major
 */
function toRowMajor<T extends SafeTensor["data"]>(data: T, shape: readonly number[], within: readonly number[]): T {
  const part = elementCount(within);
  const strides = new Array<number>(shape.length).fill(part);
  for (let axis = 1; axis < shape.length; axis++) strides[axis] = strides[axis - 1] * shape[axis - 1];
  return gatherStrided(data, 0, [...shape, part], [...strides, 1]);
}
