// Between levels: neighbouring nodes become one, and one becomes its children again.

import { reshape } from "../tensor/operators/reshape.ts";
import { gatherRows } from "../tensor/operators/rows.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import type { Grouping } from "./geometry.ts";
import { Linear } from "./linear.ts";
import { BatchNorm } from "./norms.ts";
import { type ParameterSource, within } from "./parameters.ts";

export interface PoolingShape {
  stride: number;
  fineWidth: number;
  coarseWidth: number;
  dimensions: number;
}

/** BatchNorm(Linear([the group's nodes, their offsets from its centre])). Parameters `proj.*`, `norm.*`. */
export class BallPooling {
  readonly projection: Linear;
  readonly norm: BatchNorm;
  readonly stride: number;

  constructor(source: ParameterSource, name: string, { stride, fineWidth, coarseWidth, dimensions }: PoolingShape) {
    const own = within(source, name);
    this.stride = stride;
    this.projection = new Linear(own, "proj", stride * (fineWidth + dimensions), coarseWidth);
    this.norm = new BatchNorm(own, "norm", coarseWidth);
  }

  /** [n, d] -> [n / stride, d']. Stride 1 is the identity. */
  forward(x: Tensor, { stride, offsets, padding }: Grouping, training: boolean): Tensor {
    return scope(() => {
      const places = padding ? gatherRows(x, padding.places) : x;
      const groups = reshape(places, [places.shape[0]! / stride, places.shape[1]! * stride]);
      return this.norm.forward(this.projection.forward(groups, { second: offsets }), training);
    });
  }
}

/** BatchNorm(skip + Linear([coarse node, offsets of its children])). Parameters `proj.*`, `norm.*`. */
export class BallUnpooling {
  readonly projection: Linear;
  readonly norm: BatchNorm;

  constructor(source: ParameterSource, name: string, { stride, fineWidth, coarseWidth, dimensions }: PoolingShape) {
    const own = within(source, name);
    this.projection = new Linear(own, "proj", coarseWidth + stride * dimensions, stride * fineWidth);
    this.norm = new BatchNorm(own, "norm", fineWidth);
  }

  /** x [g, d], skip [n, d'] -> [n, d']. */
  forward(x: Tensor, skip: Tensor, { stride, offsets, padding }: Grouping, training: boolean): Tensor {
    return scope(() => {
      const [groups] = x.shape as [number];
      const [, fineWidth] = skip.shape as [number, number];
      if (!padding) {
        const residual = reshape(skip, [groups, stride * fineWidth]);
        const children = this.projection.forward(x, { second: offsets, residual });
        return this.norm.forward(reshape(children, [groups * stride, fineWidth]), training);
      }
      // Repeated places get the sum too; only the first place of each node is read back.
      const residual = reshape(gatherRows(skip, padding.places), [groups, stride * fineWidth]);
      const children = reshape(this.projection.forward(x, { second: offsets, residual }), [groups * stride, fineWidth]);
      return this.norm.forward(gatherRows(children, padding.firstPlace), training);
    });
  }
}
