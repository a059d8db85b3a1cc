// The optimiser's operators on WebGPU.

import { adamwFactors, BLOCK, type OptimizerOperators } from "../optimizer.ts";
import { type Context, flag, ROWS_OF_EIGHT_LANES, runRows, THREADS } from "./context.ts";

export const optimizerOperators = (context: Context): OptimizerOperators => ({
  gradientSquares({ gradient, size, lossScale, sums, firstBlock }) {
    const arrays = { gradient: [gradient, 1] as const, loss_scale: lossScale, sums };
    runRows(context, "gradient_squares", {}, size, arrays, (first, count) => ({
      parameters: { size: count, first_block: firstBlock + first / BLOCK },
      groups: count / BLOCK / ROWS_OF_EIGHT_LANES,
    }));
  },

  gradientTotal({ sums, ranges, norms, total, count, maxNorm }) {
    context.run("gradient_norms", {}, { sums, ranges, norms }, { count }, count);
    context.run("gradient_total", {}, { norms, total }, { count, max_norm: maxNorm }, 1);
  },

  scale({ x, factors, index, size }) {
    runRows(context, "scale", {}, size, { x: [x, 1], factors }, (_, count) => ({
      parameters: { size: count, index },
      groups: count / THREADS,
    }));
  },

  adamw(a) {
    const { ranges, total, loss, steps, values, status, count, lr, average, lossScale, shares, growth } = a;
    const { logBeta1, logBeta2, decay, beta1Rest, beta2, beta2Rest, averageRest } = adamwFactors(a);
    context.run(
      "adamw_control",
      { HALT: flag(a.halt) },
      { ranges, total, loss, steps, values, status, loss_scale: lossScale, shares },
      {
        count,
        lr,
        decay,
        log_beta1: logBeta1,
        log_beta2: logBeta2,
        growth_interval: growth?.interval ?? 0,
        least_scale: growth?.least ?? 0,
        largest_scale: growth?.largest ?? 0,
      },
      1,
    );
    const arrays = {
      owner: [a.owner, 1] as const,
      values,
      gradients: [a.gradients, BLOCK] as const,
      weights: [a.weights, BLOCK] as const,
      first: [a.first, BLOCK] as const,
      second: [a.second, BLOCK] as const,
      ...(average && { average: [average, BLOCK] as const }),
    };
    runRows(context, "adamw", { AVERAGE: flag(average) }, a.blocks, arrays, (_, blocks) => ({
      parameters: {
        items: (blocks * BLOCK) / 4,
        beta1_rest: beta1Rest,
        beta2,
        beta2_rest: beta2Rest,
        epsilon: a.eps,
        average_rest: averageRest,
      },
      groups: (blocks * BLOCK) / 4 / THREADS,
    }));
  },
});
