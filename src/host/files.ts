// Reads the library's files, which lie beside its own.
import { WorkerError } from "../errors.ts";
import { nodeModule } from "./environment.ts";

type FileSystem = typeof import("node:fs/promises");

/** The bytes of a file of the library. */
export async function readBytes(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // Node does not fetch files.
    const files = url.protocol === "file:" ? nodeModule<FileSystem>("node:fs/promises") : undefined;
    if (files) return new Uint8Array(await files.readFile(url));
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${url.href} could not be loaded (${reason}). Check that the file is served beside the library.`;
    throw new WorkerError(message, { url: url.href }, { cause });
  }
}
