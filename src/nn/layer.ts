// The blocks of one level, every second one on the rotated tree.

import { checkpoint } from "../tensor/tape.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { ErwinBlock } from "./block.ts";
import type { LevelGeometry, NodeOrder } from "./geometry.ts";
import { type ParameterSource, within } from "./parameters.ts";

export interface LayerShape {
  depth: number;
  width: number;
  heads: number;
  mlpRatio: number;
  dimensions: number;
  /** Whether the backward pass computes each block again in place of keeping what is inside it. */
  checkpointing: boolean;
}

/** `depth` blocks; blocks 1, 3, 5, ... see the rotated order, so that information crosses the balls (paper, section 3.2). */
export class BallLayer {
  readonly #blocks: { block: ErwinBlock; parameters: Tensor[] }[];
  readonly #checkpointing: boolean;

  constructor(
    source: ParameterSource,
    name: string,
    { depth, width, heads, mlpRatio, dimensions, checkpointing }: LayerShape,
  ) {
    this.#checkpointing = checkpointing;
    this.#blocks = Array.from({ length: depth }, (_, b) => {
      const parameters: Tensor[] = [];
      const own = collecting(within(source, name), parameters);
      return { block: new ErwinBlock(own, `blocks.${b}`, width, heads, mlpRatio, dimensions), parameters };
    });
  }

  /** Consumes x: it is disposed unless there are no blocks. */
  forward(x: Tensor, level: LevelGeometry): Tensor {
    this.#blocks.forEach(({ block, parameters }, b) => {
      const order = b % 2 === 1 && level.rotated ? level.rotated : level.straight;
      const next = this.#checkpointing
        ? recomputed(block, parameters, x, order, level)
        : block.forward(x, order, level);
      x.dispose();
      x = next;
    });
    return x;
  }
}

/** The block's forward pass, of which only the input is kept for the backward pass, and the geometry that all blocks share. */
function recomputed(
  block: ErwinBlock,
  parameters: Tensor[],
  x: Tensor,
  order: NodeOrder,
  level: LevelGeometry,
): Tensor {
  return checkpoint(
    [x],
    parameters,
    ([x], [positions, offsets, balls, index]) =>
      scope(() =>
        block.forward(
          x!,
          { index, positions: positions!, offsets: offsets! },
          { ...level, balls: { ...level.balls, tensor: balls! } },
        ),
      ),
    [order.positions, order.offsets, level.balls.tensor, order.index],
  );
}

/** The source, noting down the parameters that are asked for. */
function collecting(source: ParameterSource, parameters: Tensor[]): ParameterSource {
  return {
    get(...wanted) {
      const parameter = source.get(...wanted);
      parameters.push(parameter);
      return parameter;
    },
    counter: (name) => source.counter(name),
  };
}
