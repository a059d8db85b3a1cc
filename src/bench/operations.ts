// How much arithmetic a forward pass needs: what rates in GFLOP/s are computed from.

import type { TreeLevel } from "../balltree/index.ts";
import type { ErwinConfig } from "../erwin/config.ts";

/**
 * Floating-point operations of one forward pass, a multiply-add counted as two. Matrix products and attention only; norms,
 * activations and distances come on top and are a few percent.
 */
export function forwardOperations(config: ErwinConfig, levels: readonly TreeLevel[], points: number): number {
  const { cIn, cHidden, strides, dimensionality, mpSteps, mlpRatio } = config;
  const block = (level: number) => {
    const width = cHidden[level]!;
    const { nodes, ballSize } = levels[level]!;
    return 2 * nodes * width * ((4 + 3 * mlpRatio) * width + 2 * Math.min(ballSize, nodes));
  };
  const blocks = (level: number) => {
    const decoder = config.decode && level < strides.length ? config.decDepths[level]! : 0;
    return (config.encDepths[level]! + decoder) * block(level);
  };
  const between = strides.map((stride, l) => {
    const coarse = levels[l + 1]!.nodes;
    const fine = stride * cHidden[l]!;
    const pool = stride > 1 ? coarse * (fine + stride * dimensionality) * cHidden[l + 1]! : 0;
    const unpool = config.decode ? coarse * (cHidden[l + 1]! + stride * dimensionality) * fine : 0;
    return 2 * (pool + unpool);
  });
  const width = cHidden[0]!;
  const embedding = 2 * points * width * (cIn + mpSteps * 4 * width);
  return embedding + levels.reduce((sum, _, l) => sum + blocks(l), 0) + between.reduce((sum, n) => sum + n, 0);
}
