// What the layers know of a batch's tree: for each level its nodes' positions and balls, on the device.

import type { Balls } from "../tensor/operators/balls.ts";
import type { RowIndex } from "../tensor/operators/rows.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The nodes of one level in one order, such that each ball is contiguous. */
export interface NodeOrder {
  /** u32 [nodes] which node stands where; undefined for the tree's own order. */
  index: Tensor | undefined;
  /** [nodes, D] */
  positions: Tensor;
  /** [nodes, D] from the mean of the node's ball. */
  offsets: Tensor;
}

/** How the nodes of a level are grouped into those of the next. */
export interface Grouping {
  stride: number;
  /** [groups, stride * D] from the group's centre to each of its nodes. */
  offsets: Tensor;
  /** Where a cloud has fewer nodes than the stride, its last node is repeated to fill the group: */
  padding:
    | {
        /** [groups * stride] node in each place. */
        places: RowIndex;
        /** [nodes] first place of each node. */
        firstPlace: RowIndex;
      }
    | undefined;
}

export interface LevelGeometry {
  nodes: number;
  balls: Balls;
  /** The tree's own order. */
  straight: NodeOrder;
  /** The rotated tree's order; undefined where the model does not rotate. */
  rotated: NodeOrder | undefined;
  /** Undefined at the last level. */
  grouping: Grouping | undefined;
}
