// The linear map.

import { checkOptions } from "../../arguments.ts";
import type { ColumnNorm } from "../../backends/operators.ts";
import { expectSameDevice, expectShape, matrixShape } from "../shapes.ts";
import { record } from "../tape.ts";
import { Tensor } from "../tensor.ts";
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
  const { y, shape } = computeLinear(x, weight, extras);
  const { bias, second, residual, scatter } = extras;
  return record(y, [x, second, weight, bias, residual], { x, second, weight, scatter }, (gradient, gradients, kept) => {
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
  });
}

/** The same without a record, and with a norm of the result if one is given. */
export function computeLinear(x: Tensor, weight: Tensor, extras: LinearExtras, norm?: ColumnNorm) {
  const { bias, second, residual, scatter } = extras;
  const [rows, inner] = matrixShape("x", x);
  const [columns] = matrixShape("weight", weight);
  const secondInner = second ? matrixShape("second", second)[1] : 0;
  expectShape("weight", weight, [columns, inner + secondInner]);
  if (second) expectShape("second", second, [rows, secondInner]);
  if (bias) expectShape("bias", bias, [columns]);
  if (residual) expectShape("residual", residual, [rows, columns]);
  if (scatter) expectShape("scatter", scatter, [rows]);
  expectSameDevice({ weight, x, bias, second, residual, scatter });
  const y = new Tensor(x.device, [rows, columns]);
  const shape = { rows, columns, inner, secondInner };
  x.device.operators.linear({
    x: x.storage,
    second: second?.storage,
    weight: weight.storage,
    bias: bias?.storage,
    residual: residual?.storage,
    scatter: scatter?.storage,
    norm,
    y: y.storage,
    ...shape,
  });
  return { y, shape };
}
