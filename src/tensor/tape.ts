// The tape: operators record how to compute the gradients of their inputs from that of their result, for `backward`
// (backward.ts). What a record keeps for its backward pass is freed as soon as it has run.

import { expectKind } from "../arguments/kinds.ts";
import type { Storage } from "../backends/device.ts";
import type { Destination } from "../backends/operators.ts";
import { InputError } from "../errors.ts";
import { outsideScopes } from "./scopes.ts";
import type { Tensor } from "./tensor.ts";

/** A tensor's place on the tape: a leaf, whose gradient is wanted, or the result of a record. */
export interface History {
  readonly shape: readonly number[];
  /** For a leaf: its gradient, whether that is valid (it is not after `zeroGrad`), and whether operators do not record for now. */
  readonly leaf?: { gradient: Tensor | undefined; held: boolean; frozen: boolean };
  /** The operator that created the tensor, until its backward pass has run; undefined for a leaf. */
  record?: TapeRecord;
  /** The number of tensors and records that refer to it: when it reaches 0, the record is freed. */
  holders: number;
}

/** What an operator's backward pass may do with its inputs. Inputs that need no gradient are skipped. */
export interface Gradients {
  wanted(input: Tensor | undefined): input is Tensor;
  /** Returns where to write the gradient of an input that is wanted. */
  into(input: Tensor): Destination;
  /** Passes on a whole gradient, which may be changed afterwards. */
  give(input: Tensor | undefined, gradient: Tensor): void;
}

/** What a backward pass needs, by name. */
export type Saved = Record<string, Tensor | undefined>;
type Backward<Kept extends Saved> = (gradient: Tensor, gradients: Gradients, kept: Kept) => void;

export interface TapeRecord {
  /** Increases with time: a record's inputs have a smaller order than the record. */
  order: number;
  result: History;
  inputs: History[];
  kept: Saved;
  /** What the backward pass reads, and the version of each when it was recorded. */
  read: ReadonlyMap<Tensor, number>;
  backward: Backward<Saved>;
}

let recordsMade = 0;
let paused = 0;

/** Whether operators on leaves currently record. */
export const isRecording = () => paused === 0;

/** A tensor's place on the tape; undefined if no gradient is to pass through it, or not for now. */
export const recordedHistory = (tensor: Tensor | undefined): History | undefined =>
  tensor?.history?.leaf?.frozen ? undefined : tensor?.history;

/** Whether an operator on these inputs has to record. */
export function recording(...inputs: (Tensor | undefined)[]): boolean {
  return paused === 0 && inputs.some(recordedHistory);
}

/** The promises that `recordingAsNow` returned: it is decided whether their work records. */
const settled = new WeakSet<object>();

/**
 * Runs `compute` without recording. It must be synchronous, or return the promise of `model.forward` itself: `await
 * noGrad(() => model.forward(input))`. Recording is on or off for everything that runs, so it cannot stay off while an
 * async function waits and others work. A module whose own `forward` is async is evaluated without it: what a backward pass would
 * need is freed when the result is disposed. That costs memory, no more; else each part between two awaits takes a noGrad of its own.
 * @throws InputError for anything but a function, and for any other promise
 */
export function noGrad<Result>(compute: () => Result): Result {
  expectKind("what noGrad has to run", compute, "a function", typeof compute === "function");
  paused++;
  let result: Result;
  try {
    result = compute();
  } finally {
    paused--;
  }
  const then = (result as { then?: unknown } | null | undefined)?.then;
  if (typeof then !== "function" || settled.has(result as object)) return result;
  // An InputError is thrown anyway, even if the promise rejects.
  Promise.resolve(result).catch(() => {});
  throw new InputError(
    "noGrad was given an async function, whose work after an await it cannot keep from recording: " +
      "write await noGrad(() => model.forward(input)), and what follows in a noGrad of its own",
  );
}

/**
 * Runs async work that records if the caller of this records now, even if `noGrad` has ended by then.
 * @param work passes its operators to the function it is given; those before its first await need not be passed
 */
