// A tensor's elements with another shape.

import { toShape } from "../../arguments.ts";
import { InputError } from "../../errors.ts";
import { expectTensor } from "../shapes.ts";
import { record } from "../tape.ts";
import { sizeOf, type Tensor } from "../tensor.ts";

/** x with another shape of the same size, without a copy. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  expectTensor("x", x);
  if (sizeOf(toShape("shape", shape)) !== x.size) {
    throw new InputError(`a tensor of shape [${x.shape}] cannot take the shape [${shape}]`, {
      expected: [...shape],
      found: [...x.shape],
    });
  }
  return record(x.detach(shape), [x], {}, (gradient, gradients) => gradients.give(x, gradient.detach(x.shape)));
}
