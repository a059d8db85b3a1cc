// Ctrl-C, SIGTERM and a closed terminal during long work: the first ends it soundly; a second Ctrl-C or SIGTERM ends the process at once.

import { fstatSync } from "node:fs";
import process from "node:process";
import { ErwinError } from "../../errors.ts";
import { formatPlural } from "../text.ts";
import { printError } from "./progress.ts";

/** How a shell tells that a program was ended by a signal. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Interruption = keyof typeof exitCodes;
const signals = Object.keys(exitCodes) as Interruption[];

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
  const onSignal = (name: NodeJS.Signals) => {
    const signal = name as Interruption;
    if (signal === "SIGHUP" && outlivesTerminal()) return;
    if (asked) {
      // A terminal that is closed says so twice, by its shell and by the system.
      if (signal !== "SIGHUP") process.exit(exitCodes[signal]);
      return;
    }
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
 * Runs `work` with a signal that is aborted by the first Ctrl-C, SIGTERM or closed terminal; a second Ctrl-C ends the process.
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

/**
 * Lets a process that nohup started live on after its terminal. nohup asks to ignore SIGHUP, but Node and Deno forget that at
 * their start.
 */
export function obeyNohup(): void {
  if (outlivesTerminal()) process.on("SIGHUP", () => {});
}

/** Whether this process has what nohup leaves it: no terminal, and output that goes to no other program. Windows has no nohup. */
function outlivesTerminal(): boolean {
  // There a process without a console may also have no streams, which cannot be asked what they are.
  if (process.platform === "win32") return false;
  const { stdin, stdout, stderr } = process;
  return ![stdin, stdout, stderr].some(({ isTTY }) => isTTY) && ![1, 2].some(isRead);
}

/** Whether another program reads what is written to a stream. */
function isRead(stream: number): boolean {
  const found = fstatSync(stream);
  return found.isFIFO() || found.isSocket();
}

/** Makes the error at the end of work that was interrupted, and of which this number of parts is left. */
export function interrupted(left: number, noun: string): ErwinError {
  const message = `Interrupted with ${formatPlural(left, noun)} left: the same command continues with them.`;
  return new ErwinError(message, { left });
}
