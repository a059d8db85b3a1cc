// Reads parts of a file that Node or Deno has opened.

import type { FileHandle } from "node:fs/promises";

/** Returns `length` bytes from `offset` on, or fewer if the file ends before. */
export async function readRange(file: FileHandle, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
