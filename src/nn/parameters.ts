// How a layer declares its parameters: it asks a source for each by name, shape and initialisation. The source may create
// them from a seed or take them from a checkpoint; names and shapes stand in the layers alone.

import type { Tensor } from "../tensor/tensor.ts";

/** "linear": normal(0, 0.02) truncated to [-2, 2]; "sigma": -1 + 0.01 normal(0, 1). */
export type Initialisation = "linear" | "zeros" | "ones" | "sigma";

/** A parameter is trained; a buffer (a running statistic) is only kept. */
export type ParameterKind = "parameter" | "buffer";

export interface ParameterSource {
  get(name: string, shape: readonly number[], initialisation: Initialisation, kind?: ParameterKind): Tensor;
  /** A whole number that is kept with the model but never used on the device. */
  counter(name: string): Counter;
}

export interface Counter {
  value: number;
}

/** The source of a part of the model: its names with a prefix before them. */
export function within(source: ParameterSource, prefix: string): ParameterSource {
  return {
    get: (name, ...rest) => source.get(`${prefix}.${name}`, ...rest),
    counter: (name) => source.counter(`${prefix}.${name}`),
  };
}
