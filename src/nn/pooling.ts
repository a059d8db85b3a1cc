// Between levels: neighbouring nodes become one, and one becomes its children again.

import { reshape } from "../tensor/operators/reshape.ts";
import { gatherRows } from "../tensor/operators/rows.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import type { Grouping } from "./geometry.ts";
import { erwinLinear, Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { BatchNorm } from "./norms.ts";

export interface PoolingShape {
  /** Nodes of the fine level in one of the coarse level. */
  stride: number;
  /** Channels of the fine level. */
  fineWidth: number;
  /** Channels of the coarse level. */
  coarseWidth: number;
  /** Dimensions of space. */
  dimensions: number;
}

/**
 * The nodes of a group become one (paper, section 3.3): BatchNorm(Linear([the group's nodes, their offsets from its centre])).
 * Parts `proj`, `norm`.
 */
export class BallPooling extends Module {
  readonly projection: Linear;
  readonly norm: BatchNorm;
  readonly stride: number;
  /** Channels of the fine level. */
  readonly fineWidth: number;

  constructor({ stride, fineWidth, coarseWidth, dimensions }: PoolingShape) {
    super();
    this.stride = stride;
    this.fineWidth = fineWidth;
    const inputs = stride * (fineWidth + dimensions);
    this.projection = this.child("proj", new Linear(inputs, coarseWidth, erwinLinear));
    this.norm = this.child("norm", new BatchNorm(coarseWidth));
  }

  /** [n, fineWidth] -> [n / stride, coarseWidth]. With stride 1 Erwin leaves it out. */
  forward(x: Tensor, { stride, offsets, padding }: Grouping): Tensor {
    return scope(() => {
      const places = padding ? gatherRows(x, padding.places) : x;
      const groups = reshape(places, [places.shape[0] / stride, places.shape[1] * stride]);
      return this.norm.forward(this.projection.forward(groups, { second: offsets }));
    });
  }
}

/**
 * A coarse node becomes its children again (paper, section 3.3): BatchNorm(skip + Linear([coarse node, offsets of its
 * children])). Parts `proj`, `norm`.
 */
export class BallUnpooling extends Module {
  readonly projection: Linear;
  readonly norm: BatchNorm;
  readonly stride: number;
  /** Channels of the fine level. */
  readonly fineWidth: number;

  constructor({ stride, fineWidth, coarseWidth, dimensions }: PoolingShape) {
    super();
    this.stride = stride;
    this.fineWidth = fineWidth;
    const inputs = coarseWidth + stride * dimensions;
    this.projection = this.child("proj", new Linear(inputs, stride * fineWidth, erwinLinear));
    this.norm = this.child("norm", new BatchNorm(fineWidth));
  }

  /**
   * x [groups, coarseWidth] -> [n, fineWidth].
   * @param skip [n, fineWidth] the fine level's nodes before pooling
   */
  forward(x: Tensor, skip: Tensor, { stride, offsets, padding }: Grouping): Tensor {
    return scope(() => {
      const [groups] = x.shape as [number];
      const [, fineWidth] = skip.shape as [number, number];
      if (!padding) {
        const residual = reshape(skip, [groups, stride * fineWidth]);
        const children = this.projection.forward(x, { second: offsets, residual });
        return this.norm.forward(reshape(children, [groups * stride, fineWidth]));
      }
      // Repeated places get the sum too; only the first place of each node is read back.
      const residual = reshape(gatherRows(skip, padding.places), [groups, stride * fineWidth]);
      const children = reshape(this.projection.forward(x, { second: offsets, residual }), [groups * stride, fineWidth]);
      return this.norm.forward(gatherRows(children, padding.firstPlace));
    });
  }
}
