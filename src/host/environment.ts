// What the host is and what it has.

type Process = {
  env?: Record<string, string | undefined>;
  getBuiltinModule?: (name: string) => unknown;
  type?: unknown;
  versions?: { node?: string };
};
const host = () => (globalThis as { process?: Process }).process;

/** Returns a built-in module of Node, in Node, Deno and Bun; undefined elsewhere. */
export function nodeModule<T>(name: string): T | undefined {
  return host()?.getBuiltinModule?.(name) as T | undefined;
}

/** What to say in a Node that does not give its modules to a library that also runs in browsers; undefined elsewhere. */
export function oldNode(): string | undefined {
  const version = host()?.versions?.node;
  if (version === undefined || host()?.getBuiltinModule) return undefined;
  return `Node ${version} is too old: erwin needs 20.16, or 22.3 and later`;
}

/**
 * Whether this is a window of Electron, or a worker of one. With `nodeIntegration` they have Node's modules, too, but Node's threads
 * cannot be started there: "The V8 platform used by this instance of Node does not support creating Workers".
 */
export function isElectronWindow(): boolean {
  const type = host()?.type;
  return type === "renderer" || type === "worker";
}

/** Whether Deno grants a permission, for which it would otherwise ask the user; other hosts grant all. */
export function isGranted(permission: object): boolean {
  const { Deno } = globalThis as { Deno?: { permissions: { querySync(query: object): { state: string } } } };
  return !Deno || Deno.permissions.querySync(permission).state === "granted";
}

/** Returns the value of an environment variable; undefined in a Deno that may not know it. */
export function environmentVariable(variable: string): string | undefined {
  return isGranted({ name: "env", variable }) ? host()?.env?.[variable] : undefined;
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
