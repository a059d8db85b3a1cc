// How the page asks a worker of the site whether it is alive, and how the worker answers.

import { SIGN_OF_LIFE } from "../../host/silence.ts";

export const QUESTION = "erwin, are you alive?";

/** Used in a worker's script: answers the page's questions. */
export function answerPage(): void {
  addEventListener("message", ({ data }) => {
    if (data === QUESTION) postMessage(SIGN_OF_LIFE);
  });
}
