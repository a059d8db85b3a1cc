// Converts numbers that callers pass to what the engine computes with. Arrays of the right type are passed on, others are converted,
// and what could only give garbage causes an error that names it.

import { InputError } from "../errors.ts";
import { describe, typeOf, wrongType } from "./kinds.ts";

/**
 * An array of numbers, row by row; lists may be nested, one per row. A Float32Array is used directly, others are
 * copied.
 */
export type Numbers = Float32Array | Float64Array | NumberList;

/** A list of numbers, or of rows. */
export type NumberList = readonly (number | Float32Array | Float64Array | NumberList)[];

export const numberTypes = ["Float32Array", "Float64Array", "Float16Array"];

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

/** The product of a shape's sizes. */
export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** @throws InputError for anything but a list of integers that are not negative */
export function toShape(name: string, value: unknown): readonly number[] {
  if (Array.isArray(value) && Array.from(value).every((size) => Number.isSafeInteger(size) && size >= 0)) return value;
  throw new InputError(`${describe(value)} is not a ${name}, expected a list of whole numbers`, { tensor: name });
}

/** @throws InputError if the array's memory was transferred to another thread: it would be taken for an empty one */
export function expectMemory(name: string, array: ArrayBufferView): void {
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

/** Returns a view that cannot change: of this realm, and on memory of fixed size. */
export function steady<View extends Float32Array | Int32Array | Uint32Array>(
  value: View,
  type: new (buffer: ArrayBufferLike, offset: number, length: number) => View,
): View {
  const { resizable, growable } = value.buffer as { resizable?: boolean; growable?: boolean };
  if (resizable || growable) return value.slice() as View;
  return value instanceof type
    ? value
    : new type((value as View).buffer, (value as View).byteOffset, (value as View).length);
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
