// The blocks of one level; every second one works on the rotated tree.

import { expectWhole } from "../arguments/options.ts";
import { checkpoint } from "../tensor/checkpoint.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { type BlockShape, ErwinBlock } from "./block.ts";
import type { LevelGeometry, NodeOrder } from "./geometry.ts";
import { Module } from "./module.ts";

export interface LayerShape extends BlockShape {
  /** Number of blocks. */
  depth: number;
  /** Whether the backward pass recomputes each block instead of keeping its intermediate results. Default false. */
  checkpointing?: boolean;
}

/**
 * `depth` blocks; blocks 1, 3, 5, ... use the rotated order, so that information crosses the balls (paper, section
 * 3.2).
 * Parts `blocks.<b>`.
 */
export class BallLayer extends Module {
  readonly blocks: readonly ErwinBlock[];
  #checkpointing: boolean;

  /** @throws ConfigError naming a size that is not whole, or too small, and for a width that the heads do not divide */
  constructor({ depth, checkpointing = false, ...block }: LayerShape) {
    super();
    expectWhole("depth", depth, 0);
    this.#checkpointing = checkpointing;
    this.blocks = Array.from({ length: depth }, (_, b) => this.child(`blocks.${b}`, new ErwinBlock(block)));
  }

  protected override checkpointBlocks(on: boolean): boolean {
    const changes = this.#checkpointing !== on && this.blocks.length > 0;
    this.#checkpointing = on;
    return changes;
  }

  /** [n, width] -> [n, width]. Consumes x: it is disposed unless there are no blocks. */
  forward(x: Tensor, level: LevelGeometry): Tensor {
    this.blocks.forEach((block, b) => {
      const order = b % 2 === 1 && level.rotated ? level.rotated : level.straight;
      const next = this.#checkpointing ? recomputed(block, x, order, level) : block.forward(x, order, level);
      x.dispose();
      x = next;
    });
    return x;
  }
}

/**
 * Runs the block's forward pass, for which only the input, and the geometry that all blocks share, are kept until the
 * backward pass.
 */
function recomputed(block: ErwinBlock, x: Tensor, order: NodeOrder, level: LevelGeometry): Tensor {
  return checkpoint(
    [x],
    [...block.parameters().values()],
    ([x], [positions, offsets, balls, index]) =>
      scope(() =>
        block.forward(
          x,
          { index, positions: positions as Tensor, offsets: offsets as Tensor },
          { ...level, balls: { ...level.balls, tensor: balls as Tensor } },
        ),
      ),
    [order.positions, order.offsets, level.balls.tensor, order.index],
  );
}
