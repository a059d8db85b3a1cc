// The central directory at the end of a ZIP archive: names, sizes and offsets of the entries, ZIP64 included. Both readers begin
// with it, the one of whole archives and the one that reads an archive in parts.

import type { FormatError } from "../../errors.ts";
import { formatError, toDataView } from "../bytes/bytes.ts";
import { MAX_DEFLATED } from "./inflate.ts";

/** An entry as the directory describes it. */
export interface DirectoryEntry {
  name: string;
  /** The uncompressed size and the size in the archive, in bytes. */
  size: number;
  packedSize: number;
  isDeflated: boolean;
  /** The CRC-32 of the uncompressed bytes. */
  checksum: number;
  /** The offset at which the entry begins, with a header of its own. */
  offset: number;
  /** Makes an error about this entry. */
  damaged(problem: string, details?: object): FormatError;
}

/** The place of the directory in the archive. */
export interface DirectoryPlace {
  /** The number of its entries. */
  count: number;
  start: number;
  end: number;
}

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const end64LocatorSignature = 0x07064b50;
const directorySignature = 0x02014b50;
const localSignature = 0x04034b50;
/** The largest size of the record at the end, with its comment, and of the ZIP64 records before it. */
export const MAX_TAIL_BYTES = 22 + 0xffff + 20 + 56;
/** The size of the header before an entry's bytes, without the name and the extra fields that follow it. */
export const LOCAL_HEADER_BYTES = 30;

/**
 * Finds the central directory.
 * @param tail the archive's last `MAX_TAIL_BYTES` bytes, or all of them
 * @param size the size of the archive
 * @throws FormatError if there is none, or it is not where the archive says
 */
export function findDirectory(tail: Uint8Array, size: number, file: string): DirectoryPlace {
  const view = toDataView(tail);
  const before = size - tail.length;
  // Only a comment of at most 65,535 bytes follows the end record.
  const lowest = Math.max(0, tail.length - 22 - 0xffff);
  for (let at = tail.length - 22; at >= lowest; at--) {
    if (view.getUint32(at, true) !== endSignature) continue;
    if (at + 22 + view.getUint16(at + 20, true) !== tail.length) continue;
    let count = view.getUint16(at + 10, true);
    let bytes = view.getUint32(at + 12, true);
    let start = view.getUint32(at + 16, true);
    let end = before + at;
    if (at >= 20 && view.getUint32(at - 20, true) === end64LocatorSignature) {
      const at64 = Number(view.getBigUint64(at - 12, true)) - before;
      if (at64 < 0 || at64 + 56 > at || view.getUint32(at64, true) !== end64Signature) break;
      count = Number(view.getBigUint64(at64 + 32, true));
      bytes = Number(view.getBigUint64(at64 + 40, true));
      start = Number(view.getBigUint64(at64 + 48, true));
      end = before + at64;
    }
    if (start + bytes !== end) {
      throw formatError(file, `the archive's directory should end at byte ${end}, its record says ${start + bytes}.`, {
        offset: start,
        expected: end,
        found: start + bytes,
      });
    }
    return { count, start, end };
  }
  throw formatError(file, "not a ZIP archive, or truncated: its directory is missing.", { offset: size, found: size });
}

/**
 * Lists the entries in the order of the directory.
 * @param bytes the bytes of the directory
 * @throws FormatError for a damaged directory, a duplicate name, and entries that overlap, are encrypted or are compressed by
 *   another method than deflate
 */
export function readDirectory(bytes: Uint8Array, { count, start }: DirectoryPlace, file: string): DirectoryEntry[] {
  const view = toDataView(bytes);
  const entries: DirectoryEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== directorySignature) {
      const problem = `expected entry ${i + 1} of ${count} of the archive's directory at byte ${start + at}.`;
      throw formatError(file, problem, { offset: start + at, expected: count, found: i });
    }
    const extraStart = at + 46 + view.getUint16(at + 28, true);
    const extraEnd = extraStart + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > bytes.length) {
      throw formatError(file, `directory entry ${i + 1} is cut short.`, {
        offset: start + at,
        found: start + bytes.length,
      });
    }
    const name = new TextDecoder().decode(bytes.slice(at + 46, extraStart));
    if (names.has(name)) throw formatError(file, `holds "${name}" twice.`, { tensor: name, offset: start + at });
    names.add(name);
    const damaged = (problem: string, details = {}) =>
      formatError(file, `"${name}" ${problem}`, { tensor: name, offset: start, ...details });
    entries.push(readEntry(view, at, { name, damaged, extra: [extraStart, extraEnd] }));
    at = next;
  }
  refuseOverlaps(entries);
  return entries;
}

