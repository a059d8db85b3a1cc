// Compiles the library's WebAssembly modules. Errors distinguish the causes: a security policy, an old host, one that compiles none.
// Reading them (module-file.ts) is apart, since threads, which are sent a module, only compile.
import { DeviceError } from "../errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Compiles a module.
 * @throws DeviceError if a security policy forbids it or the host is too old
 */
export const compileModule = (bytes: Bytes): Promise<WebAssembly.Module> =>
  explained(bytes, WebAssembly.compile(bytes));

/**
 * Compiles a module and creates an instance.
 * @throws DeviceError if a security policy forbids it or the host is too old
 */
export async function instantiateModule(bytes: Bytes, imports: WebAssembly.Imports): Promise<WebAssembly.Exports> {
  return (await explained(bytes, WebAssembly.instantiate(bytes, imports))).instance.exports;
}

const unloadable =
  "this host does not compile WebAssembly that is loaded at run time, as Cloudflare's Workers do not: " +
  "run the library in Node, Deno or Bun, or in the browser";

/** Says why a module could not be compiled. */
async function explained<T>(bytes: Bytes, compiled: Promise<T>): Promise<T> {
  try {
    return await compiled;
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause;
    if (!WebAssembly.validate(bytes)) throw tooOld({ cause });
    // Pages, and workers of theirs, have an address.
    if (globalThis.location === undefined) throw new DeviceError(unloadable, {}, { cause });
    const advice = "add 'wasm-unsafe-eval' to its script-src";
    throw new DeviceError(
      `the Content Security Policy of this page or worker does not allow WebAssembly: ${advice}`,
      { directive: "script-src" },
      { cause },
    );
  }
}

/** The error for a complete module that the host considers invalid, and for a host that has no WebAssembly at all. */
export const tooOld = (options?: ErrorOptions) =>
  new DeviceError(
    "this host has no WebAssembly with SIMD and threads: use a newer browser or runtime, or allow it (lockdown mode, --jitless)",
    {},
    options,
  );
