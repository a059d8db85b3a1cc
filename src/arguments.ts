// Converts what callers pass to what the engine computes with: arrays of numbers, arrays of indices, options. Arrays of
// the right type are passed on, others are converted, and what could only give garbage causes an error that names it.

import { ConfigError, InputError } from "./errors.ts";
import { nearestName } from "./spelling.ts";

/**
 * An array of numbers, row by row; lists may be nested, one per row. A Float32Array is used directly, others are
 * copied.
 */
export type Numbers = Float32Array | Float64Array | NumberList;
/** A list of numbers, or of rows. */
export type NumberList = readonly (number | Float32Array | Float64Array | NumberList)[];

/** An array of integers. An Int32Array is used directly, others are copied. */
export type Indices = ArrayLike<number> | BigInt64Array | BigUint64Array;

/** [2 M] Sources, then targets; or a list of the two. */
export type EdgeIndices = Indices | readonly [Indices, Indices];

const numberTypes = ["Float32Array", "Float64Array", "Float16Array"];
const indexTypes = [
  ...["Int32Array", "Uint32Array", "BigInt64Array", "BigUint64Array", "Int16Array", "Uint16Array", "Int8Array"],
  ...numberTypes,
];

/**
 * Returns the name of an object's class, by its tag: what is of another realm, such as a frame or the sandbox of a test, is no
 * instance of this one's classes.
 */
export const classOf = (value: unknown): string => Object.prototype.toString.call(value).slice("[object ".length, -1);

/** Whether a value is a Map, of whatever realm. */
export const isMap = (value: unknown): boolean => classOf(value) === "Map";

/** Returns the type of a value, of whatever realm. */
function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a plain array";
  if (typeof value !== "object") return typeof value;
  const tag = classOf(value);
  const name: unknown = value.constructor?.name;
  return tag === "Object" || tag === "Uint8Array" ? String(name ?? tag) : tag;
}

/** Describes any value briefly for messages: String would throw for symbols and for objects without a prototype. */
export function describe(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean" || value === undefined) return String(value);
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  // A list may contain itself.
  const inner = (entry: unknown) => (Array.isArray(entry) ? "[...]" : describe(entry));
  return Array.isArray(value) ? `[${value.slice(0, 8).map(inner).join(", ")}]` : typeOf(value);
}

/** The product of a shape's sizes. */
export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** @throws InputError for anything but a list of integers that are not negative */
export function toShape(name: string, value: unknown): readonly number[] {
  if (Array.isArray(value) && Array.from(value).every((size) => Number.isSafeInteger(size) && size >= 0)) return value;
  throw new InputError(`${describe(value)} is not a ${name}, expected a list of whole numbers`, { tensor: name });
}

/** @throws InputError if `value` is not a number */
export function expectNumber(name: string, value: unknown): void {
  if (typeof value !== "number") throw wrongType(name, value, "a number");
}

/** @throws InputError if the array's memory was transferred to another thread: it would be taken for an empty one */
function expectMemory(name: string, array: ArrayBufferView): void {
  if (array.byteLength > 0) return;
  try {
    new Uint8Array(array.buffer);
  } catch (cause) {
    throw new InputError(
      `${name} has no memory any more: it was transferred to another thread. Transfer a copy to keep it: array.slice()`,
      { tensor: name },
      { cause },
    );
  }
}

/**
 * @param expected the expected kind for the message, such as "a function"
 * @throws InputError if `fits` is false
 */
export function expectKind(name: string, value: unknown, expected: string, fits: boolean): void {
  if (!fits) throw wrongType(name, value, expected, describe(value));
}

/**
 * @param expected what it may be, for the message, such as "a number of at least 0"
 * @throws ConfigError naming the option, if `fits` is false
 */
export function expectOption(field: string, value: unknown, expected: string, fits: boolean): void {
  if (!fits) throw new ConfigError(`${field} must be ${expected}, not ${describe(value)}`, { field, expected });
}

