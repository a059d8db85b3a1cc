// Ends calls by an AbortSignal, as the platform's own functions do.

import { expectKind } from "./arguments/kinds.ts";
import { checkOptions } from "./arguments/options.ts";

/** Options of calls that a signal can end early. */
export interface AbortOptions {
  /**
   * When it is aborted, the call rejects with the signal's reason, by default a DOMException with the name AbortError. Memory that the
   * call has allocated is freed, and the object that it was called on remains usable.
   */
  signal?: AbortSignal | undefined;
}

/** @throws InputError for a value that is not a signal */
export function expectSignal(signal: AbortSignal | undefined): void {
  const fits = signal === undefined || typeof signal?.throwIfAborted === "function";
  expectKind("signal", signal, "an AbortSignal", fits);
}

/** @throws InputError for a value that is not a signal; the signal's reason if it is aborted */
export function checkSignal(signal: AbortSignal | undefined): void {
  expectSignal(signal);
  signal?.throwIfAborted();
}

/**
 * Checks the options of a call that a signal can end.
 * @param known as `checkOptions`, without the signal
 * @throws ConfigError as `checkOptions`; InputError for a value that is not a signal; the signal's reason if it is aborted
 */
export function checkAbortable<Options extends AbortOptions>(
  of: string,
  options: Options,
  known: Readonly<Record<Exclude<keyof Options, "signal">, unknown>>,
): void {
  checkOptions<AbortOptions>(of, options, { ...known, signal: true });
  checkSignal(options.signal);
}

/**
 * Settles as the work does, or rejects with the signal's reason if the signal is aborted first.
 * @param onAbort called when the signal is aborted first
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
  }
}

/** The same for what must be disposed: where the signal is aborted first, it is as soon as it is there. */
export function disposedIfAborted<Result extends { dispose(): void }>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  return untilAborted(work, signal, () => void work.then((late) => late.dispose()).catch(() => {}));
}
