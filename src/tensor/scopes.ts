// Scopes: what is created in one is freed when it ends.

import { expectKind } from "../arguments/kinds.ts";
import { InputError } from "../errors.ts";

/** Something that owns memory until it is disposed. */
export interface Owner {
  dispose(): void;
  /** Called when no scope will dispose it. */
  escaped?(): void;
}

const scopes: Set<Owner>[] = [];

/** Registers something new with the innermost scope. */
export function register(made: Owner): void {
  const scope = scopes.at(-1);
  if (scope) scope.add(made);
  else made.escaped?.();
}

/**
 * Runs `compute` and disposes every tensor created in it, except the one it returns: intermediate results need no care, nor does a
 * result for which there is memory but not for computing it. `compute` must be synchronous.
 * @throws InputError for anything but a function, and for a promise: what an async function makes after an await belongs to no
 *   scope
 */
export function scope<Result extends { dispose(): void } | undefined>(compute: () => Result): Result {
  expectKind("what scope has to run", compute, "a function", typeof compute === "function");
  const made = new Set<Owner>();
  scopes.push(made);
  let result: Result | undefined;
  try {
    result = compute();
    expectNoPromise(result);
    return result;
  } finally {
    scopes.pop();
    for (const tensor of made) if (tensor !== result) tensor.dispose();
    if (result && made.has(result)) register(result);
  }
}

function expectNoPromise(result: unknown): void {
  if (typeof (result as { then?: unknown } | null | undefined)?.then !== "function") return;
  // The InputError is thrown anyway, even if the promise rejects.
  Promise.resolve(result).catch(() => {});
  throw new InputError(
    "scope was given an async function, whose tensors after an await it cannot dispose: await first, or hold them by `using`",
  );
}

/**
 * Returns the result of `make` and the tensors created in it, which then belong to the caller; none is left if it
 * fails.
 */
export function collect<Result>(make: () => Result): { result: Result; tensors: Iterable<Owner> } {
  const tensors = new Set<Owner>();
  scopes.push(tensors);
  try {
    const result = make();
    for (const tensor of tensors) tensor.escaped?.();
    return { result, tensors };
  } catch (error) {
    for (const tensor of tensors) tensor.dispose();
    throw error;
  } finally {
    scopes.pop();
  }
}

/** Creates tensors that outlive the current scope, such as parameters. */
export function outsideScopes<Result>(make: () => Result): Result {
  const saved = scopes.splice(0);
  try {
    return make();
  } finally {
    scopes.push(...saved);
  }
}
