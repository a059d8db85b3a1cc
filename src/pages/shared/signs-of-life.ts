// What the page hears from a worker of the site in any case: that it is alive, that it has failed, and that it has ended.

import { holdLife, isLifeMessage } from "../../host/life.ts";
import { SIGN_OF_LIFE } from "../../host/silence.ts";

export const QUESTION = "erwin, are you alive?";
/** Tells a worker that the page is about to end it. */
export const FAREWELL = "erwin, good-bye";

const closers = new Set<() => void>();

/**
 * Used in a worker: `close` ends what works for it, its threads above all. A worker that Chromium ends while its own workers run may
 * keep their memory and threads (host/ending.ts).
 */
export const atFarewell = (close: () => void): void => void closers.add(close);

/** Used in a worker's script: answers the page's questions, and lets it know of every failure. */
export function answerPage(): void {
  // The page hears of errors alone.
  addEventListener("unhandledrejection", ({ reason }) => reportError(reason));
  addEventListener("message", ({ data }) => {
    if (data === QUESTION) postMessage(SIGN_OF_LIFE);
    else if (data === FAREWELL) for (const close of closers) close();
    else if (isLifeMessage(data)) void holdLife(data.life).then((held) => held && postMessage(data));
  });
}
