// What the page hears from a worker of the site in any case: that it is alive, that it has failed, and that it has ended.

import { holdLife, isLifeMessage } from "../../host/life.ts";
import { SIGN_OF_LIFE } from "../../host/silence.ts";

export const QUESTION = "erwin, are you alive?";

/** Used in a worker's script: answers the page's questions, and lets it know of every failure. */
export function answerPage(): void {
  // The page hears of errors alone.
  addEventListener("unhandledrejection", ({ reason }) => reportError(reason));
  addEventListener("message", ({ data }) => {
    if (data === QUESTION) postMessage(SIGN_OF_LIFE);
    else if (isLifeMessage(data)) void holdLife(data.life).then((held) => held && postMessage(data));
  });
}
