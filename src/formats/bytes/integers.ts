// Arrays of files whose numbers count or number something.

import { formatError } from "./bytes.ts";
import { type SafeTensor, toInt32 } from "./elements.ts";

/** @throws FormatError for numbers that are not whole */
export function integersOf(array: SafeTensor, place: string): Int32Array {
  try {
    return toInt32(array, place);
  } catch (cause) {
    throw formatError(place, "its numbers are not all whole numbers of 32 bits.", {}, { cause });
  }
}
