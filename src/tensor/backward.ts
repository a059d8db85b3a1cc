// The backward pass: runs the records of the tape that led to a result, latest first, and gives each leaf its gradient.

import type { Storage } from "../backends/device.ts";
import type { Destination } from "../backends/operators.ts";
import { InputError } from "../errors.ts";
import { outsideScopes, scope } from "./scopes.ts";
import { forget, type Gradients, type History, releaseHistory, type TapeRecord } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Computes the gradients of all leaves that `result` was computed from and adds them to those already there. If it fails, for lack
 * of memory say, leaves without a gradient still have none, and those with one may have a part of the new one added.
 * @param gradient the gradient of the result; optional for a scalar
 * @throws InputError if the result is not on the tape, its backward pass has run before, a tensor that this pass needs was changed
 *   since, or the gradient does not fit
 */
export function backward(result: Tensor, gradient?: Tensor): void {
  if (!result.requiresGrad) {
    throw new InputError(
      "this tensor is not on the tape: nothing it was computed from wants a gradient (or it was computed under noGrad)",
      { shape: [...result.shape] },
    );
  }
  if (!gradient && result.size !== 1) {
    throw new InputError(
      `a tensor of shape [${result.shape}] needs the gradient of a later result: backward(gradient), or of its sum() or mean()`,
      { shape: [...result.shape] },
    );
  }
  if (gradient) expectGradient(result, gradient);
  outsideScopes(() => playBack(result, gradient ? copyOf(gradient) : oneLike(result)));
  result.device.submit();
}

/** @throws InputError if the gradient of the result cannot be this; DisposedError */
function expectGradient(result: Tensor, gradient: Tensor): void {
  const { shape, device, type } = gradient;
  if (device !== result.device || String(shape) !== String(result.shape)) {
    throw new InputError(
      `the gradient has the shape [${shape}], but a tensor of [${result.shape}] on the result's device is needed`,
      { expected: [...result.shape], found: [...shape] },
    );
  }
  if (type !== "f32")
    throw new InputError(`the gradient holds indices (${type}), but numbers (f32) are needed`, { type });
  void gradient.storage;
}

/** Returns the gradient of a scalar with respect to itself. */
function oneLike(tensor: Tensor): Tensor {
  const one = tensor.empty();
  one.set(Float32Array.of(1));
  return one;
}

/** Returns a copy with memory of its own. */
function copyOf(tensor: Tensor): Tensor {
  const copy = tensor.empty();
  tensor.device.copy(tensor.storage, copy.storage, tensor.size * 4);
  return copy;
}

/** Runs the records that led to `result`, on the tape, from its gradient on, which is disposed. */
export function playBack(result: Tensor, gradient: Tensor): void {
  new Player().play(result, gradient);
}

class Player {
  readonly #gradients = new Map<History, Tensor>();
  readonly #waiting = new Map<number, TapeRecord>();
  /** The leaves whose first gradient this pass has written. */
  readonly #begun = new Set<{ held: boolean }>();

  play(result: Tensor, gradient: Tensor): void {
    try {
      this.#give(result.history!, gradient);
      for (let next = this.#latest(); next; next = this.#latest()) this.#playRecord(next);
    } catch (error) {
      // What failed may have written nothing to memory that it was to write to.
      for (const leaf of this.#begun) leaf.held = false;
      throw error;
    } finally {
      gradient.dispose();
      // Gradients are left only after an error.
      for (const [history, left] of this.#gradients) {
        left.dispose();
        releaseHistory(history);
      }
    }
  }

  #playRecord(next: TapeRecord): void {
    this.#waiting.delete(next.order);
    const arrived = this.#gradients.get(next.result)!;
    this.#gradients.delete(next.result);
    try {
      expectUnchanged(next);
      scope(() => {
        next.backward(arrived, this.#sink(next), next.kept);
        return undefined;
      });
      forget(next);
    } finally {
      arrived.dispose();
      releaseHistory(next.result);
    }
  }

  #latest(): TapeRecord | undefined {
    let latest: TapeRecord | undefined;
    for (const record of this.#waiting.values()) if (!latest || record.order > latest.order) latest = record;
    return latest;
  }

  #sink({ inputs }: TapeRecord): Gradients {
    const handedOver = new Set<Storage>();
    // What was frozen when the operator recorded is none of its inputs.
    const wanted = (input: Tensor | undefined): input is Tensor => inputs.some((history) => history === input?.history);
    return {
      wanted,
      into: (input) => this.#into(input.history!, input),
      give: (input, gradient) => {
        if (!wanted(input)) return;
        // Two inputs must not share the memory of one gradient: either may be added to.
        const own = handedOver.has(gradient.storage) ? copyOf(gradient) : gradient;
        handedOver.add(gradient.storage);
        this.#give(input.history!, own);
      },
    };
  }

  #into(history: History, like: Tensor): Destination {
    expectPlayable(history);
    const present = this.#present(history);
    if (present) return { storage: present.storage, accumulate: true };
    const empty = this.#vacant(history) ?? outsideScopes(() => like.empty(history.shape));
    this.#keep(history, empty);
    return { storage: empty.storage, accumulate: false };
  }

  #give(history: History, gradient: Tensor): void {
    expectPlayable(history);
    const present = this.#present(history);
    const { device } = gradient;
    if (present) {
      device.operators.add({ x: gradient.storage, y: present.storage, size: gradient.size });
      return;
    }
    const vacant = this.#vacant(history);
    if (vacant) {
      device.copy(gradient.storage, vacant.storage, gradient.size * 4);
      this.#keep(history, vacant);
      return;
    }
    // A leaf's gradient outlives this pass, so it must not share memory with what the pass changes later.
    this.#keep(
      history,
      outsideScopes(() => (history.leaf ? copyOf(gradient) : gradient.detach(history.shape))),
    );
  }

  /** Returns what has arrived for a tensor so far. */
  #present(history: History): Tensor | undefined {
    if (history.leaf) return history.leaf.held ? history.leaf.gradient : undefined;
    return this.#gradients.get(history);
  }

  /** Returns a leaf's memory from an earlier step, which will be overwritten. */
  #vacant(history: History): Tensor | undefined {
    return history.leaf?.gradient;
  }

  #keep(history: History, gradient: Tensor): void {
    if (history.leaf) {
      history.leaf.gradient = gradient;
      history.leaf.held = true;
      this.#begun.add(history.leaf);
      return;
    }
    // The history is held until its record runs: the tensors that led here may have been disposed.
    history.holders++;
    this.#gradients.set(history, gradient);
    this.#waiting.set(history.record!.order, history.record!);
  }
}

/** @throws InputError if something that a backward pass reads has changed: gradients would be those of another pass */
function expectUnchanged({ read }: TapeRecord): void {
  const [changed] = [...read].find(([tensor, version]) => tensor.version !== version) ?? [];
  if (!changed) return;
  throw new InputError(
    `a tensor of shape [${changed.shape}] was changed after this result was computed from it: compute the result again`,
    { shape: [...changed.shape] },
  );
}

function expectPlayable({ leaf, record, shape }: History): void {
  if (leaf || record) return;
  throw new InputError("backward was called twice through the same result: compute it again", { shape: [...shape] });
}
