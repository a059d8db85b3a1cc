// Where a model's parameters come from: a seed, or a checkpoint that must fit exactly.

import type { Device } from "../backends/device.ts";
import { CheckpointError } from "../errors.ts";
import { type SafeTensor, toFloat32 } from "../formats/safetensors.ts";
import type { Counter, Initialisation, ParameterKind, ParameterSource } from "../nn/parameters.ts";
import { sizeOf, Tensor } from "../tensor/tensor.ts";
import { Random } from "./random.ts";

/** All parameters and buffers of a model, by the reference's names. */
export class ModelState implements ParameterSource {
  readonly parameters = new Map<string, Tensor>();
  readonly buffers = new Map<string, Tensor>();
  readonly counters = new Map<string, Counter>();

  constructor(
    readonly device: Device,
    private readonly values: (name: string, shape: readonly number[], initialisation: Initialisation) => Float32Array,
    private readonly counterValue: (name: string) => number,
  ) {}

  get(
    name: string,
    shape: readonly number[],
    initialisation: Initialisation,
    kind: ParameterKind = "parameter",
  ): Tensor {
    const tensor = Tensor.from(this.device, this.values(name, shape, initialisation), shape);
    if (kind === "parameter") this.parameters.set(name, tensor.requireGrad());
    else this.buffers.set(name, tensor);
    return tensor;
  }

  counter(name: string): Counter {
    const counter = { value: this.counterValue(name) };
    this.counters.set(name, counter);
    return counter;
  }

  dispose(): void {
    for (const tensor of [...this.parameters.values(), ...this.buffers.values()]) tensor.dispose();
  }
}

/** Numbers by the seed: each tensor's depend on the seed and its name alone. */
export function seededState(device: Device, seed: number): ModelState {
  // One array for all tensors, one after the other, which the device copies: fresh memory takes longer to get than to fill.
  let numbers = new Float32Array();
  const initialValues = (name: string, shape: readonly number[], initialisation: Initialisation) => {
    const size = sizeOf(shape);
    if (numbers.length < size) numbers = new Float32Array(size);
    const values = numbers.subarray(0, size);
    fillInitially(values, initialisation, new Random(seed, name));
    return values;
  };
  return new ModelState(device, initialValues, () => 0);
}

/** Spec, "Initialisation". */
function fillInitially(values: Float32Array, initialisation: Initialisation, random: Random): void {
  if (initialisation === "ones") values.fill(1);
  else if (initialisation === "zeros") values.fill(0);
  else if (initialisation === "sigma") random.fillNormal(values, -1, 0.01);
  // Truncation at 2, a hundred deviations out, changes none: 32 bits reach seven.
  else random.fillNormal(values, 0, 0.02);
}

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((size, i) => size === b[i]);

/** Takes a compiled model's prefix off the names. */
const plainName = (name: string) => name.replace(/^_orig_mod\./, "");

/** What training adds to a checkpoint beside the model's tensors. */
const isOfTraining = (name: string) => /^(optimizer|training)\./.test(name);

/** As many names as a message shows; its details list all. */
const MOST_NAMES = 20;

const firstOf = (names: readonly string[]) =>
  names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), `and ${names.length - MOST_NAMES} more`] : names;

/** What stands before a missing name in an unexpected one, as "model." does where the model was part of another. */
function foreignPrefix(unexpected: readonly string[], missing: readonly string[]): string | undefined {
  const [name] = missing;
  if (name === undefined) return undefined;
  const prefix = unexpected.find((other) => other.endsWith(`.${name}`))?.slice(0, -name.length);
  const given = new Set(unexpected);
  return prefix !== undefined && missing.every((other) => given.has(prefix + other)) ? prefix : undefined;
}

/** A checkpoint's tensors, asked for one by one, and what does not fit. */
class CheckpointTensors {
  readonly #given: ReadonlyMap<string, SafeTensor>;
  readonly #used = new Set<string>();
  readonly #missing: string[] = [];
  readonly #misshapen: string[] = [];

  constructor(
    tensors: ReadonlyMap<string, SafeTensor>,
    readonly file: string,
  ) {
    this.#given = new Map(
      [...tensors].filter(([name]) => !isOfTraining(name)).map(([name, tensor]) => [plainName(name), tensor]),
    );
  }

  /** Undefined where it is missing or has another shape. */
  take(name: string, shape: readonly number[]): SafeTensor | undefined {
    const tensor = this.#given.get(name);
    this.#used.add(name);
    if (!tensor) this.#missing.push(name);
    else if (sameShape(tensor.shape, shape)) return tensor;
    else this.#misshapen.push(`${name} has [${tensor.shape}], expected [${shape}]`);
    return undefined;
  }

  /** What is wrong, once all has been asked for; undefined where all fits. */
  get failure(): CheckpointError | undefined {
    const { file } = this;
    const missing = this.#missing;
    const misshapen = this.#misshapen;
    const unexpected = [...this.#given.keys()].filter((name) => !this.#used.has(name));
    if (missing.length + unexpected.length + misshapen.length === 0) return undefined;
    const list = (title: string, names: string[]) =>
      names.length ? [`${title} (${names.length}): ${firstOf(names).join(", ")}`] : [];
    const prefix = foreignPrefix(unexpected, missing);
    return new CheckpointError(
      `${file} does not fit the model's config. ${[
        ...list("Missing", missing),
        ...list("Unexpected", unexpected),
        ...list("Misshapen", misshapen),
        ...(prefix ? [`The names begin with "${prefix}": take that off`] : []),
      ].join(". ")}`,
      { file, missing, unexpected, misshapen },
    );
  }
}

/**
 * Builds a model on a checkpoint's tensors; those that training added are passed over.
 * @param build constructs the model, which asks for its tensors
 * @throws CheckpointError listing every missing, unexpected and misshapen tensor.
 */
export function buildFromCheckpoint<Model>(
  device: Device,
  tensors: ReadonlyMap<string, SafeTensor>,
  file: string,
  build: (state: ModelState) => Model,
): Model {
  const given = new CheckpointTensors(tensors, file);
  const state = new ModelState(
    device,
    (name, shape) => {
      const tensor = given.take(name, shape);
      return tensor ? toFloat32(tensor) : new Float32Array(sizeOf(shape));
    },
    (name) => Number(given.take(name, [])?.data[0] ?? 0),
  );
  const model = build(state);
  const { failure } = given;
  if (!failure) return model;
  state.dispose();
  throw failure;
}

/**
 * Gives a model that is there a checkpoint's numbers, all or none.
 * @throws CheckpointError as `buildFromCheckpoint`
 */
export function restoreFromCheckpoint(state: ModelState, tensors: ReadonlyMap<string, SafeTensor>, file: string): void {
  const given = new CheckpointTensors(tensors, file);
  const numbers = [...state.parameters, ...state.buffers].map(
    ([name, tensor]) => [tensor, given.take(name, tensor.shape)] as const,
  );
  const counts = [...state.counters].map(([name, counter]) => [counter, given.take(name, [])] as const);
  if (given.failure) throw given.failure;
  for (const [tensor, source] of numbers) tensor.set(toFloat32(source!));
  for (const [counter, source] of counts) counter.value = Number(source!.data[0]);
}
