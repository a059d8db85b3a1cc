// A tensor's elements with another shape.

import { sizeOf, toShape } from "../../arguments/numbers.ts";
import { expectTensor } from "../shapes.ts";
import { record } from "../tape.ts";
import type { Tensor } from "../tensor.ts";

/**
 * x with another shape of the same size, without a copy.
 * @param shape one size may be -1, for what the others leave
 * @throws InputError for a shape of another size.
 */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  expectTensor("x", x);
  return record(x.detach(filled(x, shape)), [x], {}, (gradient, gradients) =>
    gradients.give(x, gradient.detach(x.shape)),
  );
}

function filled({ size }: Tensor, shape: readonly number[]): readonly number[] {
  if (!Array.isArray(shape)) return shape;
  const known = shape.filter((given) => given !== -1);
  if (known.length !== shape.length - 1) return shape;
  return shape.map((given) => (given === -1 ? size / sizeOf(toShape("shape", known)) : given));
}
