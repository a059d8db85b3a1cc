// Signs of life of this process, for another one that waits for it.

import process from "node:process";
import { setInterval } from "node:timers";
import { MAX_DELAY, SIGN_OF_LIFE, sendSigns, TURNS } from "../../host/silence.ts";
import { limits } from "../../limits.ts";

/** Prints signs of life from now on, also in the midst of work that holds up the event loop. They do not keep the process alive. */
export function printSigns(): void {
  const print = () => console.log(SIGN_OF_LIFE);
  sendSigns(print);
  setInterval(print, Math.min((limits.silenceSeconds * 1000) / TURNS, MAX_DELAY)).unref();
}

/** How often this process looks whether the other one is still there, in milliseconds. */
const LOOK = 1000;

/** Ends this process as SIGTERM does when the one that started it has ended, perhaps by force: others may take over its work. */
export function endWithParent(): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, LOOK).unref();
}
