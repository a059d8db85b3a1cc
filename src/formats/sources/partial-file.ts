// Files of which only parts are read, because they are too large to be held in memory; and those of which all is read, if they are
// not.

import { classOf } from "../../arguments/kinds.ts";
import { expectFileBytes, formatError, toBytes } from "../bytes/bytes.ts";

export interface PartialFile {
  /** The file's name in error messages. */
  file: string;
  /** The size of the file in bytes. */
  size: number;
  /** Reads at most `length` bytes: fewer if the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** The number of bytes that are read at a time: neither Node nor Chromium reads 2 GiB or more at once. */
const PIECE = 2 ** 30;

/**
 * Returns the bytes from `start` to `end`.
 * @throws FormatError if the file ends before, and for more bytes than the limit `fileBytes`
 */
export async function readPart(source: PartialFile, start: number, end: number): Promise<Uint8Array> {
  const { file } = source;
  expectFileBytes(end - start, file);
  if (end - start <= PIECE) return readPiece(source, start, end);
  const part = allocate(end - start, file);
  for (let at = start; at < end; at += PIECE) {
    part.set(await readPiece(source, at, Math.min(at + PIECE, end)), at - start);
  }
  return part;
}

/** Returns all bytes. @throws FormatError as `readPart` does */
export function readWhole(source: PartialFile): Promise<Uint8Array> {
  return readPart(source, 0, source.size);
}

/** Whether a value is a Blob or a File, of whatever realm. */
export const isBlob = (value: unknown): value is Blob => ["Blob", "File"].includes(classOf(value));

/** Returns a file of a page. */
export function blobFile(blob: Blob, file: string): PartialFile {
  return {
    file,
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  };
}

async function readPiece({ file, read }: PartialFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = toBytes(await read(start, end - start));
  if (bytes.length === end - start) return bytes;
  throw formatError(file, `truncated: ${end} bytes were expected, it ends after ${start + bytes.length}.`, {
    offset: start,
    expected: end,
    found: start + bytes.length,
  });
}

/** @throws FormatError where there is not as much memory, or no array may be as long */
export function allocate(bytes: number, file: string): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw formatError(file, `no memory for its ${bytes} bytes.`, { found: bytes }, { cause });
  }
}
