// Files that are too large to be held in memory, and are read in parts.

import { formatError, toBytes } from "./bytes.ts";

export interface PartialFile {
  /** The file's name in error messages. */
  file: string;
  /** The size of the file in bytes. */
  size: number;
  /** Reads at most `length` bytes: fewer if the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Returns the bytes from `start` to `end`. @throws FormatError if the file ends before */
export async function readPart({ file, read }: PartialFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = toBytes(await read(start, end - start));
  if (bytes.length === end - start) return bytes;
  throw formatError(file, `truncated: ${end} bytes were expected, it ends after ${start + bytes.length}.`, {
    offset: start,
    expected: end,
    found: start + bytes.length,
  });
}
