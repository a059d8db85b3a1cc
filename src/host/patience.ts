// Limits how long an answer of the host is waited for: a process of the browser that hangs never gives one.

/** Settles as the answer does. @throws Error if there is none within this time */
export function within<Answer>(seconds: number, answer: Promise<Answer>): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${seconds} s`)), 1000 * seconds);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
