// Balls of one level as the operators see them.

import type { BallList } from "../../backends/operators.ts";
import type { Tensor } from "../tensor.ts";

/** Which rows form a ball: contiguous ranges that cover all rows. */
export interface Balls {
  /** u32 [2 * count] first row and size of each. */
  tensor: Tensor;
  host: Uint32Array;
  /** Rows of the largest. */
  largest: number;
}

export const ballListOf = ({ tensor, host, largest }: Balls): BallList => ({ storage: tensor.storage, host, largest });
