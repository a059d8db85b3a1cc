// netCDF's classic files ("netCDF-3", which are not HDF5), as netCDF itself, SciPy, xarray, AMBER and others write them: a header, then
// the numbers of all variables in big-endian order. Format: "NetCDF Classic Format Specification", with 64-bit offsets and 64-bit data.

import {
  elementCount,
  type FileBytes,
  formatError,
  readArray,
  swapByteOrder,
  toBytes,
  toDataView,
} from "../bytes/bytes.ts";
import { type ArrayContents, arrayTypes, type SafeTensor, type SafeTensorType } from "../bytes/elements.ts";
import { decoder, type TextArray } from "../bytes/text-arrays.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { type Meaning, UNSIGNED, unclearPacking, unpack } from "./conventions.ts";

/** How such a file begins; a byte follows, which is one of these versions. */
export const CLASSIC = "CDF";
const [SMALL, LARGE_OFFSETS, LARGE_DATA] = [1, 2, 5];

/** What the lists of the header begin with. An empty list may begin with 0. */
const [DIMENSIONS, VARIABLES, ATTRIBUTES] = [10, 11, 12];
/** The type of text, and those of numbers. */
const CHAR = 2;
const types: Readonly<Record<number, SafeTensorType>> = {
  1: "I8",
  3: "I16",
  4: "I32",
  5: "F32",
  6: "F64",
  7: "U8",
  8: "U16",
  9: "U32",
  10: "I64",
  11: "U64",
};
const widthOf = (type: number) => (type === CHAR ? 1 : arrayTypes[types[type]].BYTES_PER_ELEMENT);
const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;

interface Variable {
  name: string;
  type: number;
  /** The sizes of its axes; of the record axis 0. */
  shape: number[];
  isRecord: boolean;
  /** The bytes of its numbers, or of those in each record. */
  bytes: number;
  begin: number;
  meaning: Meaning & { unclear: readonly string[] };
  /** Its attributes that are texts. */
  notes: ReadonlyMap<string, string>;
}

interface Header {
  /** The number of records; undefined if it is as many as the file holds. */
  records: number | undefined;
  /** The numbers among the attributes of the file. */
  attributes: Map<string, SafeTensor>;
  variables: readonly Variable[];
}

/**
 * Reads the numeric variables of a file that begins with "CDF". Text is left out. What their numbers stand for: conventions.ts.
 * @param options.only names of the variables to read (default: all)
 * @param options.texts which variables are read as well, by their names, if they are of texts: of characters in the last axis
 * @param options.note the attribute of variables whose text is read as well
 * @throws FormatError for a damaged file, and for a variable of `only` that is missing or not numeric
 */
export function readClassicNetcdf(
  input: FileBytes,
  {
    file = "nc",
    only,
    texts,
    note,
  }: {
    file?: string;
    only?: readonly string[];
    texts?: ((name: string) => boolean) | undefined;
    note?: string | undefined;
  },
): ArrayContents {
  const bytes = toBytes(input);
  const { records: given, attributes, variables } = new HeaderReader(bytes, file).read();
  const ofRecords = variables.filter(({ isRecord }) => isRecord);
  // Records are aligned, unless they are of a single variable.
  const step = ofRecords.length === 1 ? ofRecords[0].bytes : ofRecords.reduce((sum, one) => sum + padded(one.bytes), 0);
  const first = Math.min(...ofRecords.map(({ begin }) => begin));
  const records = given ?? (step > 0 ? Math.floor(Math.max(0, bytes.length - first) / step) : 0);
  const names = variables.map(({ name }) => name);
  const missing = only?.find((name) => !names.includes(name));
  if (missing !== undefined) {
    const problem = `holds no variable "${missing}", but ${names.join(", ") || "none"}.`;
    throw formatError(file, problem, { tensor: missing, expected: [...(only ?? [])], found: names });
  }
  const contents: ArrayContents = {
    arrays: new Map(),
    leftOut: new Map(),
    ...(texts && { texts: new Map() }),
    ...(note !== undefined && { notes: notesOf(variables, note) }),
    ...(!only && { attributes }),
  };
  const unpacking = new Unpacking(bytes.length);
  for (const variable of variables) {
    const { name, type, meaning } = variable;
    if (only && !only.includes(name)) continue;
    const place = `${file}:${name}`;
    const packing = `packed by ${meaning.unclear.join(" and ")}, which should be one number each`;
    const left = type === CHAR ? "text" : meaning.unclear.length > 0 ? packing : undefined;
    const isText = type === CHAR && texts?.(name);
    if (left === undefined || isText) {
      const stored = readVariable(bytes, variable, { records, step }, unpacking, place);
      if (isText) contents.texts?.set(name, joinedCharacters(stored));
      else contents.arrays.set(name, unpack(stored, meaning, unpacking, place));
    }
    if (left === undefined) continue;
    if (only && !isText) throw formatError(place, `holds no numbers that can be read, but ${left}.`, { tensor: name });
    if (!only) contents.leftOut.set(name, left);
  }
  return contents;
}

