// MATLAB's files of level 5: what MATLAB saves unless it is told otherwise (versions 5 to 7), SciPy's savemat, and Octave. Format:
// The MathWorks, "MAT-File Level 5 File Format". Elements of a type, a size and data follow one another; a variable is an
// element that consists of elements.

import {
  elementCount,
  expectWithin,
  formatError,
  readArray,
  swapByteOrder,
  type TypedArray,
  toDataView,
} from "../bytes/bytes.ts";
import { type ArrayContents, arrayTypes, type SafeTensor, type SafeTensorType } from "../bytes/elements.ts";
import { inflateRange, inflateZlib } from "../compression/inflate.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { asInMatlab, leftOutAs } from "./arrays.ts";

const HEADER_BYTES = 128;
/** Where the header has the version, 0x0100, and the letters MI, both in the file's byte order. */
const MARK = 124;
const LITTLE_ENDIAN = "\0\x01IM";
const BIG_ENDIAN = "\x01\0MI";

/** The types of elements that are no numbers. */
const MATRIX = 14;
const COMPRESSED = 15;
/** The types of numbers as they are stored, which may be smaller than their variable's own. */
const storedTypes: Readonly<Record<number, SafeTensorType>> = {
  1: "I8",
  2: "U8",
  3: "I16",
  4: "U16",
  5: "I32",
  6: "U32",
  7: "F32",
  9: "F64",
  12: "I64",
  13: "U64",
};

/** The classes of variables that hold numbers. */
const classTypes: Readonly<Record<number, SafeTensorType>> = {
  6: "F64",
  7: "F32",
  8: "I8",
  9: "U8",
  10: "I16",
  11: "U16",
  12: "I32",
  13: "U32",
  14: "I64",
  15: "U64",
};
const STRUCTURE = 2;
/** Objects of newer classes, such as tables and strings: they have no size. */
const OPAQUE = 17;
/** Other classes, and what their owner can do. */
const otherClasses: Readonly<Record<number, string>> = {
  1: "cells: save each as an array",
  3: "an object: save its arrays",
  4: leftOutAs.text,
  5: leftOutAs.sparse,
  16: "a function",
  [OPAQUE]: "an object: save its arrays",
};
/** The flag of complex variables, beside the class. */
const COMPLEX = 0x800;

const markOf = (begin: Uint8Array) => String.fromCharCode(...begin.subarray(MARK, HEADER_BYTES));

/** @param begin the first 128 bytes of a file, or more */
export const isMatlab5 = (begin: Uint8Array): boolean => [LITTLE_ENDIAN, BIG_ENDIAN].includes(markOf(begin));

/** Reads a file for which `isMatlab5` holds. See matlab.ts. */
export function readMatlab5(bytes: Uint8Array, file: string): ArrayContents {
  const source: Source = { file, isLittle: markOf(bytes) === LITTLE_ENDIAN, unpacking: new Unpacking(bytes.length) };
  const contents: ArrayContents = { arrays: new Map(), leftOut: new Map() };
  const elements = new Elements(bytes.subarray(HEADER_BYTES), source);
  while (!elements.isDone) {
    const element = elements.next("a variable");
    const { type, data } = element.type === COMPRESSED ? decompress(element.data, source) : element;
    if (type === MATRIX) addVariable(contents, source, data);
  }
  return contents;
}

/** What all parts of a file have in common. */
interface Source {
  file: string;
  isLittle: boolean;
  unpacking: Unpacking;
}

interface Element {
  type: number;
  data: Uint8Array;
}

/** Goes through elements that follow one another. Each call says what the element is, for messages of a damaged file. */
class Elements {
  readonly #bytes: Uint8Array;
  readonly #source: Source;
  #at = 0;

