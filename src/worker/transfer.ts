// Prepares values for another thread: which memory is copied and which is transferred, and what cannot be sent at all.

import { type Endpoint, transfer } from "comlink";
import { classOf, typeOf } from "../arguments/kinds.ts";
import { InputError } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { ModelThread } from "./start.ts";

/** The methods of all typed arrays, used instead of an array's own: `slice` of Node's Buffer does not copy. */
const methods: Pick<Uint8Array, "slice" | "subarray"> = Object.getPrototypeOf(Uint8Array.prototype);

/** Lists in lists go no deeper in anything that a worker understands. */
const MAX_LEVELS = 100;

/**
 * Prepares a value whose arrays are then transferred to another thread.
 * @param value objects, lists, typed arrays and ArrayBuffers (which arrive as bytes), nested in any way
 * @param giveAway transfers the arrays' own memory, which detaches it here; otherwise the arrays are copied first.
 *   Shared memory is copied in any case.
 * @param argument the name of the value in errors; its fields go by their own
 * @throws InputError naming an array that has been transferred before, and what cannot leave its thread: a Tensor, a
 *   function, a symbol, an object that contains itself
 */
export function packed<Value>(value: Value, giveAway: boolean | undefined, argument: string): Value {
  const buffers = new Set<ArrayBuffer>();

  function pack(entry: unknown, name: string, within: readonly unknown[]): unknown {
    if (typeof entry === "function" || typeof entry === "symbol") throw unsendable(name, `is a ${typeof entry}`);
    if (typeof entry !== "object" || entry === null) return entry;
    if (entry instanceof Tensor) throw unsendable(name, "is a Tensor", ": give a worker typed arrays");
    if (entry instanceof ArrayBuffer || isTypedArray(entry)) {
      const array = ownArray(entry, name, giveAway);
      buffers.add(array.buffer);
      return array;
    }
    if (within.includes(entry)) throw unsendable(name, "contains itself");
    if (within.length > MAX_LEVELS) throw unsendable(name, `lies in more than ${MAX_LEVELS} lists and objects`);
    const path = [...within, entry];
    if (Array.isArray(entry)) return entry.map((element, i) => pack(element, `${name}[${i}]`, path));
    if (classOf(entry) !== "Object") return clone(entry, name);
    const fields = Object.entries(entry);
    const nameOf = (key: string) => (name === argument ? key : `${name}.${key}`);
    return Object.fromEntries(fields.map(([key, field]) => [key, pack(field, nameOf(key), path)]));
  }

  const result = pack(value, argument, []) as Value;
  return typeof result === "object" && result !== null ? transfer(result, [...buffers]) : result;
}

function unsendable(name: string, what: string, advice = "", cause?: unknown): InputError {
  return new InputError(`${name} ${what}, which cannot leave its thread${advice}`, { tensor: name }, { cause });
}

/** A date, a map and the like as the other thread would receive it. */
function clone(value: object, name: string): unknown {
  try {
    return structuredClone(value);
  } catch (error) {
    throw unsendable(name, `is ${typeOf(value)}`, `: ${(error as Error).message}`, error);
  }
}

/** Returns the array itself, to be transferred, or a copy. Either throws a TypeError if the memory is detached. */
function ownArray(
  source: ArrayBuffer | Uint8Array,
  name: string,
  giveAway: boolean | undefined,
): Uint8Array<ArrayBuffer> {
  try {
    const array = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
    const keep = giveAway && array.buffer instanceof ArrayBuffer && !isPooled(array);
    return (keep ? methods.subarray : methods.slice).call(array) as Uint8Array<ArrayBuffer>;
  } catch (error) {
    throw new InputError(
      `${name} has no memory any more, as after a call with "transfer": ${(error as Error).message}`,
      { tensor: name },
      { cause: error },
    );
  }
}

/** Whether it is a Buffer of Node on the memory that all small ones share. */
function isPooled({ constructor, byteLength, buffer }: Uint8Array): boolean {
  return constructor.name === "Buffer" && byteLength < buffer.byteLength;
}

// The element type does not matter here.
const isTypedArray = (value: unknown): value is Uint8Array => ArrayBuffer.isView(value) && "subarray" in value;

/** The worker, but for what `packed` cannot know before: some memory cannot be transferred, and hosts differ in how they say so. */
export function checkedEndpoint(worker: ModelThread): Endpoint {
  return {
    addEventListener: worker.addEventListener.bind(worker),
    removeEventListener: worker.removeEventListener.bind(worker),
    postMessage(message, transferred = []) {
      try {
        worker.postMessage(message, transferred);
      } catch (cause) {
        throw new InputError(
          `the arguments cannot be sent to the worker: ${(cause as Error).message}. Memory of WebAssembly cannot be transferred: leave out the option "transfer"`,
          { tensor: "transfer" },
          { cause },
        );
      }
    },
  };
}
