// Reads the library's WebAssembly modules from their files. Errors distinguish the causes: another file in place of a module, a
// truncated one.
import { WorkerError } from "../errors.ts";
import { tooOld } from "./compile.ts";
import { nodeModule, oldNode } from "./environment.ts";
import { reasonOfFailure } from "./failed-request.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type FileSystem = typeof import("node:fs/promises");

/** A module begins with "\0asm" and its version, 1. */
const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * Reads the bytes of a module's file.
 * @throws WorkerError with the URL and what is there instead; DeviceError if the host compiles no modules
 */
export async function readModule(url: URL): Promise<Bytes> {
  // Without it are browsers in modes of high security, as Safari's lockdown mode, and Node with --jitless.
  if (!globalThis.WebAssembly) throw tooOld();
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
    const old = url.protocol === "file:" && oldNode();
    if (old) throw new WorkerError(`${old}.`, { url: url.href }, { cause });
    throw fileError(url, `could not be loaded: ${reasonOfFailure(cause)}`, cause);
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