/** Returns the texts of an attribute by the names of the variables that have it. */
function notesOf(variables: readonly Variable[], attribute: string): Map<string, string> {
  const notes = new Map<string, string>();
  for (const { name, notes: texts } of variables) {
    const text = texts.get(attribute);
    if (text !== undefined) notes.set(name, text);
  }
  return notes;
}

/** Returns the characters in the last axis as texts. */
function joinedCharacters({ shape, data }: SafeTensor): TextArray {
  const length = shape.at(-1) ?? 1;
  const texts = shape.slice(0, -1);
  const decode = decoder();
  const read = (_: unknown, i: number) => decode(data as Uint8Array, i * length, length).trimEnd();
  return { shape: texts, texts: Array.from({ length: elementCount(texts) }, read) };
}

/** @param step the bytes from one record to the next */
function readVariable(
  bytes: Uint8Array,
  { name, type, shape, isRecord, begin, bytes: part }: Variable,
  { records, step }: { records: number; step: number },
  unpacking: Unpacking,
  place: string,
): SafeTensor {
  const dtype = type === CHAR ? "U8" : types[type];
  const parts = isRecord ? records : 1;
  const sizes = isRecord ? [records, ...shape.slice(1)] : shape;
  const length = parts * part;
  if (length === 0) return { dtype, shape: sizes, data: new arrayTypes[dtype](0) };
  const end = begin + (parts - 1) * step + part;
  if (!(end <= bytes.length)) {
    const problem = `truncated: its numbers end at byte ${end}, the file has ${bytes.length}.`;
    throw formatError(place, problem, { tensor: name, expected: end, found: bytes.length });
  }
  // Several variables of a damaged file may claim the same bytes.
  unpacking.take(length, place, { tensor: name });
  const copy = new Uint8Array(length);
  for (let i = 0; i < parts; i++) copy.set(bytes.subarray(begin + i * step, begin + i * step + part), i * part);
  swapByteOrder(copy, widthOf(type));
  return { dtype, shape: sizes, data: readArray(copy, 0, length / widthOf(type), arrayTypes[dtype]) };
}

