// Prepares values for another thread: which memory is copied and which is handed over.

import { transfer } from "comlink";
import { InputError } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";

/** The methods of all typed arrays. Not an array's own: `slice` of Node's Buffer hands out the same memory. */
const methods: Pick<Uint8Array, "slice" | "subarray"> = Object.getPrototypeOf(Uint8Array.prototype);

/**
 * A value whose arrays travel to another thread without being copied on the way.
 * @param value plain objects, lists, typed arrays and ArrayBuffers (which arrive as bytes), nested as they like
 * @param giveAway hands over the arrays' own memory, which detaches it here; otherwise the arrays are copied first.
 *   Shared memory is copied in any case.
 * @throws InputError naming the array that has been handed over before, or that is a Tensor
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

/** The array itself, to be given away, or a copy. Either throws a TypeError where the memory is gone. */
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

// Of whatever element type; which one does not matter here.
const isTypedArray = (value: unknown): value is Uint8Array => ArrayBuffer.isView(value) && "subarray" in value;

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