/** @throws ConfigError naming an option that is not a whole number of at least `least` */
export function expectWhole(field: string, value: unknown, least: number): void {
  const fits = Number.isInteger(value) && (value as number) >= least;
  expectOption(field, value, `a whole number of at least ${least}`, fits);
}

/**
 * Checks options whose parts must be objects of some class: each is recognised by one of its methods.
 * @param methods the methods that the parts must have: "model.forward"
 * @throws ConfigError naming the part
 */
export function expectParts(of: string, options: object, ...methods: `${string}.${string}`[]): void {
  if (typeof options !== "object" || options === null) {
    throw new ConfigError(`the options of ${of} are ${describe(options)}, expected an object`, { field: "" });
  }
  for (const needed of methods) {
    const [field, method] = needed.split(".");
    const part = (options as Record<string, Record<string, unknown> | null | undefined>)[field];
    if (typeof part?.[method] === "function") continue;
    throw new ConfigError(`${of}: ${field} is ${describe(part)}, expected what has a method ${method}`, { field });
  }
}

function wrongType(name: string, value: unknown, wanted: string, found = typeOf(value)): InputError {
  return new InputError(`${name} is ${found}, expected ${wanted}`, { tensor: name, expected: wanted, found });
}

/** Returns a view that cannot change: of this realm, and on memory of fixed size. */
function steady<View extends Float32Array | Int32Array | Uint32Array>(
  value: View,
  type: new (buffer: ArrayBufferLike, offset: number, length: number) => View,
): View {
  const { resizable, growable } = value.buffer as { resizable?: boolean; growable?: boolean };
  if (resizable || growable) return value.slice() as View;
  return value instanceof type
    ? value
    : new type((value as View).buffer, (value as View).byteOffset, (value as View).length);
}

/** Numbers with the shape given by their nesting. */
export interface ShapedNumbers {
  data: Float32Array;
  shape: number[];
}

/**
 * @throws InputError naming the argument for anything but `Numbers`, for lists of unequal rows and for what float32
 *   cannot hold
 */
export function toNumbers(name: string, value: Numbers): ShapedNumbers {
  const type = typeOf(value);
  if (numberTypes.includes(type)) expectMemory(name, value as Float32Array);
  if (type === "Float32Array") {
    const data = steady(value as Float32Array, Float32Array);
    return { data, shape: [data.length] };
  }
  const shape = shapeOf(name, value);
  const data = new Float32Array(sizeOf(shape));
  fill(name, value as Numbers, shape, 0, data, 0);
  return { data, shape };
}

const wantedNumbers = "a Float32Array, a Float64Array or a plain array of numbers";

/**
 * Returns the shape of the first row, its first row, and so on; the others are compared with it while they are read.
 */
function shapeOf(name: string, value: unknown): number[] {
  const type = typeOf(value);
  if (numberTypes.includes(type)) return [(value as Float64Array).length];
  if (type !== "a plain array") throw wrongType(name, value, wantedNumbers);
  const list = value as NumberList;
  return typeof list[0] === "object" ? [list.length, ...shapeOf(`${name}[0]`, list[0])] : [list.length];
}

/** Writes a list and its nested lists from index `at` on; returns the index after them. */
function fill(name: string, value: Numbers, shape: number[], axis: number, data: Float32Array, at: number): number {
  const type = typeOf(value);
  if (type !== "a plain array" && !numberTypes.includes(type)) throw wrongType(name, value, wantedNumbers);
  if (value.length !== shape[axis]) {
    throw new InputError(
      `${name} has ${value.length} entries, expected ${shape[axis]} as in the first of these lists`,
      {
        tensor: name,
        expected: shape[axis],
        found: value.length,
      },
    );
  }
  for (let i = 0; i < value.length; i++) {
    const entry = value[i];
    if (axis + 1 < shape.length) {
      at = fill(`${name}[${i}]`, entry as NumberList, shape, axis + 1, data, at);
      continue;
    }
    if (typeof entry !== "number") throw wrongType(`${name}[${i}]`, entry, "a number");
    data[at] = entry;
    if (Number.isFinite(entry) && !Number.isFinite(data[at])) {
      throw new InputError(`${name}[${i}] is ${entry}, which float32 cannot hold`, { tensor: name, index: i });
    }
    at++;
  }
  return at;
}

