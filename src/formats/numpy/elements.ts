// The elements of NumPy's arrays as their headers describe them: numbers ("<f4"), others ("<U6"), and structures of such, which are lists
// of fields: [('pos', '<f4', (3,)), ('', '|V4')].

import { limits } from "../../limits.ts";
import { elementCount } from "../bytes/bytes.ts";
import {
  arrayTypes,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  toFloat32,
} from "../bytes/elements.ts";
import type { RecordField } from "../bytes/records.ts";

/** Types of numbers by NumPy's descriptions, such as "<f4", without the byte order. */
export const elementTypes: Record<string, SafeTensorType> = {
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

/** Returns an array as NumPy can hold it: it has no bfloat16. */
export const forNumpy = (array: SafeTensor): SafeTensorInput =>
  array.dtype === "BF16" ? { shape: array.shape, data: toFloat32(array) } : array;

/** Texts of fixed length, in bytes (S) or in characters of four bytes (U), with zeros after a shorter text. */
export interface NpyTexts {
  kind: "S" | "U";
  /** The first byte of each in its structure, and how many there are. */
  offset: number;
  length: number;
  bigEndian: boolean;
}

/** A field of a structure. */
export interface NpyField {
  name: string;
  /** What NumPy calls its type. */
  description: string;
  /** Its numbers; undefined if it holds none that can be read. */
  numbers?: RecordField;
  /** Its texts, if it holds one in each structure. */
  texts?: NpyTexts;
}

/** The elements of an array. */
export interface NpyElements {
  /** Bytes of an element. */
  width: number;
  /** The numbers of an array that is no structure, or its texts. */
  numbers?: RecordField;
  texts?: NpyTexts;
  /** The fields of a structure, without padding. */
  fields?: NpyField[];
}

/** Returns the elements that a header describes; undefined for those that cannot be read. */
export function readElements(description: string): NpyElements | undefined {
  if (description.startsWith("[")) return readStructure(description);
  const numbers = readNumbers(description, 0, []);
  if (numbers) return { width: arrayTypes[numbers.dtype].BYTES_PER_ELEMENT, numbers };
  const texts = readTexts(description, 0);
  return texts && { width: texts.length, texts };
}

function readTexts(description: string, offset: number): NpyTexts | undefined {
  const [, order, kind, size] = /^([<>=|])([SU])(\d+)$/.exec(description) ?? [];
  if (kind !== "S" && kind !== "U") return undefined;
  return { kind, offset, length: Number(size) * (kind === "U" ? 4 : 1), bigEndian: order === ">" };
}

function readNumbers(description: string, offset: number, shape: readonly number[]): RecordField | undefined {
  const [, order, kind] = /^([<>=|])([a-z]\d+)$/.exec(description) ?? [];
  if (kind === undefined || !Object.hasOwn(elementTypes, kind)) return undefined;
  return { offset, dtype: elementTypes[kind], bigEndian: order === ">", shape };
}

/** Returns the shape that a tuple names, "(3, 4)", "(3,)" or "()"; Python 2 wrote long integers as 3L. */
export function readTuple(text: string | undefined): number[] | undefined {
  const body = /^\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?\s*)?)\)$/.exec(text ?? "")?.[1];
  if (body === undefined) return undefined;
  const shape = (body.match(/\d+/g) ?? []).map(Number);
  return Number.isNaN(elementCount(shape)) ? undefined : shape;
}

/** What a structure's list is made of: a text with either quotes, a tuple of numbers, or one character. */
const token = /\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\(\s*(?:\d+L?\s*(?:,\s*|(?=\))))*\)|[[\](),])\s*/y;

/** @returns undefined for a list whose fields have no known size, such as objects, which are stored in another way */
function readStructure(description: string): NpyElements | undefined {
  const tokens: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < description.length) {
    const [, found] = token.exec(description) ?? [];
    if (found === undefined) return undefined;
    tokens.push(found);
  }
  const list = new FieldList(tokens);
  const elements = list.read(0);
  return list.isDone && elements?.fields?.length ? elements : undefined;
}

/** Reads the tokens of a list of fields. */
class FieldList {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get isDone(): boolean {
    return this.#at === this.#tokens.length;
  }

  read(depth: number): NpyElements | undefined {
    if (depth > limits.depth || !this.#skip("[")) return undefined;
    const fields: NpyField[] = [];
    const names = new Set<string>();
    let width = 0;
    while (!this.#skip("]")) {
      const field = this.#field(width, depth);
      if (!field || names.has(field.name)) return undefined;
      const { size, ...read } = field;
      width += size;
      if (!Number.isSafeInteger(width)) return undefined;
      // NumPy names padding so, and no field.
      if (read.name !== "") {
        names.add(read.name);
        fields.push(read);
      }
      if (!this.#skip(",") && this.#tokens[this.#at] !== "]") return undefined;
    }
    return { width, fields };
  }

  /** Reads a tuple of name, type and shape. */
  #field(offset: number, depth: number): (NpyField & { size: number }) | undefined {
    if (!this.#skip("(")) return undefined;
    const name = this.#name();
    if (name === undefined || !this.#skip(",")) return undefined;
    const isNested = this.#tokens[this.#at] === "[";
    const nested = isNested ? this.read(depth + 1) : undefined;
    const description = isNested ? "a structure" : textOf(this.#next());
    if (description === undefined) return undefined;
    const shape = this.#skip(",") ? readTuple(this.#next()) : [];
    const size = (isNested ? nested?.width : sizeOf(description)) ?? Number.NaN;
    if (!shape || shape.length > limits.dimensions || !this.#skip(")")) return undefined;
    const numbers = isNested ? undefined : readNumbers(description, offset, shape);
    const texts = isNested || shape.length > 0 ? undefined : readTexts(description, offset);
    return {
      name,
      description,
      size: size * elementCount(shape),
      ...(numbers && { numbers }),
      ...(texts && { texts }),
    };
  }

  /** Reads a name, or a pair of title and name. */
  #name(): string | undefined {
    const isPair = this.#skip("(");
    const first = textOf(this.#next());
    if (!isPair || first === undefined) return first;
    if (!this.#skip(",")) return undefined;
    const name = textOf(this.#next());
    return this.#skip(")") ? name : undefined;
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++];
  }

  #skip(expected: string): boolean {
    const isThere = this.#tokens[this.#at] === expected;
    if (isThere) this.#at++;
    return isThere;
  }
}

/** Returns what a text of Python says; undefined for any other token. */
function textOf(quoted: string | undefined): string | undefined {
  if (!/^['"]/.test(quoted ?? "")) return undefined;
  return quoted
    ?.slice(1, -1)
    .replace(/\\(?:x([\da-f]{2})|u([\da-f]{4})|(.))/g, (_, byte?: string, unit?: string, character?: string) =>
      character === undefined
        ? String.fromCharCode(Number.parseInt((byte ?? unit) as string, 16))
        : ({ n: "\n", r: "\r", t: "\t" }[character] ?? character),
    );
}

/** Returns the bytes of an element of a type without fields; undefined for those that are stored in another way. */
function sizeOf(description: string): number | undefined {
  const [, kind, length] = /^[<>=|]([biufcSaUVMm])(\d+)(?:\[[^\]]*\])?$/.exec(description) ?? [];
  if (kind === undefined) return undefined;
  return /[Mm]/.test(kind) ? 8 : Number(length) * (kind === "U" ? 4 : 1);
}
