// Largest elements: those of each cloud's rows, and which element of each row is the largest.

import type { AbortOptions } from "../../abort.ts";
import type { Indices } from "../../arguments/indices.ts";
import { InputError } from "../../errors.ts";
import { expectNumbers, matrixShape } from "../shapes.ts";
import { scope, type Tensor } from "../tensor.ts";
import { maximum } from "./arithmetic.ts";
import { startsOf } from "./groups.ts";
import { embeddingLookup } from "./lookup.ts";

/**
 * The maximum over each cloud's rows, channel by channel: x [n, d] -> [clouds, d]. The gradient goes to one of the largest rows.
 * @param offsets [clouds + 1] the first row of each cloud, then n. Default: the clouds of a model's output, otherwise one cloud
 * @throws InputError with `details.row` if the offsets do not divide the rows into clouds of at least one row.
 */
export function cloudMax(x: Tensor, offsets?: Indices): Tensor {
  expectNumbers("x", x);
  let starts = startsOf(x, matrixShape("x", x)[0], offsets);
  return scope(() => {
    let rows = x.view();
    // The rows of each cloud are joined in pairs, until it has one.
    while (starts.length <= starts.at(-1)!) {
      const [firsts, seconds, next]: number[][] = [[], [], [0]];
      for (let cloud = 0; cloud + 1 < starts.length; cloud++) {
        const end = starts[cloud + 1];
        for (let row = starts[cloud]; row < end; row += 2) {
          firsts.push(row);
          seconds.push(Math.min(row + 1, end - 1));
        }
        next.push(firsts.length);
      }
      rows = maximum(embeddingLookup(rows, firsts), embeddingLookup(rows, seconds));
      starts = Uint32Array.from(next);
    }
    return rows;
  });
}

/**
 * The place of the largest element along the last axis, such as the class that logits [n, classes] speak for: [n] on the host, once the
 * device has computed them. Of several, the first; a NaN is larger than all numbers.
 * @throws InputError for a tensor without classes; DeviceLostError; the signal's reason, as `data`
 */
export async function argmax(x: Tensor, options: AbortOptions = {}): Promise<Int32Array<ArrayBuffer>> {
  expectNumbers("x", x);
  const classes = x.shape.at(-1);
  if (!classes) throw new InputError(`a tensor of shape [${x.shape}] has no classes`, { found: [...x.shape] });
  const data = await x.data(options);
  return Int32Array.from({ length: data.length / classes }, (_, row) => largestOf(data, row * classes, classes));
}

/** The place of the largest of `count` values from `first` on, counted from there: as for `argmax`. */
export function largestOf(values: ArrayLike<number>, first: number, count: number): number {
  let best = 0;
  for (let k = 1; k < count; k++) {
    const [value, most] = [values[first + k], values[first + best]];
    if (value > most || (Number.isNaN(value) && !Number.isNaN(most))) best = k;
  }
  return best;
}
