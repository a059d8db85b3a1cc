// Ctrl-C and SIGTERM as an AbortSignal.

import { stoppedBySignals } from "./interruption.ts";

/**
 * Runs `work` with a signal that is aborted by the first Ctrl-C or SIGTERM; the second ends the process.
 * @param message says what happens after the first
 */
export function untilInterrupted<Result>(
  message: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interruption = new AbortController();
  return stoppedBySignals(
    message,
    () => interruption.abort(),
    () => work(interruption.signal),
  );
}
