// Reads the library's WebAssembly modules from their files and compiles them. Errors distinguish the causes: another
// file in place of a module, a truncated one, a security policy, an old host.
import { DeviceError, WorkerError } from "../errors.ts";
import { nodeModule } from "./environment.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type FileSystem = typeof import("node:fs/promises");

/** A module begins with "\0asm" and its version, 1. */
const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * Reads the bytes of a module's file.
 * @throws WorkerError with the URL and what is there instead
 */
export async function readModule(url: URL): Promise<Bytes> {
  const { bytes, type } = await readFile(url);
  if (header.some((byte, i) => bytes[i] !== byte)) {
    const found = `${describeStart(bytes)}${type ? ` and came as ${type}` : ""}`;
    throw fileError(url, `is not a WebAssembly module: it ${found}`);
  }
  if (!isWhole(bytes)) {
    throw fileError(url, `is not a whole WebAssembly module: it ends after ${bytes.length} bytes. Copy it anew`);
  }
  return bytes;
}

async function readFile(url: URL): Promise<{ bytes: Bytes; type?: string | null }> {
  try {
    // Node does not fetch files.
    const files = url.protocol === "file:" ? nodeModule<FileSystem>("node:fs/promises") : undefined;
    if (files) return { bytes: new Uint8Array(await files.readFile(url)) };
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return { bytes: new Uint8Array(await response.arrayBuffer()), type: response.headers.get("Content-Type") };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw fileError(url, `could not be loaded: ${reason}`, cause);
  }
}

function fileError(url: URL, problem: string, cause?: unknown): WorkerError {
  const advice =
    "The file belongs beside the library, where the command erwin assets FOLDER copies it; setAssets() says where else it is";
  // The library was moved there without its files, and the server answers missing files with the page.
  const vite =
    url.protocol !== "file:" && url.pathname.includes("/node_modules/")
      ? '. For the development server of Vite before 8: optimizeDeps: { exclude: ["erwin"] }'
      : "";
  return new WorkerError(`${url.href} ${problem}. ${advice}${vite}.`, { url: url.href }, { cause });
}

/** Describes the first bytes, as text if they are text. */
function describeStart(bytes: Bytes): string {
  if (bytes.length === 0) return "is empty";
  const start = bytes.subarray(0, 16);
  if (start.every((byte) => byte < 0x7f && (byte >= 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09))) {
    return `begins with ${JSON.stringify(String.fromCharCode(...start))}`;
  }
  return `begins with the bytes ${Array.from(start, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
}

/**
 * Whether sections fill the file to its end. Each consists of its kind (one byte), its length (7 bits per byte) and its
 * content.
 */
function isWhole(bytes: Bytes): boolean {
  let at = header.length;
  while (at < bytes.length) {
    let length = 0;
    let shift = 0;
    do {
      at++;
      length += (bytes[at] & 0x7f) * 2 ** shift;
      shift += 7;
    } while (bytes[at] & 0x80);
    at += 1 + length;
  }
  return at === bytes.length && at > header.length;
}

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

/** The error for a complete module that the host considers invalid. */
export const tooOld = (options?: ErrorOptions) =>
  new DeviceError("this host has no WebAssembly with SIMD and threads: use a newer browser or runtime", {}, options);
