// What all format readers share: the bytes they are given, the typed arrays they return, and the error they throw.

import { classOf, describe } from "../../arguments/kinds.ts";
import { type ErrorDetails, FormatError, InputError } from "../../errors.ts";
import { howToAllow, type Limits, limits } from "../../limits.ts";

/** What a reader accepts: the bytes of a whole file. A view may be part of a larger buffer. */
export type FileBytes = ArrayBufferView | ArrayBufferLike;

/** Any typed array into which a file's elements can be read. */
export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** The constructor of a typed array; only the part that readers need. */
export interface TypedArrayConstructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
}

/**
 * Returns the same bytes as a plain Uint8Array. Every reader calls it, because `slice` of Node's Buffer, which also is a
 * Uint8Array, does not copy. Memory that can be resized is copied.
 * @throws InputError for anything but bytes, and for memory that was transferred and is no longer here.
 */
export function toBytes(file: FileBytes): Uint8Array {
  const [buffer, offset, length] = ArrayBuffer.isView(file)
    ? [file.buffer, file.byteOffset, file.byteLength]
    : [file, 0, file?.byteLength];
  if (!["ArrayBuffer", "SharedArrayBuffer"].includes(classOf(buffer))) {
    const found = describe(file);
    throw new InputError(
      `expected the bytes of a file, an ArrayBuffer or a view such as Uint8Array, found: ${found}.`,
      { found },
    );
  }
  const bytes = view(buffer, offset, length);
  const { resizable, growable } = buffer as { resizable?: boolean; growable?: boolean };
  return resizable || growable ? bytes.slice() : bytes;
}

function view(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array {
  try {
    return new Uint8Array(buffer, offset, length);
  } catch (cause) {
    throw new InputError(
      "the bytes of a file were transferred, so they are gone: keep a copy, or read the file again",
      {},
      { cause },
    );
  }
}

/** Returns a view as a `DataView`, which reads elements that are not aligned or not in this machine's byte order. */
export function toDataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Returns `length` little-endian elements from `offset` on as a typed array: a view without a copy where the offset is aligned,
 * so that a large checkpoint is not held twice; a copy where it is not.
 */
export function readArray(bytes: Uint8Array, offset: number, length: number, type: TypedArrayConstructor): TypedArray {
  const start = bytes.byteOffset + offset;
  if (start % type.BYTES_PER_ELEMENT === 0) return new type(bytes.buffer, start, length);
  const copy = bytes.slice(offset, offset + length * type.BYTES_PER_ELEMENT);
  return new type(copy.buffer, 0, length);
}

/** Returns the bytes of a typed array, without a copy. */
export function bytesOf(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Concatenates parts. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reverses the bytes of each element, in place. */
export function swapByteOrder(bytes: Uint8Array, width: number): void {
  for (let start = 0; start + width <= bytes.length; start += width) {
    for (let low = start, high = start + width - 1; low < high; low++, high--) {
      const byte = bytes[low];
      bytes[low] = bytes[high];
      bytes[high] = byte;
    }
  }
}

/** Returns the number of elements of a shape; `NaN` where a dimension is not a whole number or the product exceeds 2^53. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) return Number.NaN;
    count *= dimension;
    if (!Number.isSafeInteger(count)) return Number.NaN;
  }
  return count;
}

/** Makes a `FormatError` whose message begins with the file's name. */
export function formatError(
  file: string,
  problem: string,
  details: ErrorDetails = {},
  options?: ErrorOptions,
): FormatError {
  return new FormatError(`${file}: ${problem}`, { file, ...details }, options);
}

/**
 * Refuses more than a limit.
 * @param problem what the file has: "the array has 65 dimensions"
 * @throws FormatError that says how to allow it
 */
export function expectWithin(
  limit: keyof Limits,
  found: number,
  file: string,
  problem: string,
  details: ErrorDetails = {},
): void {
  if (found <= limits[limit]) return;
  const expected = limits[limit];
  throw formatError(file, `${problem}, ${howToAllow(limit, found)}.`, { limit, expected, found, ...details });
}

/** Refuses to read more bytes at once than are likely to fit into memory, before they are read. @throws FormatError */
export function expectFileBytes(bytes: number, file: string): void {
  expectWithin("fileBytes", bytes, file, `${bytes} bytes are to be read at once`);
}

/** @param what the rows are: "points" @throws FormatError for more rows than a file may hold */
export function expectRows(rows: number, what: string, file: string): void {
  expectWithin("rows", rows, file, `holds ${rows} ${what}`);
}
