// Sums and means. The order of each sum depends on the shapes alone, so that every run gives the same bits.

import { InputError } from "../../errors.ts";
import { aroundAxis } from "../layout.ts";
import { expectNumbers } from "../shapes.ts";
import { record } from "../tape.ts";
import { scope, Tensor, withClouds } from "../tensor.ts";
import { elementwise } from "./elementwise.ts";

/**
 * The sum along an axis, which is removed, or of all elements, of shape [].
 * @param axis negative ones count from the end; all by default
 * @throws InputError if there is no such axis.
 */
export function sum(x: Tensor, axis?: number): Tensor {
  return scaledSum(x, axis, () => 1);
}

/**
 * The mean along an axis, which is removed, or of all elements, of shape [].
 * @param axis negative ones count from the end; all by default
 * @throws InputError if there is no such axis, or its size is 0.
 */
export function mean(x: Tensor, axis?: number): Tensor {
  return scaledSum(x, axis, (count) => {
    if (count === 0) throw new InputError(`a tensor of shape [${x.shape}] has no mean`, { found: [...x.shape] });
    return 1 / count;
  });
}

function scaledSum(x: Tensor, axis: number | undefined, factorFor: (count: number) => number): Tensor {
  expectNumbers("x", x);
  const { device } = x;
  const all = axis === undefined;
  const around = all ? { axis: 0, outer: 1, size: x.size, inner: 1 } : aroundAxis(x.shape, axis);
  const { outer, size, inner } = around;
  const factor = factorFor(size);
  return scope(() => {
    const result = new Tensor(device, all ? [] : x.shape.filter((_, i) => i !== around.axis));
    if (around.axis > 0) withClouds(result, x);
    const into = { storage: result.storage, accumulate: false };
    device.operators.sumAxis({ x: x.storage, into, outer, middle: size, inner, factor });
    return record(result, [x], {}, (gradient, gradients) => {
      // Every element receives the gradient of its sum.
      const repeated = { storage: gradient.storage, strides: [inner, 0, 1] };
      elementwise(gradient, [outer, size, inner], {
        function: "affine",
        x: repeated,
        out: gradients.into(x),
        factor,
      });
    });
  });
}
