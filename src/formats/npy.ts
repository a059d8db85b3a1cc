// NumPy's array file: a magic number, a header that is a Python dictionary, then the elements. Versions 1 to 3.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { InputError } from "../errors.ts";
import {
  bytesOf,
  elementCount,
  type FileBytes,
  formatError,
  readArray,
  swapByteOrder,
  toBytes,
  toDataView,
} from "./bytes.ts";
import { arrayTypes, type SafeTensor, type SafeTensorInput, type SafeTensorType, tensorType } from "./elements.ts";

/** A description such as "<f4" without its byte order, and what it is called here. */
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
/** Where the header of version 1 begins. */
const headerStart1 = 10;
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Reads an array file. The result is row-major and in this machine's byte order, whatever the file's were.
 * @param options.file name used in error messages (default "npy")
 * @throws FormatError for a file that is cut short or too long, a bad header, or elements that are no numbers.
 */
export function loadNpy(input: FileBytes, options: { file?: string } = {}): SafeTensor {
  const file = options?.file ?? "npy";
  const bytes = toBytes(input);
  const { description, fortranOrder, shape, dataStart } = readHeader(bytes, file);

  const [, order, kind] = /^([<>=|])([a-z]\d+)$/.exec(description) ?? [];
  if (kind === undefined || !Object.hasOwn(elementTypes, kind)) {
    const known = Object.keys(elementTypes);
    throw formatError(file, `elements of type '${description}' cannot be read; known are ${known.join(", ")}.`, {
      offset: 10,
      expected: known,
      found: description,
    });
  }
  const dtype = elementTypes[kind];
  const type = arrayTypes[dtype];
  const length = elementCount(shape);
  const expected = dataStart + length * type.BYTES_PER_ELEMENT;
  if (expected !== bytes.length) {
    throw formatError(
      file,
      `shape (${shape}) of '${description}' takes a file of ${expected} bytes, found ${bytes.length}.`,
      {
        offset: dataStart,
        expected,
        found: bytes.length,
      },
    );
  }
  const isSwapped = order === ">" && type.BYTES_PER_ELEMENT > 1;
  const source = isSwapped ? bytes.slice(dataStart) : bytes;
  if (isSwapped) swapByteOrder(source, type.BYTES_PER_ELEMENT);
  const data = readArray(source, isSwapped ? 0 : dataStart, length, type);
  return { dtype, shape, data: fortranOrder && shape.length > 1 ? toRowMajor(data, shape) : data };
}

/**
 * Writes an array file: version 1, row-major, little-endian.
 * @param options.name of the array, for error messages (default "array")
 * @throws InputError for data that does not fit its shape or dtype, and for BF16, which NumPy has not
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
  // NumPy aligns the elements to 64 bytes, with spaces and a line end.
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

function readHeader(bytes: Uint8Array, file: string): Header {
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw formatError(file, "does not begin as an npy file does.", { offset: 0, found: bytes.length });
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw formatError(file, `npy version ${version} is not known; expected 1, 2 or 3.`, { offset: 6, found: version });
  }
  const view = toDataView(bytes);
  const headerStart = version === 1 ? headerStart1 : 12;
  const dataStart = headerStart + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataStart > bytes.length) {
    throw formatError(file, `truncated: the header ends at byte ${dataStart}, the file at ${bytes.length}.`, {
      offset: headerStart,
      expected: dataStart,
      found: bytes.length,
    });
  }
  // Latin-1 gives every byte a character, so nothing is lost; numbers and keys are ASCII in all versions.
  const text = new TextDecoder("latin1").decode(bytes.slice(headerStart, dataStart));
  const fields = readDictionary(text);
  const description = /^'(.*)'$/.exec(fields?.get("descr") ?? "")?.[1];
  const order = fields?.get("fortran_order");
  const shape = readTuple(fields?.get("shape"));
  if (fields?.size !== 3 || description === undefined || (order !== "True" && order !== "False") || !shape) {
    throw formatError(file, `the header is not that of a plain array: ${text.slice(0, 120).trim()}`, {
      offset: headerStart,
    });
  }
  return { description, fortranOrder: order === "True", shape, dataStart };
}

/** The three kinds of value that a header holds, as text; undefined where anything else stands there. */
function readDictionary(text: string): Map<string, string> | undefined {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) return undefined;
  const fields = new Map<string, string>();
  const field = /\s*'(\w+)'\s*:\s*('[^']*'|\([^)]*\)|True|False)\s*(?:,\s*|$)/y;
  while (field.lastIndex < body.length) {
    const [, key, value] = field.exec(body) ?? [];
    if (key === undefined || value === undefined || fields.has(key)) return undefined;
    fields.set(key, value);
  }
  return fields;
}

/** "(3, 4)", "(3,)" or "()"; Python 2 wrote long integers as 3L. */
function readTuple(text: string | undefined): number[] | undefined {
  const body = /^\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?\s*)?)\)$/.exec(text ?? "")?.[1];
  if (body === undefined) return undefined;
  const shape = (body.match(/\d+/g) ?? []).map(Number);
  return Number.isNaN(elementCount(shape)) ? undefined : shape;
}

/** Column-major (the first index runs fastest) to row-major (the last one does). */
function toRowMajor<T extends SafeTensor["data"]>(data: T, shape: readonly number[]): T {
  const result = data.slice() as T;
  const rank = shape.length;
  const strides = new Array<number>(rank).fill(1);
  for (let axis = 1; axis < rank; axis++) strides[axis] = strides[axis - 1] * shape[axis - 1];
  const index = new Array<number>(rank).fill(0);
  let source = 0;
  for (let target = 0; target < data.length; target++) {
    result[target] = data[source];
    for (let axis = rank - 1; axis >= 0; axis--) {
      source += strides[axis];
      index[axis] = index[axis] + 1;
      if (index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
