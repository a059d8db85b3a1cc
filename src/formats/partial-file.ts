// Files that are too large to be held whole, and are read in parts.

import { formatError } from "./bytes.ts";

export interface PartialFile {
  /** Its name in error messages. */
  file: string;
  /** Bytes of the file. */
  size: number;
  /** At most `length` bytes: fewer where the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** The bytes from `start` to `end`. @throws FormatError where the file ends before */
export async function readPart({ file, read }: PartialFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = await read(start, end - start);
  if (bytes.length === end - start) return bytes;
  throw formatError(file, `truncated: ${end} bytes were expected, it ends after ${start + bytes.length}.`, {
    offset: start,
    expected: end,
    found: start + bytes.length,
  });
}
