// LayerNorm after a linear map, and the backward pass of BatchNorm.

import type { LinearLayerNorm, NormGradient, Primitives, Storage } from "../operators.ts";
import { withMemory } from "./memory.ts";

/** y = residual + LayerNorm([x, second] W^T + bias; norm). */
export function linearLayerNorm(device: Primitives, a: LinearLayerNorm): void {
  if (device.narrowLinearLayerNorm(a)) return;
  const { norm, residual, y, ...map } = a;
  const { rows, columns: width } = map;
  withMemory(device, { product: rows * width }, ({ product }) => {
    device.linear({ ...map, y: product });
    device.layerNorm({ x: product, residual, ...norm, y, rows, width });
  });
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
    if (into.x) device.batchNormInputGradient({ ...shared, weight, training, x_gradient: into.x });
  });
}
