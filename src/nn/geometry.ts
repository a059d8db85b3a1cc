// What the layers need of a batch's tree: the positions and the balls of each level's nodes, on the device.

import type { Balls } from "../tensor/operators/balls.ts";
import type { RowIndex } from "../tensor/operators/rows.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The nodes of one level in an order in which each ball is contiguous. */
export interface NodeOrder {
  /** u32 [nodes] The node at each place; undefined for the tree's own order. */
  index: Tensor | undefined;
  /** [nodes, D] */
  positions: Tensor;
  /** [nodes, D] The offsets from the mean of the node's ball. */
  offsets: Tensor;
}

/** How the nodes of a level are grouped into nodes of the next. */
export interface Grouping {
  stride: number;
  /** [groups, stride * D] The offsets of a group's nodes from its centre. */
  offsets: Tensor;
  /** If a cloud has fewer nodes than the stride, its last node is repeated to fill the group: */
  padding:
    | {
        /** [groups * stride] The node at each place. */
        places: RowIndex;
        /** [nodes] The first place of each node. */
        firstPlace: RowIndex;
      }
    | undefined;
}

export interface LevelGeometry {
  nodes: number;
  balls: Balls;
  /** The tree's own order. */
  straight: NodeOrder;
  /** The rotated tree's order; undefined if the model does not rotate. */
  rotated: NodeOrder | undefined;
  /** Undefined at the last level. */
  grouping: Grouping | undefined;
}
