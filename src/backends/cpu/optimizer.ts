// The optimiser's operators on the CPU.

import type { OptimizerOperators } from "../optimizer.ts";
import { type Context, from } from "./context.ts";

export const optimizerOperators = ({ record }: Context): OptimizerOperators => ({
  gradientSquares({ gradient, size, sums, firstBlock }) {
    record("GradientSquares", { gradient, size, sums: from(sums, 2 * firstBlock) });
  },

  gradientTotal({ sums, ranges, norms, total, count, most }) {
    record("GradientNorms", { sums, ranges, norms, count });
    record("GradientTotal", { norms, total, count, most });
  },

  scale({ x, factors, index, size }) {
    record("Scale", { x, factor: from(factors, index), size });
  },

  adamw(a) {
    const { ranges, total, loss, steps, values, status, halt, count, lr, betas } = a;
    const [logBeta1, logBeta2] = betas.map((beta) => Math.max(Math.log(beta), -20));
    const control = { ranges, total, loss, steps, values, status, halt, count, lr, logBeta1, logBeta2 };
    record("AdamwControl", control);
    const packed = {
      owner: a.owner,
      values,
      gradients: a.gradients,
      weights: a.weights,
      first: a.first,
      second: a.second,
      average: a.average,
    };
    record("Adamw", {
      ...packed,
      blocks: a.blocks,
      decay: 1 - lr * a.weightDecay,
      beta1Rest: 1 - betas[0],
      beta2: betas[1],
      beta2Rest: 1 - betas[1],
      epsilon: a.eps,
      averageRest: 1 - a.averageDecay,
    });
  },
});
