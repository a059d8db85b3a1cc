// The linear map.

import { checkOptions } from "../../arguments/options.ts";
import { InputError } from "../../errors.ts";
import { expectOperands, expectShape, matrixShape } from "../shapes.ts";
import { record } from "../tape.ts";
import { scope, Tensor, withClouds } from "../tensor.ts";
import { destinationOf } from "./destinations.ts";

/** The optional parts of a linear map. */
export interface LinearExtras {
  /** [columns] added to every row. */
  bias?: Tensor;
  /** [rows, more] Concatenated to x: the weight's last `more` columns multiply it. */
  second?: Tensor;
  /** [rows, columns] added to the result. */
  residual?: Tensor;
  /** [rows] A permutation: row i of the product becomes row scatter[i] of the result. */
  scatter?: Tensor;
}

/** y = [x, second] W^T + bias + residual: x [rows, inner], weight [columns, inner (+ more)] -> [rows, columns]. */
export function linear(x: Tensor, weight: Tensor, extras: LinearExtras = {}): Tensor {
  checkOptions("linear", extras, { bias: true, second: true, residual: true, scatter: true });
  return scope(() => {
    const { y, shape, given } = prepareLinear(x, weight, extras);
    x.device.operators.linear(given);
    const { bias, second, residual, scatter } = extras;
    return record(
      y,
      [x, second, weight, bias, residual],
      { x, second, weight, scatter },
      (gradient, gradients, kept) => {
        x.device.operators.linearBackward({
          gradient: gradient.storage,
          x: kept.x.storage,
          second: kept.second?.storage,
          weight: kept.weight.storage,
          scatter: kept.scatter?.storage,
          into: {
            x: destinationOf(gradients, x),
            second: destinationOf(gradients, second),
            weight: destinationOf(gradients, weight),
            bias: destinationOf(gradients, bias),
          },
          ...shape,
        });
        gradients.give(residual, gradient);
      },
    );
  });
}

/** Checks the arguments of a linear map. Returns its result, which is yet to be computed, and what an operator is given for that. */
export function prepareLinear(x: Tensor, weight: Tensor, extras: LinearExtras) {
  const { bias, second, residual, scatter } = extras;
  const [rows, inner] = matrixShape("x", x);
  const [columns] = matrixShape("weight", weight);
  const secondInner = second ? matrixShape("second", second)[1] : 0;
  const width = weight.shape[1];
  if (width !== inner + secondInner) {
    const who = second ? `x and second have ${inner} and ${secondInner} columns` : `x has the shape [${x.shape}]`;
    throw new InputError(`${who}, but the weight [${weight.shape}] maps rows of ${width} numbers`, {
      tensor: "x",
      expected: width,
      found: inner + secondInner,
    });
  }
  if (inner === 0 || (second && secondInner === 0))
    throw new InputError("a linear map needs columns of x and second", { tensor: "x" });
  if (second) expectShape("second", second, [rows, secondInner]);
  if (bias) expectShape("bias", bias, [columns]);
  if (residual) expectShape("residual", residual, [rows, columns]);
  if (scatter) expectShape("scatter", scatter, [rows]);
  expectOperands({ weight, x, bias, second, residual }, { scatter });
  const y = withClouds(new Tensor(x.device, [rows, columns]), ...(scatter ? [] : [x, second, residual]));
  const shape = { rows, columns, inner, secondInner };
  const given = {
    x: x.storage,
    second: second?.storage,
    weight: weight.storage,
    bias: bias?.storage,
    residual: residual?.storage,
    scatter: scatter?.storage,
    y: y.storage,
    ...shape,
  };
  return { y, shape, given };
}
