// Forward passes over batches that may be too large for the device's memory: computed in parts, or refused with what would fit.

import { SAFE_SHARE, shortage } from "../backends/shortage.ts";
import { OutOfMemoryError } from "../errors.ts";
import { concatenate } from "../tensor/operators/sections.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { type MemoryQuestion, sizesOf } from "./memory.ts";
import type { ErwinTransformer } from "./model.ts";
import { type HostInput, someClouds } from "./parts.ts";

/**
 * Returns a model's forward pass in evaluation mode that computes a batch in as few parts as fit into the device's memory: clouds do
 * not depend on each other then, so each half of a batch that does not fit is computed separately. It throws an OutOfMemoryError if
 * not even one cloud fits.
 * @param compute the model's pass over a batch that fits
 */
export function inPartsThatFit(
  model: ErwinTransformer,
  compute: (input: HostInput) => Tensor,
): (input: HostInput) => Tensor {
  /** The largest number of nodes and edges whose pass was found to fit, and the bytes that it needs. */
  let fitting = { nodes: 0, free: 0 };

  /** Whether a pass fits into the free memory, as far as the device knows it. */
  const fits = (input: HostInput) => {
    const { limit, current } = model.device.memory;
    if (!Number.isFinite(limit)) return true;
    const nodes = input.tree.levels[0].nodes + (input.edges?.sources.length ?? 0);
    if (nodes <= fitting.nodes && limit - current >= fitting.free) return true;
    const needed = neededFor(model, sizesOf(model.config, input));
    if (needed > limit - current) return false;
    fitting = { nodes, free: needed };
    return true;
  };

  const computeInParts = (input: HostInput): Tensor => {
    const { device } = model;
    // What the device had no memory for earlier is not a matter of this batch, and `trim` would hide it from whoever reads its result.
    device.check();
    const clouds = input.tree.cloudOffsets.length - 1;
    if (clouds === 1 || fits(input)) {
      try {
        return compute(input);
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        device.trim();
        if (clouds === 1) throw explain(model, input, error);
      }
    }
    const middle = clouds >> 1;
    const parts = [someClouds(input, 0, middle), someClouds(input, middle, clouds)];
    return scope(() => {
      const outputs = parts.map((part) => {
        // What other sizes left is joined, because a part needs most of the memory.
        device.trim();
        return computeInParts(part);
      });
      return concatenate(outputs);
    });
  };
  return computeInParts;
}

/** Returns the bytes that a forward pass needs besides the model; infinitely many if a single tensor would not fit. */
function neededFor(model: ErwinTransformer, question: MemoryQuestion): number {
  try {
    const { peak, parameters } = model.estimateMemory(question, { training: false });
    return peak - parameters;
  } catch (error) {
    if (error instanceof OutOfMemoryError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

/** Returns the error for a single cloud that does not fit, with its largest tensors, and how large a cloud could be. */
function explain(model: ErwinTransformer, input: HostInput, error: OutOfMemoryError): OutOfMemoryError {
  const { limit, current } = model.device.memory;
  const { points } = input;
  const sizes = sizesOf(model.config, input);
  const needed = neededFor(model, sizes);
  if (!Number.isFinite(limit + needed)) return error;
  const free = limit - current;
  let [fitting, tooMany] = [0, points];
  while (tooMany - fitting > Math.max(1, points / 64)) {
    const some = (fitting + tooMany) >> 1;
    const edges = Math.ceil((sizes.edges! * some) / points);
    if (neededFor(model, { points: some, edges }) <= SAFE_SHARE * free) fitting = some;
    else tooMany = some;
  }
  const { largest } = model.estimateMemory(input, { training: false });
  return shortage(error, `a pass over ${points} points`, { needed, limit, free }, fitting, largest);
}
