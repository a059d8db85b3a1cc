// Declarations of the kernels that work on the rows of matrices one by one: their arrays, and how a GPU's threads divide the work.
// The operator's arguments, the dispatches, windows and constants on WebGPU, the command on the CPU, and the bytes that the
// benchmarks count follow from the declaration.

import type { Destination, Storage } from "./operators.ts";

/** matrix [rows, width], vector [width], pair [2, width]. */
type Shape = "matrix" | "vector" | "pair";
type Arrays = Readonly<Record<string, Shape>>;

/** The declaration of a kernel. Arrays have the names that the kernel gives them. */
interface RowKernel {
  /** File in gpu/; the command has the same name (LayerNorm for layer_norm). */
  kernel: string;
  arrays: Arrays;
  /** The matrix that is written, or added to. */
  into?: string;
  /** Boolean constants of the kernel. */
  flags?: readonly string[];
  /** Whether eight threads work on each row (in vec4s, if the width allows), or one thread on each element. */
  eightLanes: boolean;
}

const declare = <const Declared extends RowKernel>(declared: Declared) => declared;

export const rowKernels = {
  /** y = residual + LayerNorm(x). */
  layerNorm: declare({
    kernel: "layer_norm",
    arrays: { x: "matrix", residual: "matrix", weight: "vector", bias: "vector", y: "matrix" },
    eightLanes: true,
  }),
  /** y = (x - mean) / sqrt(variance + eps) * weight + bias, column by column. */
  batchNorm: declare({
    kernel: "batch_norm",
    arrays: { x: "matrix", mean: "vector", variance: "vector", weight: "vector", bias: "vector", y: "matrix" },
    eightLanes: false,
  }),
  /** x_gradient (+)= the gradient of BatchNorm's argument; in training the statistics are differentiated, too, for which `sums` is batchNormSums'. */
  batchNormInputGradient: declare({
    kernel: "batch_norm_backward",
    arrays: { x: "matrix", mean: "vector", variance: "vector", weight: "vector", dy: "matrix", sums: "pair" },
    into: "x_gradient",
    flags: ["training"],
    eightLanes: false,
  }),
};

type RowKernels = typeof rowKernels;
export type RowKernelName = keyof RowKernels;

type Given<Kernel extends RowKernel> = Record<keyof Kernel["arrays"], Storage>;
type Written<Kernel> = Kernel extends { into: infer Into extends string } ? Record<Into, Destination> : unknown;
type Flags<Kernel> = Kernel extends { flags: readonly (infer Flag extends string)[] } ? Record<Flag, boolean> : unknown;
type RowArguments<Kernel extends RowKernel> = Given<Kernel> &
  Written<Kernel> &
  Flags<Kernel> & { rows: number; width: number };

/** The operators of the declarations. */
export type RowOperators = { [Name in RowKernelName]: (a: RowArguments<RowKernels[Name]>) => void };

/** The arguments of any of them in a uniform way. */
export interface RowCall {
  kernel: string;
  arrays: { name: string; shape: Shape; storage: Storage }[];
  accumulate: boolean | undefined;
  flags: Record<string, boolean>;
  eightLanes: boolean;
  rows: number;
  width: number;
}

function callOf({ kernel, arrays, into, flags = [], eightLanes }: RowKernel, a: Record<string, unknown>): RowCall {
  const given = Object.entries(arrays).map(([name, shape]) => ({ name, shape, storage: a[name] as Storage }));
  const destination = into ? (a[into] as Destination) : undefined;
  if (destination) given.push({ name: into!, shape: "matrix", storage: destination.storage });
  return {
    kernel,
    arrays: given,
    accumulate: destination?.accumulate,
    flags: Object.fromEntries(flags.map((flag) => [flag, a[flag] as boolean])),
    eightLanes,
    rows: a.rows as number,
    width: a.width as number,
  };
}

/** Makes the operators of all declarations for a device that runs such calls. */
export function rowOperators(run: (call: RowCall) => void): RowOperators {
  const operators = Object.entries(rowKernels).map(([name, kernel]) => [
    name,
    (a: Record<string, unknown>) => run(callOf(kernel, a)),
  ]);
  return Object.fromEntries(operators);
}

const sizes = {
  matrix: (rows: number, width: number) => rows * width,
  vector: (_: number, width: number) => width,
  pair: (_: number, width: number) => 2 * width,
};

/** Returns the number of elements that a call reads and writes, each counted once. */
export function elementsOf(name: RowKernelName, a: object): number {
  const { arrays, accumulate, rows, width } = callOf(rowKernels[name], a as Record<string, unknown>);
  const all = arrays.reduce((sum, { shape }) => sum + sizes[shape](rows, width), 0);
  return all + (accumulate ? rows * width : 0);
}
