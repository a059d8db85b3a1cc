// Checks of their arguments that the operators share.

import type { Device } from "../backends/device.ts";
import { DisposedError, InputError } from "../errors.ts";
import { Tensor } from "./tensor.ts";

/** @throws InputError if it is something else. */
export function expectTensor(name: string, value: unknown): asserts value is Tensor {
  if (value instanceof Tensor) return;
  const found = value === null ? "null" : ((value as object | undefined)?.constructor?.name ?? typeof value);
  throw new InputError(`${name} must be a Tensor, not ${found}: Tensor.from(device, numbers, shape)`, {
    tensor: name,
    found,
  });
}

/** @throws InputError naming the tensor, what was expected and what was found. */
export function expectShape(name: string, tensor: Tensor, expected: readonly number[]): void {
  expectTensor(name, tensor);
  const { shape } = tensor;
  if (shape.length !== expected.length || shape.some((size, i) => size !== expected[i])) {
    throw new InputError(`${name} has the shape [${shape}], but [${expected}] is needed here`, {
      tensor: name,
      expected: [...expected],
      found: [...shape],
    });
  }
}

/** Returns rows and columns of a matrix. @throws InputError if it does not have two dimensions. */
export function matrixShape(name: string, tensor: Tensor): [number, number] {
  expectTensor(name, tensor);
  if (tensor.shape.length !== 2) {
    throw new InputError(
      `${name} has the shape [${tensor.shape}], but a matrix is needed here: reshape(${name}, [rows, columns])`,
      {
        tensor: name,
        found: [...tensor.shape],
      },
    );
  }
  return tensor.shape as unknown as [number, number];
}

/** Kernels hold a position, and one number more, in a vector of four. */
const MAX_DIMENSIONS = 3;

/** Returns rows and columns of a matrix of positions or offsets. @throws InputError for more than three dimensions, or none */
export function positionsShape(name: string, tensor: Tensor): [number, number] {
  const shape = matrixShape(name, tensor);
  if (shape[1] >= 1 && shape[1] <= MAX_DIMENSIONS) return shape;
  throw new InputError(
    `${name} has the shape [${shape}], but points of 1 to ${MAX_DIMENSIONS} dimensions are needed here`,
    {
      tensor: name,
      found: [...shape],
      limit: MAX_DIMENSIONS,
    },
  );
}

/** @throws InputError if the tensor holds indices; DisposedError */
export function expectNumbers(name: string, tensor: Tensor): void {
  expectUsable(name, tensor);
  const { type } = tensor;
  if (type !== "f32") {
    throw new InputError(`${name} holds indices (${type}), but numbers (f32) are needed here`, { tensor: name, type });
  }
}

/** @throws InputError if it is no tensor; DisposedError */
function expectUsable(name: string, tensor: Tensor): void {
  expectTensor(name, tensor);
  if (!tensor.disposed) return;
  throw new DisposedError(
    `${name}, of shape [${tensor.shape}], was used after it was disposed: dispose it later, or use a view()`,
    { tensor: name },
  );
}

type NamedTensors = Readonly<Record<string, Tensor | undefined>>;

/**
 * Checks all tensors that an operator reads, before it takes memory for its result.
 * @param numbers by their names; the first is on the operator's device
 * @param indices those that hold indices
 * @throws InputError if one is on another device, or holds indices where numbers are needed, or numbers where indices are; DisposedError
 */
export function expectOperands(numbers: NamedTensors, indices: NamedTensors = {}): void {
  expectSameDevice({ ...numbers, ...indices });
  for (const [name, tensor] of Object.entries(numbers)) if (tensor) expectNumbers(name, tensor);
  for (const [name, tensor] of Object.entries(indices)) {
    if (tensor?.type !== "f32") continue;
    throw new InputError(`${name} holds numbers (f32), but indices (i32 or u32) are needed here`, { tensor: name });
  }
}

/** @throws InputError if a weight or bias does not have as many elements as its rows are wide */
export function expectNorm(name: string, { weight, bias }: { weight: Tensor; bias: Tensor }, width: number): void {
  expectShape(`${name} weight`, weight, [width]);
  expectShape(`${name} bias`, bias, [width]);
}

/**
 * Operators read memory by its place on their own device: what is there of another device's tensor is not its numbers.
 * @param tensors by their names; the first is on the operator's device
 * @throws InputError if another one is not; DisposedError
 */
export function expectSameDevice(tensors: NamedTensors): void {
  let first: { name: string; device: Device } | undefined;
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!tensor) continue;
    expectUsable(name, tensor);
    first ??= { name, device: tensor.device };
    if (tensor.device === first.device) continue;
    throw new InputError(
      `${name} is on another device than ${first.name}: give Tensor.from(device, await tensor.data(), tensor.shape)`,
      { tensor: name },
    );
  }
}
