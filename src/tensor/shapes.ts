// Shape rules shared by the operators.

import { InputError } from "../errors.ts";
import type { Tensor } from "./tensor.ts";

/** @throws InputError naming the tensor, what was expected and what was found. */
export function expectShape(name: string, tensor: Tensor, expected: readonly number[]): void {
  const { shape } = tensor;
  if (shape.length !== expected.length || shape.some((size, i) => size !== expected[i])) {
    throw new InputError(`${name} has the shape [${shape}], but [${expected}] is needed here`, {
      tensor: name,
      expected: [...expected],
      found: [...shape],
    });
  }
}

/** Rows and columns of a matrix. @throws InputError when it has not two dimensions. */
export function matrixShape(name: string, tensor: Tensor): [number, number] {
  if (tensor.shape.length !== 2) {
    throw new InputError(`${name} has the shape [${tensor.shape}], but a matrix is needed here`, {
      tensor: name,
      found: [...tensor.shape],
    });
  }
  return tensor.shape as unknown as [number, number];
}

/** @throws InputError when the tensor holds indices. */
export function expectNumbers(name: string, { type }: Tensor): void {
  if (type !== "f32") {
    throw new InputError(`${name} holds indices (${type}), but numbers (f32) are needed here`, { tensor: name, type });
  }
}