/**
 * Returns rows of `width` numbers each, one after the other.
 * @throws InputError as `toNumbers`, for lists that are not rows of this width, and for a flat array that ends within a row
 */
export function toRows(name: string, value: Numbers, width: number): Float32Array {
  const { data, shape } = toNumbers(name, value);
  const isFlat = shape.length === 1;
  if (!isFlat && (shape.length > 2 || shape[1] !== width)) {
    throw new InputError(`${name} has the shape [${shape}], expected rows of ${width} numbers`, {
      tensor: name,
      expected: width,
      found: shape,
    });
  }
  if (data.length % width === 0) return data;
  throw new InputError(`${name} has ${data.length} numbers, expected a multiple of ${width}: row after row`, {
    tensor: name,
    row: Math.floor(data.length / width),
    expected: width,
  });
}

/**
 * @throws InputError naming the argument for anything but an array of numbers, and the first entry that is not a 32-bit
 *   integer
 */
export function toIndices(name: string, value: Indices): Int32Array {
  const type = typeOf(value);
  if (indexTypes.includes(type)) expectMemory(name, value as Int32Array);
  if (type === "Int32Array") return steady(value as Int32Array, Int32Array);
  if (type !== "a plain array" && !indexTypes.includes(type)) {
    throw wrongType(name, value, "an Int32Array, Uint32Array, BigInt64Array or a plain array of whole numbers");
  }
  const indices = new Int32Array(value.length);
  for (let i = 0; i < value.length; i++) {
    const entry: unknown = value[i];
    if (typeof entry !== "number" && typeof entry !== "bigint")
      throw wrongType(`${name}[${i}]`, entry, "a whole number");
    const index = Number(entry);
    indices[i] = index;
    if (indices[i] !== index) {
      throw new InputError(`${name}[${i}] is ${entry}, expected a whole number of 32 bits`, { tensor: name, row: i });
    }
  }
  return indices;
}

/** Whether a value is an array of integers that a tensor can hold, of whatever realm. */
export const isIntegers = (value: unknown): boolean =>
  ["Int32Array", "Uint32Array", "BigInt64Array", "BigUint64Array"].includes(typeOf(value));

/** The same as `toIndices`, except that an Uint32Array remains one. */
export function toIntegers(name: string, value: Indices): Int32Array | Uint32Array {
  if (typeOf(value) !== "Uint32Array") return toIndices(name, value);
  expectMemory(name, value as Uint32Array);
  return steady(value as Uint32Array, Uint32Array);
}

/**
 * @returns [2 M] sources, then targets
 * @throws InputError as `toIndices`, and for two lists of different lengths
 */
export function toEdges(name: string, value: EdgeIndices): Int32Array {
  if (!Array.isArray(value) || typeof value[0] !== "object") return toIndices(name, value as Indices);
  if (value.length !== 2) {
    throw new InputError(`${name} holds ${value.length} lists, expected two: the sources and the targets`, {
      tensor: name,
      expected: 2,
      found: value.length,
    });
  }
  const [sources, targets] = value.map((list, i) => toIndices(`${name}[${i}]`, list)) as [Int32Array, Int32Array];
  if (sources.length !== targets.length) {
    throw new InputError(
      `${name} holds ${sources.length} sources and ${targets.length} targets, expected equal numbers`,
      {
        tensor: name,
        expected: sources.length,
        found: targets.length,
      },
    );
  }
  const edges = new Int32Array(2 * sources.length);
  edges.set(sources);
  edges.set(targets, sources.length);
  return edges;
}

