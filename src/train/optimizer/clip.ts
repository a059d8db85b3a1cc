// Clipping of gradients by their global norm.

import { expectKind } from "../../arguments/kinds.ts";
import type { Storage } from "../../backends/device.ts";
import { layOut } from "../../backends/optimizer.ts";
import { ConfigError } from "../../errors.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { AdamW } from "./adamw.ts";
import { expectMaxNorm, GradientMeasure } from "./measure.ts";
import { expectParameters, lossScaleOf } from "./packing.ts";

/** Indices in the result of a measure. */
const NORM = 0;
const FACTOR = 1;

/**
 * Scales all gradients on the device by min(1, maxNorm / (norm + 1e-6)), so that their global norm is at most `maxNorm`, as
 * torch.nn.utils.clip_grad_norm_ does. Gradients that are not finite do not change. The norm is that of the gradients without
 * their optimiser's loss scale, by which they stay multiplied.
 * @param of a model's parameters, or their optimiser (faster, because it scales all gradients at once)
 * @returns [1] the norm before clipping, on the device
 * @throws ConfigError if the parameters belong to several optimisers of which one has a loss scale
 */
export function clipGradientNorm(of: ReadonlyMap<string, Tensor> | AdamW, maxNorm: number): Tensor {
  expectMaxNorm(maxNorm);
  if (of instanceof AdamW) return scaleAndReport(of.measure(maxNorm), [of.packedGradients]);
  expectParameters(of);
  expectKind("parameters", of, "a Map of at least one tensor", of.size > 0);
  const tensors = [...of.values()];
  const [lossScale, ...others] = new Set(tensors.map(lossScaleOf));
  if (others.length > 0) {
    throw new ConfigError("the gradients differ in their loss scale: clip those of each optimiser by themselves", {
      field: "lossScale",
    });
  }
  const gradients = tensors.flatMap(({ grad }) => grad ?? []);
  const { device } = tensors[0];
  if (gradients.length === 0) return Tensor.from(device, new Float32Array([0]));
  const { ranges, blocks } = layOut(gradients.map(({ size }) => size));
  const measure = new GradientMeasure(device, ranges, blocks, lossScale);
  try {
    measure.include(gradients.map(() => true));
    const parts = gradients.map(({ storage, size }, i) => ({
      gradient: storage,
      size,
      firstBlock: ranges[i].firstBlock,
    }));
    measure.run(parts, maxNorm);
    return scaleAndReport(measure, parts);
  } finally {
    measure.dispose();
  }
}

function scaleAndReport({ device, total }: GradientMeasure, parts: readonly { gradient: Storage; size: number }[]) {
  // Before the gradients change: there may be no memory for it.
  const norm = new Tensor(device, [1]);
  for (const { gradient, size } of parts) device.operators.scale({ x: gradient, factors: total, index: FACTOR, size });
  device.copy(total.slice(4 * NORM, 4), norm.storage, 4);
  return norm;
}
