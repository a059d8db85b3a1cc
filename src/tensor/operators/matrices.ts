// Products of matrices, none of which has to be a layer's weight, and transposes.

import { InputError } from "../../errors.ts";
import { expectNumbers, matrixShape } from "../shapes.ts";
import { record } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";
import { elementwise } from "./elementwise.ts";
import { linear } from "./linear.ts";

/** A copy of a matrix with rows and columns exchanged: [n, m] -> [m, n]. @throws InputError for what is no matrix. */
export function transpose(x: Tensor): Tensor {
  expectNumbers("x", x);
  const [rows, columns] = matrixShape("x", x);
  const y = new Tensor(x.device, [columns, rows]);
  elementwise(x, [columns, rows], {
    function: "affine",
    x: { storage: x.storage, strides: [1, columns] },
    out: y,
  });
  return record(y, [x], {}, (gradient, gradients) => gradients.give(x, transpose(gradient)));
}

/** The product of two matrices: [n, inner], [inner, m] -> [n, m]. @throws InputError if their inner sizes differ. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [[, inner], [rows]] = [matrixShape("a", a), matrixShape("b", b)];
  if (inner !== rows) {
    throw new InputError(`matrices of shapes [${a.shape}] and [${b.shape}] have no product: ${inner} against ${rows}`, {
      first: [...a.shape],
      second: [...b.shape],
    });
  }
  return scope(() => linear(a, transpose(b)));
}
