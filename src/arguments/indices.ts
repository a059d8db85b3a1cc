// Converts whole numbers that callers pass, such as edges, clouds and masks, to what the engine computes with. Arrays of the right type
// are passed on, others are converted, and what could only give garbage causes an error that names it.

import { ConfigError, InputError } from "../errors.ts";
import { classOf, typeOf, wrongType } from "./kinds.ts";
import { expectMemory, numberTypes, steady } from "./numbers.ts";

/** An array of integers. An Int32Array is used directly, others are copied. */
export type Indices = ArrayLike<number> | BigInt64Array | BigUint64Array;

/** [2 M] Sources, then targets; or a list of the two. */
export type EdgeIndices = Indices | readonly [Indices, Indices];

const indexTypes = [
  ...["Int32Array", "Uint32Array", "BigInt64Array", "BigUint64Array", "Int16Array", "Uint16Array", "Int8Array"],
  ...numberTypes,
];

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
