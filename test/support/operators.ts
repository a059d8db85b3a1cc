// Compares an operator on the device with its float64 reference: its value, the gradients of all inputs, and that it leaks no memory.

import { type Device, scope, Tensor } from "erwin";
import { expect } from "vitest";
import { normals, type Random } from "./clouds.ts";
import { expectClose } from "./compare.ts";
import { type Compute, differences } from "./reference/differences.ts";
import { Reverse, type Variable } from "./reference/reverse.ts";

/** The tolerances: of values relative to the largest, of gradients in L2. */
export const VALUE_TOLERANCE = 1e-5;
const GRADIENT_TOLERANCE = 1e-4;

/** There are few cases, always the same, because a software adapter compiles for every new shape. */
export const runs = { numRuns: 5, seed: 11 };

/** An input that requires a gradient. */
export interface Given {
  shape: readonly number[];
  data: Float32Array;
}

export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Standard normal numbers, scaled and shifted. */
export function given(shape: readonly number[], random: Random, { scale = 1, shift = 0 } = {}): Given {
  return { shape, data: normals(sizeOf(shape), random).map((value) => scale * value + shift) };
}

/** The expected value of an operator, and the expected gradients of sum(value * probe). */
export type Reference = (
  inputs: readonly Float32Array[],
  probe: Float32Array,
) => { value: ArrayLike<number>; gradients: readonly ArrayLike<number>[] };

/** The reference of a function in float64, by difference quotients; for few elements. */
export function byDifferences(compute: Compute, step?: number): Reference {
  return (inputs, probe) => ({
    value: compute(...inputs.map((input) => Float64Array.from(input))),
    gradients: differences(compute, inputs, probe, step),
  });
}

/** The reference of a function of the operators of `Reverse`; inputs are matrices, vectors have one row. */
export function byReverse(
  shapes: readonly (readonly [rows: number, cols: number])[],
  compute: (reverse: Reverse, ...inputs: Variable[]) => Variable,
): Reference {
  return (inputs, probe) => {
    const reverse = new Reverse();
    const variables = inputs.map((input, i) => reverse.variable(...shapes[i], input));
    const result = compute(reverse, ...variables);
    reverse.backward(result, probe);
    return { value: result.data, gradients: variables.map(({ gradient }) => gradient) };
  };
}

/**
 * Runs an operator on the device and compares it with its reference; then with a gradient for only one of its inputs, which must
 * be the same. In the end all memory must have been released.
 * @param operator tensors that it creates in addition to its result are disposed automatically
 * @returns the shape of the result
 */
export async function check(
  device: Device,
  inputs: readonly Given[],
  operator: (...inputs: Tensor[]) => Tensor,
  reference: Reference,
  random: Random,
  what = "the result",
): Promise<readonly number[]> {
  const before = device.memory.current;
  const tensors = inputs.map(({ data, shape }) => Tensor.from(device, data, shape).requireGrad());
  const out = scope(() => operator(...tensors));
  const probe = normals(out.size, random);
  using gradient = Tensor.from(device, probe, out.shape);
  await out.backward(gradient);
  const [value, ...gradients] = await Promise.all([out.data(), ...tensors.map((tensor) => tensor.grad?.data())]);

  const expected = reference(
    inputs.map(({ data }) => data),
    probe,
  );
  expectClose(value as Float32Array, expected.value, VALUE_TOLERANCE, what, { scale: largest(expected.value) });
  gradients.forEach((actual, i) => {
    if (!actual) expect.fail(`${what}: no gradient has arrived at input ${i}`);
    expectGradient(actual, expected.gradients[i], probe, `${what}: gradient of input ${i} [${inputs[i].shape}]`);
  });

  // The gradient of an input does not depend on whether others require theirs.
  const one = Math.floor(random() * inputs.length);
  const alone = inputs.map(({ data, shape }) => Tensor.from(device, data, shape));
  alone[one].requireGrad();
  using again = scope(() => operator(...alone));
  await again.backward(gradient);
  expect(await alone[one].grad?.data(), `${what}: gradient of input ${one} alone`).toEqual(gradients[one]);

  for (const tensor of [out, again, ...tensors, ...alone]) tensor.dispose();
  gradient.dispose();
  expect(device.memory.current, `bytes held after ${what}`).toBe(before);
  return out.shape;
}

/** Fails if the error of a gradient in L2 exceeds the tolerance. */
function expectGradient(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  probe: ArrayLike<number>,
  what: string,
): void {
  expect(actual.length, `size of ${what}`).toBe(expected.length);
  const difference = norm(Array.from(expected, (value, i) => value - actual[i]));
  // The error of a gradient that almost cancels, such as that of RMSNorm over one channel, is relative to the terms of its sum.
  const error = difference === 0 ? 0 : difference / Math.max(norm(expected), 0.05 * norm(probe));
  expect(error, `relative L2 error of ${what}`).toBeLessThanOrEqual(GRADIENT_TOLERANCE);
}

const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
