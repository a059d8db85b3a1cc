// Message passing over a graph.

import type { Destination, LinearDestinations, MessageShape, Primitives, Storage } from "../operators.ts";
import { rowsOf } from "./memory.ts";

/**
 * The mean of the normalised messages arriving at the first `targets` nodes, written to the rows of out from
 * `firstTarget` (a multiple of 64) on.
 */
export function messageMean(
  device: Primitives,
  { out, firstTarget, ...a }: MessageShape & { h: Storage; out: Storage; firstTarget: number },
): void {
  const products = device.messageProducts(a);
  device.messageMeans({ ...a, products, out: rowsOf(out, a.width, firstTarget, a.targets) });
  device.release(products);
}

/** The backward pass of messageMean; the destination `h` is [nodes, width]. */
export function messageMeanBackward(
  device: Primitives,
  {
    into,
    ...a
  }: MessageShape & {
    h: Storage;
    gradient: Storage;
    firstTarget: number;
    /** [targets] 1 where an edge arrives, else 0. */
    arrived: Storage;
    into: { h?: Destination; message: LinearDestinations; norm: LinearDestinations };
  },
): void {
  const { h, firstTarget, message, nodes, targets, width, dimensions } = a;
  const products = device.messageProducts(a);
  const gradient = rowsOf(a.gradient, width, firstTarget, targets);
  const parameters = { weight: into.message.weight, norm: into.norm };
  const { asSource, asTarget } = device.messageGradients({ ...a, gradient, products, into: parameters });
  const shape = { rows: nodes, columns: width, inner: width, stride: 2 * width + dimensions };
  const source = { ...shape, gradient: asSource, offset: 0 };
  const target = { ...shape, gradient: asTarget, offset: width };
  if (into.h) {
    device.inputGradient({ ...source, weight: message.weight, into: into.h });
    device.inputGradient({ ...target, weight: message.weight, into: { ...into.h, accumulate: true } });
  }
  device.weightGradient({ ...source, x: h, into: { weight: into.message.weight } });
  device.weightGradient({ ...target, x: h, into: into.message });
  for (const storage of [products, asSource, asTarget]) device.release(storage);
}