  constructor(bytes: Uint8Array, source: Source) {
    this.#bytes = bytes;
    this.#source = source;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(what: string): Element {
    const { file, isLittle } = this.#source;
    const there = this.#bytes.length - this.#at;
    if (there < 8) throw formatError(file, `is damaged: it ends before ${what}.`, { offset: this.#at });
    const tag = toDataView(this.#bytes.subarray(this.#at, this.#at + 8));
    const first = tag.getUint32(0, isLittle);
    // Data of up to four bytes is in the tag, with its size in the type's upper half.
    const smallLength = first >>> 16;
    const length = smallLength || tag.getUint32(4, isLittle);
    const begin = smallLength ? 4 : 8;
    if (begin + length > (smallLength ? 8 : there)) {
      const problem = `is damaged: of the ${length} bytes of ${what} only ${Math.max(0, there - begin)} are there.`;
      throw formatError(file, problem, { expected: length, found: there - begin });
    }
    const type = first & 0xffff;
    const data = this.#bytes.subarray(this.#at + begin, this.#at + begin + length);
    // Elements take multiples of eight bytes, but compressed ones end where they end.
    this.#at += type === COMPRESSED ? begin + length : Math.ceil((begin + length) / 8) * 8;
    return { type, data };
  }

  /** Returns an element's numbers in the type in which they are stored. */
  numbers(what: string): SafeTensor {
    const { file, isLittle } = this.#source;
    const { type, data } = this.next(what);
    const dtype = storedTypes[type];
    if (dtype === undefined) throw formatError(file, `is damaged: ${what} is of type ${type}, which is no number.`);
    const array = arrayTypes[dtype];
    const bytes = isLittle ? data : data.slice();
    if (!isLittle) swapByteOrder(bytes, array.BYTES_PER_ELEMENT);
    const length = Math.floor(bytes.length / array.BYTES_PER_ELEMENT);
    return { dtype, shape: [length], data: readArray(bytes, 0, length, array) };
  }

  text(what: string): string {
    return new TextDecoder().decode(this.next(what).data);
  }
}

/** Returns the variable that is in a compressed element. */
function decompress(packed: Uint8Array, source: Source): Element {
  const { file, isLittle, unpacking } = source;
  try {
    // The variable's own tag says how long it is. Two bytes of zlib's header precede it.
    const size = 8 + toDataView(inflateRange(packed.subarray(2), 0, 8)).getUint32(4, isLittle);
    unpacking.take(size, file);
    return new Elements(inflateZlib(packed, size), source).next("a variable");
  } catch (cause) {
    if (cause instanceof Error && cause.name === "FormatError") throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw formatError(file, `is damaged: a variable cannot be unpacked, ${problem}.`, {}, { cause });
  }
}

/**
 * Adds a variable.
 * @param data its elements
 * @param path the structure's and the field's names, which are not in the variable itself: "flow/pressure"
 */
function addVariable({ arrays, leftOut }: ArrayContents, source: Source, data: Uint8Array, path?: string): void {
  // An empty field may have no elements.
  if (data.length === 0) return;
  const elements = new Elements(data, source);
  const flags = Number(elements.numbers("a variable's class").data[0]);
  const kind = flags & 0xff;
  const shape = kind === OPAQUE ? [] : Array.from(elements.numbers("a variable's size").data, Number);
  const ownName = elements.text("a variable's name");
  const name = path ?? ownName;
  // What MATLAB keeps for its objects has no name.
  if (name === "") return;
  const dtype = classTypes[kind];
  const count = elementCount(shape);
  if (kind === STRUCTURE && count === 1) addFields({ arrays, leftOut }, source, elements, name);
  else if (dtype === undefined)
    leftOut.set(name, otherClasses[kind] ?? "structures in a list: save each as a variable");
  else if (flags & COMPLEX) leftOut.set(name, leftOutAs.complex);
  else if (count === 0) leftOut.set(name, leftOutAs.empty);
  else {
    const place = `${source.file}:${name}`;
    const found = elements.numbers("a variable's numbers");
    if (found.data.length !== count) {
      const problem = `is damaged: (${shape}) are not the sizes of its ${found.data.length} numbers.`;
      throw formatError(place, problem, { tensor: name, expected: shape, found: found.data.length });
    }
    arrays.set(name, asInMatlab({ dtype, shape: shape.reverse(), data: converted(found, dtype, place) }));
  }
}

/** Adds the fields of a structure: the length of their names, these, and for each a variable. */
function addFields(contents: ArrayContents, source: Source, elements: Elements, structure: string): void {
  const depth = structure.split("/").length;
  expectWithin("depth", depth, `${source.file}:${structure}`, `${depth} structures in one another`);
  const length = Number(elements.numbers("the length of a structure's names").data[0]);
  const names = elements.next("a structure's names").data;
  for (let at = 0; length > 0 && at + length <= names.length; at += length) {
    const name = new TextDecoder().decode(names.subarray(at, at + length)).replace(/\0.*/s, "");
    addVariable(contents, source, elements.next("a structure's field").data, `${structure}/${name}`);
  }
}

/** Returns numbers in their variable's type. */
function converted({ dtype, data }: SafeTensor, type: SafeTensorType, place: string): TypedArray {
  if (dtype === type) return data;
  const array = arrayTypes[type];
  const bytes = data.length * array.BYTES_PER_ELEMENT;
  expectWithin("unpackedBytes", bytes, place, `its numbers take ${bytes} bytes`);
  const result = new array(data.length);
  const isBig = result instanceof BigInt64Array || result instanceof BigUint64Array;
  for (let i = 0; i < data.length; i++) {
    if (isBig && !Number.isInteger(Number(data[i]))) {
      throw formatError(place, `is damaged: its number ${i} is ${data[i]}, which is no integer.`, { row: i });
    }
    result[i] = isBig ? BigInt(data[i]) : Number(data[i]);
  }
  return result;
}
