// The optimiser's operators on the CPU.

import { adamwFactors, type OptimizerOperators } from "../optimizer.ts";
import { type Context, from } from "./context.ts";

export const optimizerOperators = ({ record }: Context): OptimizerOperators => ({
  gradientSquares({ gradient, size, lossScale, sums, firstBlock }) {
    record("GradientSquares", { gradient, size, lossScale, sums: from(sums, 2 * firstBlock) });
  },

  gradientTotal({ sums, ranges, norms, total, count, maxNorm }) {
    record("GradientNorms", { sums, ranges, norms, count });
    record("GradientTotal", { norms, total, count, maxNorm });
  },

  scale({ x, factors, index, size }) {
    record("Scale", { x, factor: from(factors, index), size });
  },

  adamw(a) {
    const { ranges, total, loss, steps, values, status, halt, count, lr, lossScale, shares, growth } = a;
    const { owner, gradients, weights, first, second, average, blocks, eps: epsilon } = a;
    const { logBeta1, logBeta2, decay, ...factors } = adamwFactors(a);
    record("AdamwControl", {
      ...{ ranges, total, loss, steps, values, status, lossScale, shares, halt, count, lr, decay, logBeta1, logBeta2 },
      growthInterval: growth?.interval ?? 0,
      leastScale: growth?.least ?? 0,
      largestScale: growth?.largest ?? 0,
    });
    record("Adamw", { owner, values, gradients, weights, first, second, average, blocks, epsilon, ...factors });
  },
});
