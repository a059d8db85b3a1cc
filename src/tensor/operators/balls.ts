// The balls of one level, as the operators use them.

import type { BallList } from "../../backends/operators.ts";
import type { Tensor } from "../tensor.ts";

/** The rows that form each ball: contiguous ranges that cover all rows. */
export interface Balls {
  /** u32 [2 * count] The first row and the size of each ball. */
  tensor: Tensor;
  host: Uint32Array;
  /** The number of rows of the largest ball. */
  largest: number;
}

export const ballListOf = ({ tensor, host, largest }: Balls): BallList => ({ storage: tensor.storage, host, largest });
