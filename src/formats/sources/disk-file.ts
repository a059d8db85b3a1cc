// Reads files of the disk, in Node and Deno.

import type { FileHandle } from "node:fs/promises";
import { readWhole } from "./partial-file.ts";

/** The file system, as `nodeModule` returns it. */
type FileSystem = Pick<typeof import("node:fs/promises"), "open">;

/**
 * Reads all of a file.
 * @param file the file's name in error messages
 * @throws FormatError if it is larger than the limit `fileBytes`; the file system's own errors; the signal's reason, once it is aborted
 */
export async function readDiskFile(
  files: FileSystem,
  path: string | URL,
  file: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const handle = await files.open(path);
  const read = (offset: number, length: number) => {
    signal?.throwIfAborted();
    return readRange(handle, offset, length);
  };
  try {
    const { size } = await handle.stat();
    return await readWhole({ file, size, read });
  } finally {
    await handle.close();
  }
}

/** Returns `length` bytes from `offset` on, or fewer if the file ends before. */
export async function readRange(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
