// NumPy's array file: a magic number, a header that is a Python dictionary, and the elements. Versions 1 to 3.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { InputError } from "../../errors.ts";
import {
  bytesOf,
  elementCount,
  expectWithin,
  type FileBytes,
  formatError,
  readArray,
  swapByteOrder,
  toBytes,
  toDataView,
} from "../bytes/bytes.ts";
import {
  arrayTypes,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  tensorType,
} from "../bytes/elements.ts";
import { gatherStrided } from "../bytes/strided.ts";

/** Element types by NumPy's descriptions, such as "<f4", without the byte order. */
const elementTypes: Record<string, SafeTensorType> = {
  f8: "F64",
  f4: "F32",
  f2: "F16",
  i8: "I64",
  i4: "I32",
  i2: "I16",
  i1: "I8",
  u8: "U64",
  u4: "U32",
  u2: "U16",
  u1: "U8",
  b1: "BOOL",
};
/** The offset at which the header of version 1 begins. */
const headerStart1 = 10;
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Reads an array file. The result is row-major and in this machine's byte order, whatever those of the file are.
 * @param options.file name used in error messages (default "npy")
 * @throws FormatError for a file that is truncated or too long, a bad header, or element types that are not supported (complex
 * numbers, and floats of 128 bits).
 */
export function loadNpy(input: FileBytes, options: { file?: string } = {}): SafeTensor {
  const file = options?.file ?? "npy";
  const bytes = toBytes(input);
  const array = describeNpy(bytes, bytes.length, file);
  return array.decode(bytes.subarray(array.dataStart), array.shape);
}

/**
 * Reads only the rows `start .. end` of an array file. A row holds the elements of one index of the first axis.
 * @throws FormatError as `loadNpy` does; InputError for rows that do not exist
 */
export function loadNpyRows(input: FileBytes, start: number, end: number, options: { file?: string } = {}): SafeTensor {
  const bytes = toBytes(input);
  const part = (first: number, last: number) => bytes.subarray(first, last);
  return readRows(part, bytes.length, start, end, options?.file ?? "npy");
}

/** What a file's header says. */
export interface NpyDescription {
  shape: number[];
  fortranOrder: boolean;
  /** The offset of the first element, and the bytes per element. */
  dataStart: number;
  width: number;
  /** Makes an array of the bytes of its elements. */
  decode(data: Uint8Array, shape: number[]): SafeTensor;
}

/**
 * Reads rows of an array file, and of the file only the bytes that they need.
 * @param part returns the bytes of the file from one offset to another, or to the file's end
 * @param fileBytes the size of the whole file
 */
export function readRows(
  part: (first: number, last: number) => Uint8Array,
  fileBytes: number,
  start: number,
  end: number,
  file: string,
): SafeTensor {
  const array = describeNpy(part(0, headerEnd(part(0, LENGTHS_END), file)), fileBytes, file);
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
  const row = elementCount(rest);
  const whole = array.decode(bytes, array.shape);
  return { ...whole, shape, data: whole.data.slice(start * row, end * row) };
}

/**
 * @param bytes the beginning of the file, at least up to `headerEnd`
 * @param fileBytes the size of the whole file
 */
export function describeNpy(bytes: Uint8Array, fileBytes: number, file: string): NpyDescription {
  const { description, fortranOrder, shape, dataStart } = readHeader(bytes, file);
  const elements = readType(description);
  if (!elements) {
    const known = Object.keys(elementTypes);
    // In Python: savez(file, **{field: array[field] for field in array.dtype.names}).
    const advice = description.startsWith("[") ? " Save each field of a structure as an array of its own." : "";
    throw formatError(
      file,
      `elements of type '${description.slice(0, 80)}' cannot be read; known are ${known.join(", ")}.${advice}`,
      { offset: 10, expected: known, found: description },
    );
  }
  const { dtype, order } = elements;
  const type = arrayTypes[dtype];
  const width = type.BYTES_PER_ELEMENT;
  const expected = dataStart + elementCount(shape) * width;
  if (expected !== fileBytes) {
    throw formatError(
      file,
      `shape (${shape}) of '${description}' takes a file of ${expected} bytes, found ${fileBytes}.`,
      {
        offset: dataStart,
        expected,
        found: fileBytes,
      },
    );
  }
  const decode = (source: Uint8Array, shape: number[]): SafeTensor => {
    const isSwapped = order === ">" && width > 1;
    const bytes = isSwapped ? source.slice() : source;
    if (isSwapped) swapByteOrder(bytes, width);
    const data = readArray(bytes, 0, elementCount(shape), type);
    return { dtype, shape, data: fortranOrder && shape.length > 1 ? toRowMajor(data, shape) : data };
  };
  return { shape, fortranOrder, dataStart, width, decode };
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
  const { shape } = tensor;
  const description = `${kind.endsWith("1") ? "|" : "<"}${kind}`;
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const fields = `{'descr': '${description}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy aligns the elements to 64 bytes, with spaces and a line feed.
  const dataStart = Math.ceil((headerStart1 + fields.length + 1) / 64) * 64;
  const bytes = bytesOf(tensor.data);
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

/**
 * Returns the description of an array file's elements, such as "<U6", if they are not numbers that can be read: text, dates, objects,
 * structures, complex numbers and floats of 96 or 128 bits. Otherwise undefined.
 * @throws FormatError for a file that does not begin as an array file does
 */
export function foreignElements(bytes: Uint8Array, file: string): string | undefined {
  const { description } = readHeader(bytes, file);
  return readType(description) ? undefined : description;
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
  // Latin-1 maps every byte to a character, so nothing is lost; numbers and keys are ASCII in all versions.
  const text = new TextDecoder("latin1").decode(bytes.slice(headerStart, dataStart));
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

/** Reads a description such as "<f4"; undefined if it is not one of the known element types. */
function readType(description: string): { dtype: SafeTensorType; order: string } | undefined {
  const [, order, kind] = /^([<>=|])([a-z]\d+)$/.exec(description) ?? [];
  return kind !== undefined && Object.hasOwn(elementTypes, kind) ? { dtype: elementTypes[kind], order } : undefined;
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

/** Reads "(3, 4)", "(3,)" or "()"; Python 2 wrote long integers as 3L. */
function readTuple(text: string | undefined): number[] | undefined {
  const body = /^\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?\s*)?)\)$/.exec(text ?? "")?.[1];
  if (body === undefined) return undefined;
  const shape = (body.match(/\d+/g) ?? []).map(Number);
  return Number.isNaN(elementCount(shape)) ? undefined : shape;
}

/** Converts column-major order (the first index runs fastest) to row-major order (the last index runs fastest). */
function toRowMajor<T extends SafeTensor["data"]>(data: T, shape: readonly number[]): T {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = 1; axis < shape.length; axis++) strides[axis] = strides[axis - 1] * shape[axis - 1];
  return gatherStrided(data, 0, shape, strides);
}
