// The optimiser's operators on the CPU.

import type { Storage } from "../device.ts";
import type { OptimizerOperators } from "../optimizer.ts";
import { CpuOperators } from "./backward.ts";
import { from } from "./forward.ts";

type Arguments<Name extends keyof OptimizerOperators> = Parameters<OptimizerOperators[Name]>[0];

export class CpuOptimizerOperators extends CpuOperators implements OptimizerOperators {
  gradientSquares({ gradient, size, sums, firstBlock }: Arguments<"gradientSquares">): void {
    this.recorder.record("GradientSquares", { gradient, size, sums: from(sums, 2 * firstBlock) });
  }

  gradientTotal({ sums, ranges, norms, total, count, most }: Arguments<"gradientTotal">): void {
    this.recorder.record("GradientNorms", { sums, ranges, norms, count });
    this.recorder.record("GradientTotal", { norms, total, count, most });
  }

  scale({ x, factors, index, size }: Arguments<"scale">): void {
    this.recorder.record("Scale", { x, factor: from(factors, index), size });
  }

  adamw(a: Arguments<"adamw">): void {
    const { ranges, total, loss, steps, values, status, halt, count, lr, betas } = a;
    const [logBeta1, logBeta2] = betas.map((beta) => Math.max(Math.log(beta), -20));
    const control = { ranges, total, loss, steps, values, status, halt, count, lr, logBeta1, logBeta2 };
    this.recorder.record("AdamwControl", control);
    const packed: Record<string, Storage | undefined> = {
      owner: a.owner,
      values,
      gradients: a.gradients,
      weights: a.weights,
      first: a.first,
      second: a.second,
      average: a.average,
    };
    this.recorder.record("Adamw", {
      ...packed,
      blocks: a.blocks,
      decay: 1 - lr * a.weightDecay,
      beta1Rest: 1 - betas[0],
      beta2: betas[1],
      beta2Rest: 1 - betas[1],
      epsilon: a.eps,
      averageRest: 1 - a.averageDecay,
    });
  }
}