function readEntry(
  view: DataView,
  at: number,
  { name, damaged, extra }: Pick<DirectoryEntry, "name" | "damaged"> & { extra: [number, number] },
): DirectoryEntry {
  const method = view.getUint16(at + 10, true);
  const wide = readWideFields(view, extra);
  const field = (position: number) => {
    const value = view.getUint32(at + position, true);
    if (value !== 0xffffffff) return value;
    return wide.shift() ?? value;
  };
  // The order of these calls matters: the ZIP64 field lists only the values that did not fit, in this order.
  const size = field(24);
  const packedSize = field(20);
  const offset = field(42);
  if (view.getUint16(at + 8, true) & 1) throw damaged("is encrypted.");
  if (method !== 0 && method !== 8) throw damaged(`is packed by method ${method}; expected 0 or 8.`, { found: method });
  if (method === 0 ? size !== packedSize : size > packedSize * MAX_DEFLATED) {
    throw damaged(`claims ${size} bytes decompressed from ${packedSize}.`, { expected: packedSize, found: size });
  }
  const checksum = view.getUint32(at + 16, true);
  return { name, size, packedSize, isDeflated: method === 8, checksum, offset, damaged };
}

/** Returns the 64-bit values of the extra field 0x0001 (sizes and offset), if there is one. */
function readWideFields(view: DataView, [start, end]: [number, number]): number[] {
  for (let at = start; at + 4 <= end; ) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1) {
      const values: number[] = [];
      const last = Math.min(at + 4 + length, end) - 8;
      for (let field = at + 4; field <= last; field += 8) values.push(Number(view.getBigUint64(field, true)));
      return values;
    }
    at += 4 + length;
  }
  return [];
}

/** Rejects entries that overlap: many names for the same bytes would make a small archive a large one. */
function refuseOverlaps(entries: readonly DirectoryEntry[]): void {
  const inOrder = [...entries].sort((a, b) => a.offset - b.offset);
  inOrder.forEach(({ name, offset, damaged }, i) => {
    const before = inOrder[i - 1];
    // The entry's name also precedes its bytes, but its length there is not known yet.
    if (!before || before.offset + LOCAL_HEADER_BYTES + before.packedSize <= offset) return;
    throw damaged(`and "${before.name}" lie on the same bytes.`, { tensor: name, offset });
  });
}

/**
 * Returns the offset at which an entry's compressed bytes begin.
 * @param header the first `LOCAL_HEADER_BYTES` bytes of the entry, or fewer if the archive ends before
 * @param size the size of the archive
 * @throws FormatError if there is no such header, or the archive ends before the entry does
 */
export function packedStart(header: Uint8Array, { offset, packedSize, damaged }: DirectoryEntry, size: number): number {
  const view = toDataView(header);
  if (header.length < LOCAL_HEADER_BYTES || view.getUint32(0, true) !== localSignature) {
    throw damaged(`should begin at byte ${offset}, but does not.`, { offset });
  }
  const start = offset + LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + packedSize <= size) return start;
  throw damaged(`is cut short: ends at byte ${start + packedSize} of ${size}.`, {
    offset: start,
    expected: start + packedSize,
    found: size,
  });
}

/** Makes the error for an entry whose compressed bytes are damaged. */
export function unpackingError({ damaged }: DirectoryEntry, cause: unknown): FormatError {
  const error = damaged(`cannot be decompressed: ${(cause as Error).message}.`);
  error.cause = cause;
  return error;
}