/** Reads the header. Errors name the offset. */
class HeaderReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  readonly #version: number;
  #at = CLASSIC.length + 1;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#view = toDataView(bytes);
    this.#file = file;
    this.#version = bytes[CLASSIC.length];
    if (![SMALL, LARGE_OFFSETS, LARGE_DATA].includes(this.#version)) {
      throw this.#error(`is netCDF of version ${this.#version}, which is not known`);
    }
  }

  read(): Header {
    const isOpen = this.#isAllOnes();
    const records = this.#size("the number of records");
    const dimensions = this.#list(DIMENSIONS, "dimension", () => {
      this.#name();
      return this.#size("the size of a dimension");
    });
    const { attributes } = this.#attributes();
    const variables = this.#list(VARIABLES, "variable", () => this.#variable(dimensions));
    const last = new Map(variables.map((variable) => [variable.name, variable]));
    const twice = variables.find((variable) => last.get(variable.name) !== variable);
    if (twice !== undefined) throw this.#error(`has two variables "${twice.name}"`);
    return { records: isOpen ? undefined : records, attributes, variables };
  }

  #variable(dimensions: readonly number[]): Variable {
    const name = this.#name();
    const rank = this.#size("the number of axes");
    const shape: number[] = [];
    let isRecord = false;
    for (let axis = 0; axis < rank; axis++) {
      const dimension = this.#size("the number of a dimension");
      const size = dimensions[dimension];
      // The dimension of records has no size of its own. It can only be the first.
      if (size === undefined || (size === 0 && axis > 0))
        throw this.#error(`variable "${name}": axis ${axis} is of dimension ${dimension}, which it cannot be`);
      if (size === 0) isRecord = true;
      shape.push(size);
    }
    const { attributes, names, texts } = this.#attributes();
    const isUnsigned = texts.get(UNSIGNED)?.startsWith("true") ?? false;
    const type = this.#type();
    // Larger variables than it can hold are not counted by it.
    this.#size("the size of a variable");
    const begin = this.#version === SMALL ? this.#unsigned(4, "an offset") : this.#unsigned(8, "an offset");
    const bytes = elementCount(isRecord ? shape.slice(1) : shape) * widthOf(type);
    if (!Number.isSafeInteger(bytes)) throw this.#error(`variable "${name}": (${shape}) are no sizes`);
    const unclear = unclearPacking(names, attributes);
    return {
      name,
      type,
      shape,
      isRecord,
      bytes,
      begin,
      meaning: { attributes, isUnsigned, isOfNetcdf: true, unclear },
      notes: texts,
    };
  }

  /** Reads attributes, and returns the names of all, the numbers, and the texts. */
  #attributes(): { names: string[]; attributes: Map<string, SafeTensor>; texts: Map<string, string> } {
    const attributes = new Map<string, SafeTensor>();
    const texts = new Map<string, string>();
    const names = this.#list(ATTRIBUTES, "attribute", () => {
      const name = this.#name();
      const type = this.#type();
      const count = this.#size("the number of an attribute's values");
      const values = this.#take(count * widthOf(type), `the attribute "${name}"`);
      if (type === CHAR) texts.set(name, new TextDecoder().decode(values));
      else {
        swapByteOrder(values, widthOf(type));
        const dtype = types[type];
        attributes.set(name, { dtype, shape: [count], data: readArray(values, 0, count, arrayTypes[dtype]) });
      }
      return name;
    });
    return { names, attributes, texts };
  }

  #list<T>(tag: number, what: string, read: () => T): T[] {
    const found = this.#unsigned(4, `the list of ${what}s`);
    const count = this.#size(`the number of ${what}s`);
    if (found !== tag && (found !== 0 || count !== 0)) throw this.#error(`expected a list of ${what}s`);
    const items: T[] = [];
    // Each item takes bytes, so that a false count ends with the file.
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  #name(): string {
    return new TextDecoder().decode(this.#take(this.#size("the length of a name"), "a name"));
  }

  #type(): number {
    const type = this.#unsigned(4, "a type");
    if (type !== CHAR && types[type] === undefined) throw this.#error(`type ${type} is not known`);
    return type;
  }

  #isAllOnes(): boolean {
    const width = this.#version === LARGE_DATA ? 8 : 4;
    const bytes = this.#bytes.subarray(this.#at, this.#at + width);
    return bytes.length === width && bytes.every((byte) => byte === 0xff);
  }

  /** Reads a count or size. */
  #size(what: string): number {
    return this.#unsigned(this.#version === LARGE_DATA ? 8 : 4, what);
  }

  #unsigned(width: 4 | 8, what: string): number {
    if (this.#at + width > this.#bytes.length) throw this.#error(`truncated: it ends before ${what}`);
    const value = width === 4 ? this.#view.getUint32(this.#at) : Number(this.#view.getBigUint64(this.#at));
    this.#at += width;
    return value;
  }

  /** Returns a copy of bytes, which zeros follow up to a multiple of four. */
  #take(length: number, what: string): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw this.#error(`truncated: it ends before the end of ${what}`);
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += padded(length);
    return bytes;
  }

  #error(problem: string) {
    return formatError(this.#file, `${problem} (byte ${this.#at}).`, { offset: this.#at });
  }
}
