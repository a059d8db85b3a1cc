// Ctrl-C and SIGTERM while a model is trained: the first ends the run soundly, the second ends the process at once.

import process from "node:process";
import { printError } from "../progress.ts";

/** How a shell tells that a program was ended by a signal. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
const signals = Object.keys(exitCodes) as (keyof typeof exitCodes)[];

/** Runs `work`; calls `stop` at the first signal. */
export async function stoppedBySignals<Result>(stop: () => void, work: () => Promise<Result>): Promise<Result> {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked) process.exit(exitCodes[signal as keyof typeof exitCodes]);
    asked = true;
    printError("stopping after this step, with a checkpoint to go on from; once more ends at once");
    stop();
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.removeListener(signal, onSignal);
  }
}
