// Reads many tensors at once.

import type { AbortOptions } from "../abort.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Returns the values of tensors by their names, in the order of the names, whichever read ends first. All reads run at once: on some
 * hosts each takes ten milliseconds, however short.
 */
export async function readTensors(tensors: Iterable<readonly [string, Tensor]>, options: AbortOptions = {}) {
  const read = async ([name, tensor]: readonly [string, Tensor]) =>
    [name, { shape: tensor.shape, data: await tensor.data(options) }] as const;
  return new Map(await Promise.all(Array.from(tensors, read)));
}
