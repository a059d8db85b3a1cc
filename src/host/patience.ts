// Limits how long an answer of the host is waited for: a process of the browser that hangs never gives one.

import { TURNS } from "./silence.ts";

/**
 * Calls a function after so many seconds. As in silence.ts, time in which this thread does not run itself counts as one turn of its
 * timer: an answer that has come meanwhile is heard, and a page that was left and comes back waits on.
 * @returns a function that ends the waiting
 */
export function afterPatience(seconds: number, call: () => void): () => void {
  let turns = 0;
  const end = () => clearInterval(timer);
  const timer = setInterval(
    () => {
      if (++turns < TURNS) return;
      end();
      call();
    },
    (1000 * seconds) / TURNS,
  );
  return end;
}

/** Settles as the answer does. @throws Error if there is none after so much patience */
export function within<Answer>(seconds: number, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const end = afterPatience(seconds, () => reject(new Error(`no answer for ${seconds} s`)));
    answer.finally(end).then(resolve, reject);
  });
}
