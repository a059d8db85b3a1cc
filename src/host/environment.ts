// What the host is and has.

/** A module of Node, in Node and Deno; undefined elsewhere. */
export function nodeModule<T>(name: string): T | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.(name) as T | undefined;
}

/** Whether the host is Firefox, as it says itself. */
export function isFirefox(): boolean {
  return /\bFirefox\//.test(globalThis.navigator?.userAgent ?? "");
}

/** Processors that threads can run on. Node has no `navigator` before version 21. */
function processors(): number {
  const system = nodeModule<typeof import("node:os")>("node:os");
  return globalThis.navigator?.hardwareConcurrency ?? system?.availableParallelism() ?? 1;
}

/** The threads used where the caller does not say: one for each processor, at most 8. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(processors(), 8));
}
