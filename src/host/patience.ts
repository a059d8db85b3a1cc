// Limits how long an answer of the host is waited for: a process of the browser that hangs never gives one.

import { TURNS } from "./silence.ts";

/**
 * Settles as the answer does. As in silence.ts, time in which this thread does not run itself counts as one turn of its timer: an
 * answer that has come meanwhile is heard.
 * @throws Error if there is none within this time
 */
export function within<Answer>(seconds: number, answer: Promise<Answer>): Promise<Answer> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const late = new Promise<never>((_, reject) => {
    let turns = 0;
    const count = () => ++turns === TURNS && reject(new Error(`no answer for ${seconds} s`));
    timer = setInterval(count, (1000 * seconds) / TURNS);
  });
  return Promise.race([answer, late]).finally(() => clearInterval(timer));
}
