// Notices that a worker is silent while somebody waits for it, which no event reports: its script loops for ever, or the browser has
// frozen or lost it. Whoever waits counts the time in which the worker gives no sign of life. Signs are the messages of the worker,
// its answers to calls that only ask for a sign, and changes in memory that it shares. The limit is `limits.silenceSeconds`.

import { type ErrorDetails, WorkerError } from "../errors.ts";
import { howToAllow, limits } from "../limits.ts";
import { nodeModule } from "./environment.ts";

/**
 * Silence is counted in turns of the waiting thread's timer, this many within the limit. So time in which the waiting thread does not
 * run itself counts as one turn at most, however long it is: while it computes, stands in a debugger, is throttled with its page, or
 * sleeps with the machine.
 */
export const TURNS = 10;

/** The longest delay of a timer, in milliseconds. */
export const MAX_DELAY = 2 ** 31 - 1;

/** What is done while a worker is waited for. */
export interface SilenceListener {
  /** Asks for a sign of life, or looks for one; called at every turn. */
  ask(): void;
  /** Called once; nothing is counted after it. */
  onSilence(seconds: number): void;
}

/** Counts the silence of one worker, or of several that work together. */
export class SilenceWatch {
  readonly #listener: SilenceListener;
  #waits = 0;
  #silentTurns = 0;
  #stop = () => {};

  constructor(listener: SilenceListener) {
    this.#listener = listener;
  }

  /** Begins a wait. Without waits, nothing is counted and no timer runs. Timers do not keep a process alive. */
  begin(): void {
    if (this.#waits++ > 0 || limits.silenceSeconds === Number.POSITIVE_INFINITY) return;
    this.#silentTurns = 0;
    this.#schedule(limits.silenceSeconds);
  }

  /** Ends a wait. */
  end(): void {
    if (--this.#waits === 0) this.#stop();
  }

  /** A sign of life. */
  heard(): void {
    this.#silentTurns = 0;
  }

  #schedule(seconds: number): void {
    this.#stop = later(Math.min((seconds * 1000) / TURNS, MAX_DELAY), () => {
      // The first turn only asks.
      if (this.#silentTurns++ === TURNS) return this.#listener.onSilence(seconds);
      this.#listener.ask();
      this.#schedule(seconds);
    });
  }
}

/** Calls a function after a delay, unless the process ends before; returns a function that cancels it. */
function later(milliseconds: number, call: () => void): () => void {
  // Only timers of Node, which Deno has too, can be told not to keep the process alive.
  const timers = nodeModule<typeof import("node:timers")>("node:timers");
  if (timers) {
    const timer = timers.setTimeout(call, milliseconds).unref();
    return () => timers.clearTimeout(timer);
  }
  const timer = setTimeout(call, milliseconds);
  return () => clearTimeout(timer);
}

/** @param who has been silent, such as "the worker https://..." */
export function silenceError(who: string, seconds: number, details: ErrorDetails = {}): WorkerError {
  const message =
    `no sign of life from ${who} for ${seconds} s: taken for hung and ended. Longer silence is ` +
    howToAllow("silenceSeconds", 2 * seconds);
  return new WorkerError(message, { ...details, seconds });
}

/** A sign of life of a worker that can return to its event loop only later. */
export const SIGN_OF_LIFE = "erwin, alive";

/** Signs in closer succession than this are not sent. */
const SIGN_MS = 100;

let send: (() => void) | undefined;
let nextSign = 0;

/** Used in a worker that shares no memory with whoever waits for it: how it sends signs of life from now on. */
export function sendSigns(how: () => void): void {
  send = how;
  nextSign = 0;
}

/** Gives a sign of life in the midst of long work; has no effect in a thread that nobody waits for in this way. */
export function signOfLife(): void {
  if (!send) return;
  const now = performance.now();
  if (now < nextSign) return;
  nextSign = now + SIGN_MS;
  send();
}
