// Tells that a worker has ended, which browsers do not: it holds a lock while it lives, and whoever waits for that gets it then.

/** Asks a worker to hold the lock of this name; it says the same once it does. */
export interface LifeMessage {
  life: string;
}

export const isLifeMessage = (message: unknown): message is LifeMessage =>
  typeof message === "object" && message !== null && "life" in message;

/** A name for the lock of one worker; undefined where there are no locks, as in Deno and on pages that are not secure. */
export const lifeName = (): string | undefined => globalThis.navigator?.locks && crypto.randomUUID();

/** In a worker: holds the lock from now to its end. Resolves when it does; to false where it may not. */
export function holdLife(name: string): Promise<boolean> {
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
 * @returns what ends the waiting
 */
export function whenEnded(name: string, onEnd: () => void): () => void {
  const waiting = new AbortController();
  navigator.locks.request(name, { signal: waiting.signal }, onEnd).catch(() => {});
  return () => waiting.abort();
}
