// Ctrl-C and SIGTERM during long work: the first ends it soundly, the second ends the process at once.

import process from "node:process";
import { printError } from "./progress.ts";

/** How a shell tells that a program was ended by a signal. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
const signals = Object.keys(exitCodes) as (keyof typeof exitCodes)[];

/**
 * Runs `work`; calls `stop` at the first signal.
 * @param message what happens then
 */
export async function stoppedBySignals<Result>(
  message: string,
  stop: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked) process.exit(exitCodes[signal as keyof typeof exitCodes]);
    asked = true;
    printError(`${message}; once more ends at once`);
    stop();
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.removeListener(signal, onSignal);
  }
}

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
