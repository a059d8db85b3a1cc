// Elementwise functions of one tensor; the result has the tensor's shape.

import { expectNumber } from "../../arguments/kinds.ts";
import type { ElementFunction } from "../../backends/operators.ts";
import { expectNumbers } from "../shapes.ts";
import { record } from "../tape.ts";
import { Tensor, withClouds } from "../tensor.ts";
import { elementwise } from "./elementwise.ts";

function apply(name: ElementFunction, x: Tensor): Tensor {
  expectNumbers(`the argument of ${name}`, x);
  const y = withClouds(new Tensor(x.device, x.shape), x);
  elementwise(x, x.shape, { function: name, x, out: y });
  return record(y, [x], { x }, (gradient, gradients, kept) =>
    elementwise(gradient, x.shape, {
      function: name,
      derivative: true,
      x: kept.x,
      y: gradient,
      out: gradients.into(x),
    }),
  );
}

/** factor * x + shift. */
export function affine(x: Tensor, factor: number, shift = 0): Tensor {
  expectNumbers("x", x);
  expectNumber("factor", factor);
  expectNumber("shift", shift);
  const y = withClouds(new Tensor(x.device, x.shape), x);
  elementwise(x, x.shape, { function: "affine", x, out: y, factor, shift });
  return record(y, [x], {}, (gradient, gradients) =>
    elementwise(gradient, x.shape, { function: "affine", x: gradient, out: gradients.into(x), factor }),
  );
}

/** factor * x. */
export const scale = (x: Tensor, factor: number): Tensor => affine(x, factor);

/** -x. */
export const negate = (x: Tensor): Tensor => affine(x, -1);

/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => apply("reciprocal", x);

/** The exact GELU, x Phi(x) (Hendrycks and Gimpel 2016); error below 4e-7 of the argument. */
export const gelu = (x: Tensor): Tensor => apply("gelu", x);

/** x / (1 + exp(-x)). */
export const silu = (x: Tensor): Tensor => apply("silu", x);

/** log(1 + exp(x)), to full relative precision and without overflow. */
export const softplus = (x: Tensor): Tensor => apply("softplus", x);

/** 1 / (1 + exp(-x)), without overflow. */
export const sigmoid = (x: Tensor): Tensor => apply("sigmoid", x);

/** The hyperbolic tangent, to full relative precision. */
export const tanh = (x: Tensor): Tensor => apply("tanh", x);

/** max(x, 0). Its derivative at 0 is defined as 0. */
export const relu = (x: Tensor): Tensor => apply("relu", x);

/** The sine; its error is below 2e-7 for arguments up to 8192. */
export const sin = (x: Tensor): Tensor => apply("sin", x);

/** The cosine; its error is below 2e-7 for arguments up to 8192. */
export const cos = (x: Tensor): Tensor => apply("cos", x);

/** e^x. */
export const exp = (x: Tensor): Tensor => apply("exp", x);

/** The natural logarithm. */
export const log = (x: Tensor): Tensor => apply("log", x);

/** The square root. Its derivative at 0 is defined as 0, so that the norm of a zero vector has the gradient 0. */
export const sqrt = (x: Tensor): Tensor => apply("sqrt", x);

/** x^2. */
export const square = (x: Tensor): Tensor => apply("square", x);

/** The absolute value. Its derivative at 0 is defined as 0. */
export const abs = (x: Tensor): Tensor => apply("abs", x);
