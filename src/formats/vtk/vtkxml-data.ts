// Decodes and encodes the values of arrays in VTK's XML files: as text, as base64 or as raw bytes, whole or in compressed blocks.
// https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html

import { zlibSync } from "fflate";
import type { FormatError } from "../../errors.ts";
import { bytesOf, readArray, swapByteOrder, type TypedArray, toDataView } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensorType } from "../bytes/elements.ts";
import { parseDecimal, parseInteger, parseNonFinite, TextReader } from "../bytes/text.ts";
import { inflateZlib, MAX_DEFLATED } from "../compression/inflate.ts";
import { decompressLz4, storeLz4 } from "../compression/lz4.ts";

/** The encoding of a file's binary arrays. */
export interface Encoding {
  littleEndian: boolean;
  /** The number of bytes in each number of the header before the data: UInt32 or UInt64. */
  headerWidth: 4 | 8;
  /** How data is compressed; undefined if it is not. */
  compression: Compression | undefined;
}

/** How blocks are compressed. */
export interface Compression {
  unpack(packed: Uint8Array, size: number): Uint8Array;
  pack(bytes: Uint8Array): Uint8Array;
}

/** Compressions by VTK's names. Blocks that are added to a file of LZ4 are stored as they are. */
export const compressions: Readonly<Record<string, Compression>> = {
  vtkZLibDataCompressor: { unpack: inflateZlib, pack: (bytes) => zlibSync(bytes) },
  vtkLZ4DataCompressor: { unpack: decompressLz4, pack: storeLz4 },
};

/** Element types by VTK's names. */
export const elementTypes: Readonly<Record<string, SafeTensorType>> = {
  Float64: "F64",
  Float32: "F32",
  Int64: "I64",
  Int32: "I32",
  Int16: "I16",
  Int8: "I8",
  UInt64: "U64",
  UInt32: "U32",
  UInt16: "U16",
  UInt8: "U8",
};

/** Makes the error for a problem of an array. */
export type Wrong = (problem: string) => FormatError;

/** Bytes that are read in sequence. */
interface ByteSource {
  /** An upper bound of the bytes left. */
  readonly left: number;
  /** @param length no more than `left` */
  take(length: number): Uint8Array;
}

class RawSource implements ByteSource {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 64;
const NONE = 65;
/** The value of each character of base64. */
const base64Values = new Uint8Array(256).fill(NONE);
[...`${base64Alphabet}=`].forEach((character, value) => {
  base64Values[character.charCodeAt(0)] = value;
});

/** Decodes base64, which may end (by =) and begin again: VTK does so between the header and the data. */
class Base64Source implements ByteSource {
  readonly #text: Uint8Array;
  readonly #wrong: Wrong;
  #at = 0;
  /** The bytes of the last group of four characters, and how many of them have been read. */
  readonly #group = new Uint8Array(3);
  #next = 0;
  #end = 0;

  constructor(text: Uint8Array, wrong: Wrong) {
    this.#text = text;
    this.#wrong = wrong;
  }

