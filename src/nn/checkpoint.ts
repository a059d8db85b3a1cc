// Finds a checkpoint's tensors for a module's parameters: either all of them match, or none is used.

import { expectKind, isMap } from "../arguments/kinds.ts";
import { CheckpointError, type ErrorDetails } from "../errors.ts";
import { type SafeTensor, toFloat32 } from "../formats/safetensors/safetensors.ts";

/** What a module needs from a checkpoint, and what a checkpoint has for it, by the names of parameters and counters. */
export interface WantedTensors {
  /** The shapes of parameters and buffers. */
  shapes: ReadonlyMap<string, readonly number[]>;
  counters: Iterable<string>;
}

/** Whether a checkpoint has to fit. */
export interface RestoreOptions {
  /**
   * False as in PyTorch's `load_state_dict`: what the checkpoint lacks and what it has besides is no error; at least one tensor must
   * fit, and none may be misshapen. Default true.
   */
  strict?: boolean;
}

/** The names that a checkpoint lacks, and those that only it has: none, unless `strict` is false. */
export interface Misfits {
  missing: string[];
  unexpected: string[];
}

/** What a checkpoint has for a module, by the names of its parameters, buffers and counters. */
export interface FoundValues extends Misfits {
  /** The values of parameters and buffers, row by row. */
  values: Map<string, Float32Array>;
  counts: Map<string, number>;
}

/**
 * Finds every tensor that is needed; those that training added to the file are ignored.
 * @param file the file's name in error messages
 * @throws CheckpointError listing every missing, unexpected and misshapen tensor, or naming the first whose values float32
 *   cannot hold; InputError for anything but a Map
 */
export function valuesFrom(
  tensors: ReadonlyMap<string, SafeTensor>,
  { shapes, counters }: WantedTensors,
  file: string,
  { strict = true }: RestoreOptions = {},
): FoundValues {
  const wanted = "a Map of a file's tensors by name: loadSafetensors(bytes).tensors";
  const named = isMap(tensors) && [...tensors.keys()].every((name) => typeof name === "string");
  expectKind("tensors", tensors, wanted, named);
  const given = new Map([...tensors].filter(([name]) => !isOfTraining(name)).map(([name, t]) => [plainName(name), t]));
  const { take, expectFit, missing } = takingFrom(given);
  const taken = (name: string, shape: readonly number[]) => {
    const tensor = take(name, shape);
    given.delete(name);
    return tensor ? [[name, tensor] as const] : [];
  };
  const found = [...shapes].flatMap(([name, shape]) => taken(name, shape));
  const counted = [...counters].flatMap((name) => taken(name, []));
  const unexpected = [...given.keys()];
  expectFit(`${file} does not fit the model's config`, unexpected, { file }, strict || found.length === 0);
  return {
    missing,
    unexpected,
    values: new Map(found.map(([name, tensor]) => [name, floats(tensor, name, file)])),
    counts: new Map(counted.map(([name, { data }]) => [name, Number(data[0])])),
  };
}

function floats(tensor: SafeTensor, name: string, file: string): Float32Array {
  try {
    return toFloat32(tensor, name);
  } catch (error) {
    throw new CheckpointError(`${file}: ${(error as Error).message}`, { file, tensor: name }, { cause: error });
  }
}

const sameShape = (a: readonly number[], b: readonly number[]) =>
  Array.isArray(a) && a.length === b.length && a.every((size, i) => size === b[i]);

/** Removes a compiled model's prefix from a name. */
const plainName = (name: string) => name.replace(/^_orig_mod\./, "");

/** Whether training added this tensor to a checkpoint, beside the model's. */
export const isOfTraining = (name: string) => /^(optimizer|training)\./.test(name);

/** Takes tensors by name and shape, and notes those that are missing or misshapen: `expectFit` throws the CheckpointError of all. */
export function takingFrom(tensors: ReadonlyMap<string, SafeTensor>) {
  const missing: string[] = [];
  const misshapen: string[] = [];
  const take = (name: string, shape: readonly number[]) => {
    const tensor = tensors.get(name);
    if (!tensor) missing.push(name);
    else if (sameShape(tensor.shape, shape)) return tensor;
    else misshapen.push(`${name} has [${tensor.shape}], expected [${shape}]`);
    return undefined;
  };
  const expectFit = (problem: string, unexpected: string[] = [], details: ErrorDetails = {}, strict = true) => {
    const list = (title: string, names: string[]) =>
      names.length ? [`${title} (${names.length}): ${firstOf(names).join(", ")}`] : [];
    const prefix = foreignPrefix(unexpected, missing);
    const names = strict ? [...list("Missing", missing), ...list("Unexpected", unexpected)] : [];
    const parts = [
      ...names,
      ...list("Misshapen", misshapen),
      ...(strict && prefix ? [`The names begin with "${prefix}": remove it`] : []),
    ];
    if (parts.length)
      throw new CheckpointError([problem, ...parts].join(". "), { ...details, missing, unexpected, misshapen });
  };
  return { take, expectFit, missing };
}

/** The maximum number of names in a message; its details list all. */
const MAX_NAMES = 20;

const firstOf = (names: readonly string[]) =>
  names.length > MAX_NAMES ? [...names.slice(0, MAX_NAMES), `and ${names.length - MAX_NAMES} more`] : names;

/** Returns what precedes a missing name in an unexpected one, such as "model." if the model was part of another. */
function foreignPrefix(unexpected: readonly string[], missing: readonly string[]): string | undefined {
  const [name] = missing;
  if (name === undefined) return undefined;
  const prefix = unexpected.find((other) => other.endsWith(`.${name}`))?.slice(0, -name.length);
  const given = new Set(unexpected);
  return prefix !== undefined && missing.every((other) => given.has(prefix + other)) ? prefix : undefined;
}
