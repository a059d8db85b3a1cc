// Arguments of all types, most of them wrong, and what may come of a call with them.

import { ErwinError } from "erwin";
import fc from "fast-check";

// biome-ignore lint/suspicious/noExplicitAny: wrong types are what this is about
export type Any = any;

const typedArrays = [
  ...[Float32Array, Float64Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array, Uint8Array],
  ...[Uint8ClampedArray, DataView],
];
const numbers = fc.oneof(fc.integer({ min: -2, max: 12 }), fc.double(), fc.constantFrom(0.5, 2 ** 31, -0, Number.NaN));

/** Views at odd offsets, on shared memory and on memory that may change its size. */
const views = fc
  .tuple(
    fc.uint8Array({ maxLength: 96 }),
    fc.constantFrom(...typedArrays),
    fc.constantFrom("plain", "shared", "resizable"),
    fc.nat(3),
  )
  .map(([bytes, type, memory, shift]) => {
    const width = (type as Any).BYTES_PER_ELEMENT ?? 1;
    const length = bytes.length - (bytes.length % width);
    const size = shift * width + length;
    const buffer =
      memory === "shared"
        ? new SharedArrayBuffer(size)
        : memory === "resizable"
          ? new (ArrayBuffer as Any)(size, { maxByteLength: 2 * size + 1 })
          : new ArrayBuffer(size);
    new Uint8Array(buffer).set(bytes.subarray(0, length), shift * width);
    return new (type as Any)(buffer, shift * width, length / width) as unknown;
  });
const buffers = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes): unknown => (typeof Buffer === "undefined" ? bytes.buffer : Buffer.from(bytes).subarray(1)));
const scalars = fc.oneof(
  numbers,
  fc.string({ maxLength: 4 }),
  fc.constantFrom<unknown>(undefined, null, true, 3n, Symbol("s"), () => 1, {}, [], [[]], [[1, 2], [3]]),
);

/** Lists and objects that contain themselves. */
const list: unknown[] = [1];
list.push(list);
const object: Record<string, unknown> = {};
object.shape = object;

export const anything: fc.Arbitrary<unknown> = fc.oneof(
  scalars,
  views,
  buffers,
  fc.array(scalars, { maxLength: 12 }),
  fc.array(numbers, { maxLength: 12 }),
  fc.constantFrom(BigInt64Array.of(0n, 1n), new ArrayBuffer(8), new Map(), new Date(0), Object.create(null)),
  fc.constantFrom<unknown>(list, object, new WeakMap(), Promise.resolve(), new Map([[1, () => 1]]), [Symbol("s")]),
  fc.dictionary(fc.constantFrom("shape", "data", "dtype", "length", "lr"), scalars, { maxKeys: 3 }),
);

/** Mostly what is right, so that the other arguments are reached too. */
export const mostly = (value: unknown) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: anything });

/**
 * The result of a call; undefined where it refused by an ErwinError. Any other error fails the test, with the call's name.
 * @param refused is called with the refusal's message
 */
export async function resultOrRefusal(
  name: string,
  call: () => unknown,
  refused: (message: string) => void = () => {},
): Promise<Any> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ErwinError) return void refused(error.message);
    const { name: type, message, stack } = error as Error;
    throw new Error(`${name} threw ${type}: ${message}\n${stack}`);
  }
}

/** How long fast-check tries: a number of runs, or as long as `npm run fuzz` says, with different runs each time. */
export function fuzzRuns(numRuns: number): fc.Parameters<unknown> {
  const milliseconds = Number((globalThis as Any).process?.env?.ERWIN_FUZZ_MILLISECONDS ?? 0);
  if (milliseconds === 0) return { numRuns };
  return { numRuns: 2 ** 31 - 1, interruptAfterTimeLimit: milliseconds, markInterruptAsFailure: false };
}
