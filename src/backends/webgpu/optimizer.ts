// The optimiser's operators on WebGPU.

import type { Storage } from "../device.ts";
import { BLOCK, type OptimizerOperators } from "../optimizer.ts";
import { WebGPUOperators } from "./backward.ts";
import { flag, ROWS_OF_EIGHT_LANES, THREADS } from "./forward.ts";
import type { BufferStorage } from "./memory.ts";
import { overRows, rowWindow } from "./windows.ts";

type Arguments<Name extends keyof OptimizerOperators> = Parameters<OptimizerOperators[Name]>[0];

const whole = (storage: Storage) => storage as BufferStorage;

export class WebGPUOptimizerOperators extends WebGPUOperators implements OptimizerOperators {
  gradientSquares({ gradient, size, sums, firstBlock }: Arguments<"gradientSquares">): void {
    overRows(size, this.limits.bindingBytes, 1, (first, count) => {
      this.run(
        "gradient_squares",
        {},
        { gradient: rowWindow(gradient, 1, first, count), sums: whole(sums) },
        { size: count, first_block: firstBlock + first / BLOCK },
        Math.ceil(count / BLOCK / ROWS_OF_EIGHT_LANES),
      );
    });
  }

  gradientTotal({ sums, ranges, norms, total, count, most }: Arguments<"gradientTotal">): void {
    this.run("gradient_norms", {}, { sums: whole(sums), ranges: whole(ranges), norms: whole(norms) }, { count }, count);
    this.run("gradient_total", {}, { norms: whole(norms), total: whole(total) }, { count, most }, 1);
  }

  scale({ x, factors, index, size }: Arguments<"scale">): void {
    overRows(size, this.limits.bindingBytes, 1, (first, count) => {
      this.run(
        "scale",
        {},
        { x: rowWindow(x, 1, first, count), factors: whole(factors) },
        { size: count, index },
        Math.ceil(count / THREADS),
      );
    });
  }

  adamw(a: Arguments<"adamw">): void {
    const { count, lr, betas, average, values } = a;
    this.run(
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
    overRows(a.blocks, this.limits.bindingBytes, BLOCK, (first, blocks) => {
      const packed = (storage: Storage) => rowWindow(storage, BLOCK, first, blocks);
      this.run(
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
  }
}
