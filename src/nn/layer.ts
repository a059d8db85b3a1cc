// The blocks of one level, every second one on the rotated tree.

import type { Tensor } from "../tensor/tensor.ts";
import { ErwinBlock } from "./block.ts";
import type { LevelGeometry } from "./geometry.ts";
import { type ParameterSource, within } from "./parameters.ts";

export interface LayerShape {
  depth: number;
  width: number;
  heads: number;
  mlpRatio: number;
  dimensions: number;
}

/** `depth` blocks; blocks 1, 3, 5, ... see the rotated order, so that information crosses the balls (paper, section 3.2). */
export class BallLayer {
  readonly blocks: ErwinBlock[];

  constructor(source: ParameterSource, name: string, { depth, width, heads, mlpRatio, dimensions }: LayerShape) {
    const own = within(source, name);
    this.blocks = Array.from(
      { length: depth },
      (_, b) => new ErwinBlock(own, `blocks.${b}`, width, heads, mlpRatio, dimensions),
    );
  }

  /** Consumes x: it is disposed unless there are no blocks. */
  forward(x: Tensor, level: LevelGeometry): Tensor {
    this.blocks.forEach((block, b) => {
      const order = b % 2 === 1 && level.rotated ? level.rotated : level.straight;
      const next = block.forward(x, order, level);
      x.dispose();
      x = next;
    });
    return x;
  }
}
