// A tensor's elements with another shape.

import { expectTensor } from "../shapes.ts";
import { record } from "../tape.ts";
import type { Tensor } from "../tensor.ts";

/** x with another shape of the same size, without a copy. @throws InputError for a shape of another size. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  expectTensor("x", x);
  return record(x.detach(shape), [x], {}, (gradient, gradients) => gradients.give(x, gradient.detach(x.shape)));
}