  get left(): number {
    return Math.floor(((this.#text.length - this.#at) * 3) / 4) + this.#end - this.#next;
  }

  take(length: number): Uint8Array {
    const result = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      if (this.#next === this.#end) this.#decodeGroup();
      while (this.#next < this.#end && filled < length) result[filled++] = this.#group[this.#next++];
    }
    return result;
  }

  #decodeGroup(): void {
    const text = this.#text;
    let bits = 0;
    let characters = 0;
    let padding = 0;
    while (characters < 4) {
      if (this.#at >= text.length) throw this.#wrong("its base64 is cut short");
      const byte = text[this.#at++];
      if (byte <= 0x20) continue;
      const value = base64Values[byte];
      if (value === NONE || (value === PADDING ? characters < 2 : padding > 0)) throw this.#wrong("holds no base64");
      if (value === PADDING) padding++;
      bits = (bits << 6) | (value & 63);
      characters++;
    }
    this.#group[0] = bits >> 16;
    this.#group[1] = bits >> 8;
    this.#group[2] = bits;
    this.#next = 0;
    this.#end = 3 - padding;
  }
}

/** The expected contents of an array. */
export interface Expected {
  dtype: SafeTensorType;
  /** The number of elements; if undefined, as many as there are. */
  length: number | undefined;
}

/**
 * Reads a binary array.
 * @param data bytes from the array's beginning on; bytes after the array are ignored
 * @throws the error that `wrong` makes
 */
export function readBinary(
  data: Uint8Array,
  { isBase64, wrong }: { isBase64: boolean; wrong: Wrong },
  encoding: Encoding,
  { dtype, length }: Expected,
): TypedArray {
  const type = arrayTypes[dtype];
  const width = type.BYTES_PER_ELEMENT;
  const source = isBase64 ? new Base64Source(data, wrong) : new RawSource(data);
  const check = (bytes: number) => {
    const expected = length === undefined ? Math.floor(bytes / width) * width : length * width;
    if (bytes !== expected) throw wrong(`holds ${bytes} bytes, expected ${expected}`);
  };
  let bytes = encoding.compression
    ? readBlocks(source, encoding, encoding.compression, wrong, check)
    : readWhole(source, encoding, wrong, check);
  if (!encoding.littleEndian && width > 1) {
    bytes = bytes.slice();
    swapByteOrder(bytes, width);
  }
  return readArray(bytes, 0, bytes.length / width, type);
}

function readHeader(
  source: ByteSource,
  count: number,
  { littleEndian, headerWidth }: Encoding,
  wrong: Wrong,
): number[] {
  if (count * headerWidth > source.left) throw wrong("is cut short");
  const view = toDataView(source.take(count * headerWidth));
  return Array.from({ length: count }, (_, i) =>
    headerWidth === 4 ? view.getUint32(4 * i, littleEndian) : Number(view.getBigUint64(8 * i, littleEndian)),
  );
}

function readWhole(source: ByteSource, encoding: Encoding, wrong: Wrong, check: (bytes: number) => void): Uint8Array {
  const [length] = readHeader(source, 1, encoding, wrong);
  check(length);
  if (length > source.left) throw wrong(`is cut short: ${length} bytes, of which at most ${source.left} are there`);
  return source.take(length);
}

/** Reads blocks. Their header holds their number, the size of all but the last, the size of the last, and each compressed size. */
function readBlocks(
  source: ByteSource,
  encoding: Encoding,
  { unpack }: Compression,
  wrong: Wrong,
  check: (bytes: number) => void,
): Uint8Array {
  const [count] = readHeader(source, 1, encoding, wrong);
  if (count === 0) {
    check(0);
    return new Uint8Array();
  }
  const [size, lastSize] = readHeader(source, 2, encoding, wrong);
  const packedSizes = readHeader(source, count, encoding, wrong);
  // A size of 0 means that the last block is as long as the others.
  const last = lastSize || size;
  const length = (count - 1) * size + last;
  check(length);
  const packed = packedSizes.reduce((sum, bytes) => sum + bytes, 0);
  if (packed > source.left) throw wrong(`is cut short: ${packed} bytes, of which at most ${source.left} are there`);
  if (length > packed * MAX_DEFLATED) throw wrong(`claims ${length} bytes decompressed from ${packed}`);
  const result = new Uint8Array(length);
  for (let block = 0; block < count; block++) {
    try {
      result.set(unpack(source.take(packedSizes[block]), block === count - 1 ? last : size), block * size);
    } catch (cause) {
      if ((cause as Error).name === "FormatError") throw cause;
      throw wrong(`cannot be decompressed: block ${block} of ${count}, ${(cause as Error).message}`);
    }
  }
  return result;
}

/**
 * Reads an array that is stored as text.
 * @throws the error that `wrong` makes
 */
export function readText(text: Uint8Array, { dtype, length }: Expected, file: string, wrong: Wrong): TypedArray {
  const count = length ?? countWords(text, file);
  // Each value takes at least a digit and a space.
  if (2 * count - 1 > text.length) throw wrong(`is cut short: ${count} numbers in ${text.length} bytes`);
  const result = new arrayTypes[dtype](count);
  const parse = parserOf(dtype);
  const reader = new TextReader(text, file);
  for (let i = 0; i < count; i++) {
    const word = reader.word() ?? "";
    const value = parse(word);
    if (value !== undefined) result[i] = value;
    // A typed array wraps integers that exceed its type, so that they differ afterwards.
    const isHeld = value !== undefined && (dtype.startsWith("F") || result[i] === value);
    if (!isHeld) throw wrong(`number ${i} of ${count} is "${word.slice(0, 40)}"`);
  }
  if (reader.word() !== undefined) throw wrong(`holds more than ${count} numbers`);
  return result;
}

function countWords(text: Uint8Array, file: string): number {
  const reader = new TextReader(text, file);
  let count = 0;
  while (reader.word() !== undefined) count++;
  return count;
}

/** Returns a parser of values, which gives undefined for a word that is not a number. It keeps all digits of 64-bit integers. */
function parserOf(dtype: SafeTensorType): (word: string) => number | bigint | undefined {
  if (dtype === "I64" || dtype === "U64") return (word) => (/^-?\d{1,20}$/.test(word) ? BigInt(word) : undefined);
  if (dtype.startsWith("F")) return parseFloat64;
  return (word) => {
    const value = parseInteger(word);
    return Number.isNaN(value) ? undefined : value;
  };
}

function parseFloat64(word: string): number | undefined {
  const value = parseDecimal(word);
  return Number.isNaN(value) ? parseNonFinite(word) : value;
}

/** VTK's own block size. With blocks, a reader can decompress a part of the data alone. */
const BLOCK = 32_768;

/** Encodes an array's bytes, with the header that gives their number. */
export function encodeBinary(data: TypedArray, { littleEndian, headerWidth, compression }: Encoding): Uint8Array[] {
  let bytes = bytesOf(data);
  if (!littleEndian && data.BYTES_PER_ELEMENT > 1) {
    bytes = bytes.slice();
    swapByteOrder(bytes, data.BYTES_PER_ELEMENT);
  }
  const header = (values: readonly number[]) => {
    const result = new Uint8Array(values.length * headerWidth);
    const view = toDataView(result);
    values.forEach((value, i) => {
      if (headerWidth === 4) view.setUint32(4 * i, value, littleEndian);
      else view.setBigUint64(8 * i, BigInt(value), littleEndian);
    });
    return result;
  };
  if (!compression) return [header([bytes.length]), bytes];
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK) blocks.push(compression.pack(bytes.subarray(at, at + BLOCK)));
  const sizes = blocks.map((block) => block.length);
  return [header([blocks.length, BLOCK, bytes.length % BLOCK, ...sizes]), ...blocks];
}

/** Returns the characters of bytes in base64, with padding: of more bytes than a string can hold, too. */
export function encodeBase64(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const codes = new TextEncoder().encode(base64Alphabet);
  const text = new Uint8Array(4 * Math.ceil(bytes.length / 3));
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    // Beyond the end zeros, whose characters are replaced.
    const group = (bytes[from] << 16) | (bytes[from + 1] << 8) | bytes[from + 2];
    text[to] = codes[group >> 18];
    text[to + 1] = codes[(group >> 12) & 63];
    text[to + 2] = codes[(group >> 6) & 63];
    text[to + 3] = codes[group & 63];
  }
  const missing = (3 - (bytes.length % 3)) % 3;
  return text.fill("=".charCodeAt(0), text.length - missing);
}