export function recordingAsNow<Result>(
  work: (asNow: <Part>(compute: () => Part) => Part) => Promise<Result>,
): Promise<Result> {
  const promise = work(isRecording() ? (compute) => compute() : noGrad);
  settled.add(promise);
  return promise;
}

/**
 * Puts an operator on the tape if any of its inputs is on it.
 * @param kept tensors that the backward pass needs; they stay alive until it has run
 * @param read other tensors that it reads, which are not kept alive
 */
export function record<Kept extends Saved>(
  result: Tensor,
  inputs: (Tensor | undefined)[],
  kept: Kept,
  backward: Backward<Kept>,
  read: readonly Tensor[] = [],
): Tensor {
  if (!recording(...inputs)) return result;
  const held = outsideScopes(() =>
    Object.fromEntries(Object.entries(kept).map(([name, tensor]) => [name, tensor?.view()])),
  );
  const histories = inputs.flatMap((input) => recordedHistory(input) ?? []);
  for (const input of histories) input.holders++;
  const history: History = { shape: result.shape, holders: 1 };
  history.record = {
    order: ++recordsMade,
    result: history,
    inputs: histories,
    kept: held,
    read: new Map([...Object.values(held), ...read].flatMap((tensor) => (tensor ? [[tensor, tensor.version]] : []))),
    backward: (result.size === 0 ? giveZeros(inputs) : backward) as unknown as Backward<Saved>,
  };
  result.history = history;
  return result;
}

/** The backward pass of a result without elements: kernels would have nothing to read, and write nothing. */
const giveZeros =
  (inputs: (Tensor | undefined)[]): Backward<Saved> =>
  (_, gradients) => {
    for (const input of inputs) {
      if (!gradients.wanted(input)) continue;
      const { storage, accumulate } = gradients.into(input);
      if (!accumulate) input.device.clear(storage);
    }
  };

/**
 * Removes one holder. With the last one, a leaf's gradient is freed, or what was kept for a backward pass that can no
 * longer run.
 */
export function releaseHistory(history: History): void {
  if (--history.holders > 0) return;
  history.leaf?.gradient?.dispose();
  if (history.record) forget(history.record);
}

/** Takes a record off the tape, and frees what it keeps. */
export function forget(record: TapeRecord): void {
  record.result.record = undefined;
  for (const tensor of Object.values(record.kept)) tensor?.dispose();
  for (const input of record.inputs) releaseHistory(input);
}

/**
 * Makes a tensor a leaf: `backward` writes its gradient to `tensor.grad`.
 * @param into memory for the gradient that belongs to someone else
 */
export function makeLeaf(tensor: Tensor, into?: Destination): void {
  const gradient = into && onForeignMemory(tensor, into.storage);
  tensor.history = {
    leaf: { gradient, held: into?.accumulate ?? false, frozen: false },
    shape: tensor.shape,
    holders: 1,
  };
}

/**
 * Places a leaf's gradient in the given memory, which belongs to the caller; without it, in memory of its own again. A
 * gradient that has arrived is copied.
 */
export function moveGradient(tensor: Tensor, storage?: Storage): void {
  const leaf = tensor.history?.leaf;
  if (!leaf) throw new InputError("this tensor is not a leaf: it has no gradient", { shape: [...tensor.shape] });
  const { gradient, held } = leaf;
  const moved = storage ? onForeignMemory(tensor, storage) : held ? outsideScopes(() => tensor.empty()) : undefined;
  if (gradient && held && moved) tensor.device.copy(gradient.storage, moved.storage, tensor.size * 4);
  gradient?.dispose();
  leaf.gradient = moved;
}

/** Returns a tensor whose memory is not freed with it: the owner of the memory counts as a holder. */
function onForeignMemory(tensor: Tensor, storage: Storage): Tensor {
  return outsideScopes(() => tensor.emptyOn(storage));
}