/**
 * @returns [entries] 0 or not; bytes are returned as they are, those of another realm too
 * @throws InputError for anything but an array of bytes, of zeros and ones, or of booleans
 */
export function toMask(name: string, value: Indices | readonly boolean[]): Uint8Array {
  if (classOf(value) === "Uint8Array") return value as Uint8Array;
  const numbers = Array.isArray(value)
    ? value.map((entry) => (typeof entry === "boolean" ? Number(entry) : entry))
    : value;
  const indices = toIndices(name, numbers as Indices);
  const at = indices.findIndex((entry) => entry !== 0 && entry !== 1);
  if (at >= 0) throw new InputError(`${name}[${at}] is ${indices[at]}, expected 0 or 1`, { tensor: name, row: at });
  return Uint8Array.from(indices);
}

/** @throws ConfigError if `value` is not a list; undefined is accepted. */
export function toList(field: string, value: ArrayLike<number> | undefined): number[] | undefined {
  if (value === undefined || Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value)) {
    return value && Array.from(value);
  }
  throw new ConfigError(`${field} is ${typeOf(value)}, expected a list of whole numbers.`, { field });
}

/**
 * Checks for options that do not exist.
 * @param known all names; its type ensures that none is missing
 * @throws ConfigError naming the unknown option and the most similar known one
 */
export function checkOptions<Options extends object>(
  of: string,
  options: Options,
  known: Readonly<Record<keyof Options, unknown>>,
): void {
  const names = Object.keys(known);
  if (typeof options !== "object" || options === null || ArrayBuffer.isView(options)) {
    throw new ConfigError(
      `the options of ${of} are ${typeOf(options)}, expected an object that may have ${names.join(", ")}`,
      { field: "" },
    );
  }
  for (const [field, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, field)) continue;
    const nearest = nearestName(field, names);
    const advice = nearest === undefined ? `known are ${names.join(", ")}` : `did you mean ${nearest}?`;
    throw new ConfigError(`${of} has no option ${field}: ${advice}`, { field, expected: names });
  }
}

/**
 * Checks for names that are similar to those of an input: it may have other fields, but a misspelt one would be
 * ignored.
 * @throws InputError naming the unknown name and the most similar known one
 */
export function checkNames<Input extends object>(input: Input, known: Readonly<Record<keyof Input, true>>): void {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || Object.hasOwn(known, name)) continue;
    const nearest = nearestName(name, Object.keys(known));
    if (nearest) throw new InputError(`the input has no ${name}: did you mean ${nearest}?`, { tensor: name });
  }
}

/**
 * Checks that all elements of an array of rows of `width` elements are finite, and none is larger than `most`.
 * @throws InputError with tensor, row and column
 */
export function checkFinite(tensor: string, values: Float32Array, width: number, most = Number.MAX_VALUE): void {
  const at = firstBeyond(values, most);
  if (at < 0) return;
  const row = Math.floor(at / width);
  const expected = Number.isFinite(values[at])
    ? `numbers of at most ${most.toPrecision(2)}, whose squares float32 can hold: choose a larger unit`
    : "finite numbers";
  throw new InputError(`${tensor} row ${row} has ${values[at]} in column ${at % width}, expected ${expected}`, {
    tensor,
    row,
    column: at % width,
  });
}

/** Returns the index of the first element that is not finite; -1 if all are. */
export function firstNotFinite(values: Float32Array | Float64Array): number {
  return firstBeyond(values, Number.MAX_VALUE);
}

/**
 * Returns the index of the first element that is NaN or larger than `most` in magnitude. A loop takes a fraction of the time of
 * `findIndex`.
 */
function firstBeyond(values: Float32Array | Float64Array, most: number): number {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]) <= most)) return i;
  return -1;
}
