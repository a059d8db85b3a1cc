// Calls that an AbortSignal ends, as the platform's own do.

import { expectKind } from "./arguments.ts";

/** What ends a call before it is done. */
export interface AbortOptions {
  /**
   * Once it is aborted the call rejects with the signal's reason, by default a DOMException whose name is AbortError. What the call
   * had allocated is freed, and what it was called on remains usable.
   */
  signal?: AbortSignal | undefined;
}

/** @throws InputError if it is no signal */
export function expectSignal(signal: AbortSignal | undefined): void {
  const fits = signal === undefined || typeof signal?.throwIfAborted === "function";
  expectKind("signal", signal, "an AbortSignal", fits);
}

/** @throws InputError if it is no signal; the signal's reason if it is aborted */
export function checkSignal(signal: AbortSignal | undefined): void {
  expectSignal(signal);
  signal?.throwIfAborted();
}

/**
 * Settles as the work does, or rejects with the signal's reason if that comes first.
 * @param onAbort called then
 */
export async function untilAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
  onAbort: () => void = () => {},
): Promise<Result> {
  if (!signal) return work;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      onAbort();
      reject(signal.reason);
    };
  });
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
    // Nobody hears how the work ends if the signal came first.
    work.catch(() => {});
  }
}
