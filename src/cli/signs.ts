// Signs of life of this process, for another one that waits for it.

import { setInterval } from "node:timers";
import { LONGEST_DELAY, SIGN_OF_LIFE, sendSigns, TURNS } from "../host/silence.ts";
import { limits } from "../limits.ts";

/** Prints signs of life from now on, also in the midst of work that holds up the event loop. They do not keep the process alive. */
export function printSigns(): void {
  const print = () => console.log(SIGN_OF_LIFE);
  sendSigns(print);
  setInterval(print, Math.min((limits.silenceSeconds * 1000) / TURNS, LONGEST_DELAY)).unref();
}
