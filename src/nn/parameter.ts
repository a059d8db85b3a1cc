// What a module consists of besides other modules: parameters, buffers and counters, declared before any memory is
// allocated.

import { ConfigError, InputError } from "../errors.ts";
import { Opaque } from "../inspect.ts";
import type { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Writes a parameter's initial values.
 * @param values row by row; their previous content is undefined
 * @param random depends on the seed and the parameter's name alone, so that the same seed gives the same bits
 *   everywhere
 */
export type Initializer = (values: Float32Array, random: Random) => void;

export const zeros: Initializer = (values) => values.fill(0);
export const ones: Initializer = (values) => values.fill(1);

/** Normally distributed. */
export const normal =
  (mean: number, deviation: number): Initializer =>
  (values, random) =>
    random.fillNormal(values, mean, deviation);

/** Uniformly distributed between -bound and bound. */
export const uniform =
  (bound: number): Initializer =>
  (values, random) => {
    for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * bound;
  };

/** The error of a module that is used before it is initialized or loaded. */
export const noValues = () =>
  new InputError("this module has no values yet: call initialize({ device, seed }) or load(file, { device })");

/** An integer that is saved with a module but never used on the device. */
export interface Counter {
  value: number;
}

/** A tensor of a module. It has a shape from the start, and values once the module is initialized or loaded. */
export class Parameter extends Opaque {
  #tensor: Tensor | undefined;
  #frozen = false;

  /** @param trained false for a buffer, such as a running statistic, which is saved but needs no gradient */
  constructor(
    readonly shape: readonly number[],
    readonly initializer: Initializer,
    readonly trained: boolean,
  ) {
    super();
    if (Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 1)) return;
    throw new ConfigError(
      `a parameter cannot have the shape [${shape}], expected a list of whole numbers of at least 1`,
      {
        field: "shape",
      },
    );
  }

  /** Whether it has values. */
  get initialized(): boolean {
    return this.#tensor !== undefined;
  }

  /** @throws InputError before the module is initialized or loaded */
  get tensor(): Tensor {
    if (this.#tensor) return this.#tensor;
    throw noValues();
  }

  /** @internal Whether it wants a gradient from now on, with the values that it has or will have; a buffer never does. */
  requireGrad(wanted: boolean): void {
    this.#frozen = !wanted;
    if (this.trained) this.#tensor?.requireGrad(wanted);
  }

  /** @internal The tensor belongs to the parameter from then on. */
  fill(tensor: Tensor): void {
    this.#keepFrozen();
    // A leaf in any case: an optimiser may have it, and it may be trained later.
    this.#tensor = this.trained ? tensor.requireGrad().requireGrad(!this.#frozen) : tensor;
  }

  /** The tensor may have been frozen by itself. */
  #keepFrozen(): void {
    if (this.#tensor?.history?.leaf) this.#frozen = !this.#tensor.requiresGrad;
  }

  /** @internal Replaces the tensor for a while; returns a function that restores it. */
  standIn(tensor: Tensor): () => void {
    const own = this.#tensor;
    this.fill(tensor);
    return () => {
      tensor.dispose();
      this.#tensor = own;
    };
  }

  /** @internal Frees the tensor given to `fill`. */
  empty(): void {
    this.#keepFrozen();
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}
