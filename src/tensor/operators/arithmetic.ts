// Arithmetic on two tensors whose shapes can be broadcast by NumPy's rule (aligned at the last axes; an axis that is 1
// or missing repeats), or on a tensor and a number.

import { expectNumber } from "../../arguments/kinds.ts";
import { sizeOf } from "../../arguments/numbers.ts";
import { InputError } from "../../errors.ts";
import { broadcastShape, repeatedStrides } from "../layout.ts";
import { expectNumbers, expectSameDevice } from "../shapes.ts";
import { type Gradients, record } from "../tape.ts";
import { scope, Tensor, withClouds } from "../tensor.ts";
import { elementwise } from "./elementwise.ts";
import { affine, negate, reciprocal } from "./functions.ts";

export type Operand = Tensor | number;

/** a + b. @throws InputError if the shapes cannot be broadcast. */
export function add(a: Operand, b: Operand): Tensor {
  if (typeof b === "number") return affine(tensorOf(a), 1, b);
  if (typeof a === "number") return affine(b, 1, a);
  return record(combine("add", a, b), [a, b], {}, (gradient, gradients) => {
    giveSummed(gradients, b, gradient);
    giveSummed(gradients, a, gradient);
  });
}

/** a - b. @throws InputError if the shapes cannot be broadcast. */
export function subtract(a: Operand, b: Operand): Tensor {
  if (typeof b === "number") return affine(tensorOf(a), 1, -b);
  if (typeof a === "number") return affine(b, -1, a);
  return record(combine("subtract", a, b), [a, b], {}, (gradient, gradients) => {
    giveSummed(gradients, b, gradient, -1);
    giveSummed(gradients, a, gradient);
  });
}

/** a * b, element by element. @throws InputError if the shapes cannot be broadcast. */
export function multiply(a: Operand, b: Operand): Tensor {
  if (typeof b === "number") return affine(tensorOf(a), b);
  if (typeof a === "number") return affine(b, a);
  return record(combine("multiply", a, b), [a, b], { a, b }, (gradient, gradients, kept) => {
    if (gradients.wanted(a)) giveSummed(gradients, a, combine("multiply", gradient, kept.b));
    if (gradients.wanted(b)) giveSummed(gradients, b, combine("multiply", gradient, kept.a));
  });
}

/** a / b, element by element. @throws InputError if the shapes cannot be broadcast. */
export function divide(a: Operand, b: Operand): Tensor {
  if (typeof b === "number") return affine(tensorOf(a), 1 / b);
  if (typeof a === "number") return affine(reciprocal(b), a);
  const quotient = combine("divide", a, b);
  return record(quotient, [a, b], { b, quotient }, (gradient, gradients, kept) => {
    const share = combine("divide", gradient, kept.b);
    if (gradients.wanted(b)) giveSummed(gradients, b, combine("multiply", share, kept.quotient), -1);
    giveSummed(gradients, a, share);
  });
}

/**
 * The larger of a and b, element by element. Where they are equal, b has the gradient.
 * @throws InputError if the shapes cannot be broadcast.
 */
export function maximum(a: Operand, b: Operand): Tensor {
  return scope(() => {
    const [x, y] = [besides(b, a), besides(a, b)];
    return record(combine("maximum", x, y), [x, y], { x, y }, (gradient, gradients, kept) => {
      const lead = combine("subtract", kept.x, kept.y);
      // The derivative of relu tells where x is larger.
      const share = new Tensor(x.device, gradient.shape);
      elementwise(lead, lead.shape, { function: "relu", derivative: true, x: lead, y: gradient, out: share });
      giveSummed(gradients, y, combine("subtract", gradient, share));
      giveSummed(gradients, x, share);
    });
  });
}

/**
 * The smaller of a and b, element by element. Where they are equal, b has the gradient.
 * @throws InputError if the shapes cannot be broadcast.
 */
export const minimum = (a: Operand, b: Operand): Tensor => scope(() => negate(maximum(negative(a), negative(b))));

/** Returns an operand as a tensor, which for a number is on the other operand's device. */
function besides(other: Operand, operand: Operand): Tensor {
  if (typeof operand !== "number") return operand;
  const tensor = tensorOf(other);
  expectNumbers("an operand", tensor);
  return Tensor.from(tensor.device, [operand], []);
}

const negative = (operand: Operand) => (typeof operand === "number" ? -operand : negate(operand));

/**
 * x where it lies between two numbers, elsewhere the nearer of them, which has no gradient.
 * @throws InputError if the first number is the larger one.
 */
export function clamp(x: Tensor, least: number, most: number): Tensor {
  expectNumbers("x", x);
  expectNumber("least", least);
  expectNumber("most", most);
  if (!(least <= most)) throw new InputError(`nothing lies between ${least} and ${most}: give the smaller one first`);
  return scope(() => minimum(most, maximum(least, x)));
}

function tensorOf(operand: Operand): Tensor {
  if (typeof operand !== "number") return operand;
  throw new InputError("one of the two operands must be a tensor, but both are numbers");
}

/** Computes the result without recording. */
function combine(operation: "add" | "subtract" | "multiply" | "divide" | "maximum", a: Tensor, b: Tensor): Tensor {
  expectNumbers("the first operand", a);
  expectNumbers("the second operand", b);
  expectSameDevice({ "the first operand": a, "the second operand": b });
  const shape = broadcastShape(a.shape, b.shape);
  return scope(() => {
    // Another operand's rows are not the result's.
    const aligned = [a, b].filter((operand) => operand.shape.length === shape.length);
    const out = withClouds(new Tensor(a.device, shape), ...aligned);
    elementwise(a, shape, {
      function: operation,
      x: { storage: a.storage, strides: repeatedStrides(a.shape, shape) },
      y: { storage: b.storage, strides: repeatedStrides(b.shape, shape) },
      out,
    });
    return out;
  });
}

/** Gives factor * gradient to an operand, summed over the axes along which the operand was broadcast. */
function giveSummed(gradients: Gradients, operand: Tensor, gradient: Tensor, factor = 1): void {
  if (!gradients.wanted(operand)) return;
  const missing = gradient.shape.length - operand.shape.length;
  const repeated = (axis: number) => gradient.shape[axis] !== (operand.shape[axis - missing] ?? 1);
  let shape = [...gradient.shape];
  let sum = gradient;
  for (let end = shape.length; end > 0; end--) {
    if (!repeated(end - 1)) continue;
    let start = end - 1;
    while (start > 0 && repeated(start - 1)) start--;
    const result = new Tensor(gradient.device, [...shape.slice(0, start), ...shape.slice(end)]);
    gradient.device.operators.sumAxis({
      x: sum.storage,
      into: { storage: result.storage, accumulate: false },
      outer: sizeOf(shape.slice(0, start)),
      middle: sizeOf(shape.slice(start, end)),
      inner: sizeOf(shape.slice(end)),
      factor,
    });
    sum = result;
    shape = [...result.shape];
    end = start + 1;
    factor = 1;
  }
  // It is never written into the gradient's own memory: the other operand still needs it.
  if (factor !== 1) {
    const scaled = new Tensor(gradient.device, shape);
    elementwise(gradient, shape, { function: "affine", x: sum, out: scaled, factor });
    sum = scaled;
  }
  gradients.give(operand, sum.detach(operand.shape));
}
