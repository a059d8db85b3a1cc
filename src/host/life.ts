// Detects that a worker has ended, which browsers do not report: it holds a lock while it lives, and whoever waits for
// the lock gets it then.

/** Asks a worker to hold the lock of this name; the worker sends the same message back once it does. */
export interface LifeMessage {
  life: string;
}

export const isLifeMessage = (message: unknown): message is LifeMessage =>
  typeof message === "object" && message !== null && "life" in message;

/**
 * Returns a name for the lock of one worker; undefined if there are no locks, as in Deno and on pages that are not
 * secure.
 */
export const lifeName = (): string | undefined => (globalThis.navigator?.locks ? crypto.randomUUID() : undefined);

/**
 * Used in a worker: holds the lock until the worker ends. Resolves when it holds the lock, or to false if it may not, or has no
 * locks: a simulated page in Node may have them, as happy-dom's has, and Node's own threads none.
 */
export function holdLife(name: string): Promise<boolean> {
  if (!globalThis.navigator?.locks) return Promise.resolve(false);
  return new Promise((resolve) => {
    const hold = () => {
      resolve(true);
      return new Promise<never>(() => {});
    };
    navigator.locks.request(name, hold).catch(() => resolve(false));
  });
}

/**
 * Calls `onEnd` once the worker that holds the lock has ended.
 * @returns a function that stops the waiting
 */
export function whenEnded(name: string, onEnd: () => void): () => void {
  const waiting = new AbortController();
  navigator.locks.request(name, { signal: waiting.signal }, onEnd).catch(() => {});
  return () => waiting.abort();
}
