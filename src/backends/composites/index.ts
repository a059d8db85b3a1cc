// Operators made of several primitives: each is written once, for all devices.

import type { DirectOperators, Primitives } from "../operators.ts";
import type { OptimizerOperators } from "../optimizer.ts";
import type { RowOperators } from "../row-kernels.ts";
import type { YardstickOperators } from "../yardstick.ts";
import { ballAttentionBackward, normPositionQkvBackward } from "./attention.ts";
import { feedForward, feedForwardBackward } from "./feed-forward.ts";
import { linearBackward } from "./linear.ts";
import { messageMean, messageMeanBackward } from "./messages.ts";
import { batchNormBackward, layerNormBackward } from "./norms.ts";

const composites = {
  ballAttentionBackward,
  batchNormBackward,
  feedForward,
  feedForwardBackward,
  layerNormBackward,
  linearBackward,
  messageMean,
  messageMeanBackward,
  normPositionQkvBackward,
};

type Composites = {
  [Name in keyof typeof composites]: (a: Parameters<(typeof composites)[Name]>[1]) => void;
};

/** The operators that tensors and the optimiser call. */
export interface Operators
  extends DirectOperators,
    Pick<RowOperators, "layerNorm" | "batchNorm">,
    Composites,
    OptimizerOperators,
    YardstickOperators {}

/** All operators of a device, from its primitives. */
export function operatorsOf(primitives: Primitives): Operators {
  const composed = Object.entries(composites).map(([name, run]) => [name, (a: never) => run(primitives, a)]);
  return { ...primitives, ...(Object.fromEntries(composed) as Composites) };
}
