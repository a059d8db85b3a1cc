// The backward passes of the norms that are not fused with a product.

import type { Destination, LinearDestinations, LinearParameters, Primitives, Storage } from "../operators.ts";
import { withMemory } from "./memory.ts";

export interface NormGradient {
  gradient: Storage;
  x: Storage;
  norm: LinearParameters;
  into: LinearDestinations & { x?: Destination };
  rows: number;
  width: number;
}

/** The backward pass of layerNorm without its residual. */
export function layerNormBackward(device: Primitives, { gradient, x, norm, into, rows, width }: NormGradient): void {
  const unwanted = into.x ? undefined : device.allocate(rows * width * 4);
  const dx = into.x ?? { storage: unwanted!, accumulate: false };
  withMemory(device, { normalised: rows * width }, ({ normalised }) => {
    device.layerNormInputGradient({ x, weight: norm.weight, dy: gradient, dx, normalised, rows, width });
    const sums = { x: gradient, factor: normalised, rows, columns: width };
    device.columnSums({ ...sums, into: into.weight, plain: into.bias });
  });
  if (unwanted) device.release(unwanted);
}

/** The backward pass of batchNorm; with `training` the statistics are the batch's own and are differentiated. */
export function batchNormBackward(
  device: Primitives,
  a: NormGradient & { mean: Storage; variance: Storage; training: boolean },
): void {
  const { gradient: dy, x, mean, variance, norm, training, into, rows, width } = a;
  withMemory(device, { sums: 2 * width }, ({ sums }) => {
    const shared = { x, mean, variance, dy, sums, rows, width };
    device.batchNormSums({ ...shared, into: { weight: into.weight, bias: into.bias } });
    const { weight } = norm;
    if (into.x) device.batchNormInputGradient({ ...shared, weight, training, dx: into.x });
  });
}
