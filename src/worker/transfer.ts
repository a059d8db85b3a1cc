// Prepares values for another thread: which memory is copied and which is transferred.

import { transfer } from "comlink";
import { InputError } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";

/** The methods of all typed arrays, used instead of an array's own: `slice` of Node's Buffer does not copy. */
const methods: Pick<Uint8Array, "slice" | "subarray"> = Object.getPrototypeOf(Uint8Array.prototype);

/**
 * Prepares a value whose arrays are then transferred to another thread.
 * @param value plain objects, lists, typed arrays and ArrayBuffers (which arrive as bytes), nested in any way
 * @param giveAway transfers the arrays' own memory, which detaches it here; otherwise the arrays are copied first.
 *   Shared memory is copied in any case.
 * @throws InputError naming an array that has been transferred before, or that is a Tensor
 */
export function packed<Value extends object>(value: Value, giveAway: boolean): Value {
  const buffers = new Set<ArrayBuffer>();

  function pack(entry: unknown, name: string): unknown {
    if (entry instanceof Tensor) {
      throw new InputError(`${name} is a Tensor, which cannot leave its thread: give a worker typed arrays`, {
        tensor: name,
      });
    }
    if (entry instanceof ArrayBuffer || isTypedArray(entry)) {
      const array = ownArray(entry, name, giveAway);
      buffers.add(array.buffer);
      return array;
    }
    if (Array.isArray(entry)) return entry.map((element, i) => pack(element, `${name}[${i}]`));
    if (!isPlainObject(entry)) return entry;
    const fields = Object.entries(entry);
    return Object.fromEntries(fields.map(([key, field]) => [key, pack(field, name ? `${name}.${key}` : key)]));
  }

  const result = pack(value, "") as Value;
  return transfer(result, [...buffers]);
}

/** Returns the array itself, to be transferred, or a copy. Either throws a TypeError if the memory is detached. */
function ownArray(source: ArrayBuffer | Uint8Array, name: string, giveAway: boolean): Uint8Array<ArrayBuffer> {
  try {
    const array = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
    const keep = giveAway && array.buffer instanceof ArrayBuffer;
    return (keep ? methods.subarray : methods.slice).call(array) as Uint8Array<ArrayBuffer>;
  } catch (error) {
    const what = name ? `${name} has` : "the bytes have";
    throw new InputError(
      `${what} no memory any more, as after a call with "transfer": ${(error as Error).message}`,
      { tensor: name },
      { cause: error },
    );
  }
}

// The element type does not matter here.
const isTypedArray = (value: unknown): value is Uint8Array => ArrayBuffer.isView(value) && "subarray" in value;

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
