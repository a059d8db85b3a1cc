// What the host is and what it has.

/** Returns a built-in module of Node, in Node and Deno; undefined elsewhere. */
export function nodeModule<T>(name: string): T | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.(name) as T | undefined;
}

/**
 * Whether this is a window of Electron, or a worker of one. With `nodeIntegration` they have Node's modules, too, but Node's threads
 * cannot be started there: "The V8 platform used by this instance of Node does not support creating Workers".
 */
export function isElectronWindow(): boolean {
  const type = (globalThis as { process?: { type?: unknown } }).process?.type;
  return type === "renderer" || type === "worker";
}

/** Whether the host is Firefox, by its user agent. */
export function isFirefox(): boolean {
  return /\bFirefox\//.test(globalThis.navigator?.userAgent ?? "");
}

/** The number of processors that threads can run on. Node has no `navigator` before version 21. */
function processors(): number {
  const system = nodeModule<typeof import("node:os")>("node:os");
  return globalThis.navigator?.hardwareConcurrency ?? system?.availableParallelism() ?? 1;
}

/** The default number of threads: one per processor, at most 8. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(processors(), 8));
}
