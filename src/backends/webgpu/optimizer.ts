// The optimiser's operators on WebGPU.

import type { Storage } from "../device.ts";
import { BLOCK, type OptimizerOperators } from "../optimizer.ts";
import { type Context, flag, ROWS_OF_EIGHT_LANES, THREADS, whole } from "./context.ts";
import { overRows, rowWindow } from "./windows.ts";

export const optimizerOperators = ({ run, info }: Context): OptimizerOperators => ({
  gradientSquares({ gradient, size, sums, firstBlock }) {
    overRows(size, info.maxBindingBytes, 1, (first, count) => {
      run(
        "gradient_squares",
        {},
        { gradient: rowWindow(gradient, 1, first, count), sums: whole(sums) },
        { size: count, first_block: firstBlock + first / BLOCK },
        Math.ceil(count / BLOCK / ROWS_OF_EIGHT_LANES),
      );
    });
  },

  gradientTotal({ sums, ranges, norms, total, count, most }) {
    run("gradient_norms", {}, { sums: whole(sums), ranges: whole(ranges), norms: whole(norms) }, { count }, count);
    run("gradient_total", {}, { norms: whole(norms), total: whole(total) }, { count, most }, 1);
  },

  scale({ x, factors, index, size }) {
    overRows(size, info.maxBindingBytes, 1, (first, count) => {
      run(
        "scale",
        {},
        { x: rowWindow(x, 1, first, count), factors: whole(factors) },
        { size: count, index },
        Math.ceil(count / THREADS),
      );
    });
  },

  adamw(a) {
    const { count, lr, betas, average, values } = a;
    run(
      "adamw_control",
      { HALT: flag(a.halt) },
      {
        ranges: whole(a.ranges),
        total: whole(a.total),
        loss: whole(a.loss),
        steps: whole(a.steps),
        values: whole(values),
        status: whole(a.status),
      },
      { count, lr, log_beta1: Math.max(Math.log(betas[0]), -20), log_beta2: Math.max(Math.log(betas[1]), -20) },
      1,
    );
    overRows(a.blocks, info.maxBindingBytes, BLOCK, (first, blocks) => {
      const packed = (storage: Storage) => rowWindow(storage, BLOCK, first, blocks);
      run(
        "adamw",
        { AVERAGE: flag(average) },
        {
          owner: rowWindow(a.owner, 1, first, blocks),
          values: whole(values),
          gradients: packed(a.gradients),
          weights: packed(a.weights),
          first: packed(a.first),
          second: packed(a.second),
          ...(average && { average: packed(average) }),
        },
        {
          quads: (blocks * BLOCK) / 4,
          decay: 1 - lr * a.weightDecay,
          beta1_rest: 1 - betas[0],
          beta2: betas[1],
          beta2_rest: 1 - betas[1],
          epsilon: a.eps,
          average_rest: 1 - a.averageDecay,
        },
        Math.ceil((blocks * BLOCK) / 4 / THREADS),
      );
    });
  },
});
