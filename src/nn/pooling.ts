// Transitions between levels: neighbouring nodes are merged into one, and one node is split into its children again.

import { reshape } from "../tensor/operators/reshape.ts";
import { gatherRows } from "../tensor/operators/rows.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import type { Grouping } from "./geometry.ts";
import { erwinLinear, Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { BatchNorm } from "./norms.ts";

export interface PoolingShape {
  /** The number of nodes of the fine level merged into one of the coarse level. */
  stride: number;
  /** The number of channels of the fine level. */
  fineWidth: number;
  /** The number of channels of the coarse level. */
  coarseWidth: number;
  /** The number of spatial dimensions. */
  dimensions: number;
}

/** What both transitions have in common. Parts `proj`, `norm`. */
abstract class Transition extends Module {
  readonly projection: Linear;
  readonly norm: BatchNorm;

  protected constructor(
    readonly stride: number,
    /** The number of channels of the fine level. */
    readonly fineWidth: number,
    { inputs, outputs, normWidth }: { inputs: number; outputs: number; normWidth: number },
  ) {
    super();
    this.projection = this.child("proj", new Linear(inputs, outputs, erwinLinear));
    this.norm = this.child("norm", new BatchNorm(normWidth));
  }
}

/**
 * Merges the nodes of a group into one (paper, section 3.3): BatchNorm(Linear([the group's nodes, their offsets from
 * its centre])). Parts `proj`, `norm`.
 */
export class BallPooling extends Transition {
  constructor({ stride, fineWidth, coarseWidth, dimensions }: PoolingShape) {
    const inputs = stride * (fineWidth + dimensions);
    super(stride, fineWidth, { inputs, outputs: coarseWidth, normWidth: coarseWidth });
  }

  /** [n, fineWidth] -> [n / stride, coarseWidth]. Erwin omits it if the stride is 1. */
  forward(x: Tensor, { stride, offsets, padding }: Grouping): Tensor {
    return scope(() => {
      const places = padding ? gatherRows(x, padding.places) : x;
      const groups = reshape(places, [places.shape[0] / stride, places.shape[1] * stride]);
      return this.norm.afterLinear(this.projection, groups, { second: offsets });
    });
  }
}

/**
 * Splits a coarse node into its children again (paper, section 3.3): BatchNorm(skip + Linear([coarse node, offsets of
 * its children])). Parts `proj`, `norm`.
 */
export class BallUnpooling extends Transition {
  constructor({ stride, fineWidth, coarseWidth, dimensions }: PoolingShape) {
    const inputs = coarseWidth + stride * dimensions;
    super(stride, fineWidth, { inputs, outputs: stride * fineWidth, normWidth: fineWidth });
  }

  /**
   * x [groups, coarseWidth] -> [n, fineWidth].
   * @param skip [n, fineWidth] the nodes of the fine level before pooling
   */
  forward(x: Tensor, skip: Tensor, { stride, offsets, padding }: Grouping): Tensor {
    return scope(() => {
      const [groups] = x.shape as [number];
      const [, fineWidth] = skip.shape as [number, number];
      if (!padding) {
        const residual = reshape(skip, [groups, stride * fineWidth]);
        return this.norm.afterLinear(this.projection, x, { second: offsets, residual });
      }
      // Repeated places receive the sum too; only the first place of each node is read.
      const residual = reshape(gatherRows(skip, padding.places), [groups, stride * fineWidth]);
      const children = reshape(this.projection.forward(x, { second: offsets, residual }), [groups * stride, fineWidth]);
      return this.norm.forward(gatherRows(children, padding.firstPlace));
    });
  }
}
