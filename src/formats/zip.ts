// ZIP archives, read from their central directory: names, sizes and checksums are verified, so that a damaged archive
// is an error and never a damaged array. Stored and deflated entries, ZIP64 included.

import { formatError, toDataView } from "./bytes.ts";
import { crc32 } from "./checksums.ts";
import { inflate, inflateRange, MOST_DEFLATED } from "./inflate.ts";

/** An entry of the directory; `read` unpacks it. */
export interface ZipEntry {
  name: string;
  /** Unpacked size in bytes. */
  size: number;
  read(): Uint8Array;
  /** The bytes from `start` on, up to `end` or the entry's end. The checksum is not checked, since it is of all bytes. */
  part(start: number, end: number): Uint8Array;
}

/** What the directory says of an entry. */
export interface PackedEntry {
  name: string;
  /** Whether its bytes lie in the archive as they are; else they are deflated. */
  stored: boolean;
  /** Unpacked size in bytes, and that in the archive. */
  size: number;
  packedSize: number;
  /** Where its local header begins, which goes before its bytes. */
  local: number;
  /** Of the unpacked bytes. */
  checksum: number;
}

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const end64LocatorSignature = 0x07064b50;
const directorySignature = 0x02014b50;
const localSignature = 0x04034b50;

/**
 * Lists a ZIP archive in the order of its directory.
 * @throws FormatError, here or in an entry's `read`, for what is truncated, damaged, encrypted or packed in another way.
 */
export function openZip(bytes: Uint8Array, file: string): ZipEntry[] {
  const directory = findDirectory(bytes, bytes.length, file);
  const entries = readDirectory(bytes.subarray(directory.offset, directory.end), directory, file);
  return entries.map((entry) => ({
    name: entry.name,
    size: entry.size,
    read() {
      const header = bytes.subarray(entry.local, entry.local + LOCAL_HEADER);
      const start = findData(header, entry, file);
      return unpack(bytes.subarray(start, start + entry.packedSize), entry, file);
    },
  }));
}

/** Where an archive's directory lies. */
export interface ZipDirectory {
  /** Entries. */
  count: number;
  offset: number;
  /** Where its bytes end. */
  end: number;
}

/** Bytes at an archive's end among which `findDirectory` finds what it looks for. */
export const ZIP_TAIL = 0xffff + 22 + 20 + 56;
/** Bytes of an entry's local header, a name and extra fields of any length after them. */
export const LOCAL_HEADER = 30;

/**
 * Finds the directory from an archive's last bytes.
 * @param tail at least ZIP_TAIL of them, or the whole archive
 * @param length of the archive
 * @throws FormatError for what is no archive, or cut short
 */
export function findDirectory(tail: Uint8Array, length: number, file: string): ZipDirectory {
  const view = toDataView(tail);
  const first = length - tail.length;
  // The end record is the last thing in the file but for a comment of at most 65,535 bytes.
  const lowest = Math.max(0, tail.length - 22 - 0xffff);
  for (let end = tail.length - 22; end >= lowest; end--) {
    if (view.getUint32(end, true) !== endSignature) continue;
    if (end + 22 + view.getUint16(end + 20, true) !== tail.length) continue;
    let count = view.getUint16(end + 10, true);
    let size = view.getUint32(end + 12, true);
    let offset = view.getUint32(end + 16, true);
    let directoryEnd = first + end;
    if (end >= 20 && view.getUint32(end - 20, true) === end64LocatorSignature) {
      const end64 = Number(view.getBigUint64(end - 12, true)) - first;
      if (!(end64 >= 0 && end64 + 56 <= end) || view.getUint32(end64, true) !== end64Signature) break;
      count = Number(view.getBigUint64(end64 + 32, true));
      size = Number(view.getBigUint64(end64 + 40, true));
      offset = Number(view.getBigUint64(end64 + 48, true));
      directoryEnd = first + end64;
    }
    if (offset + size !== directoryEnd) {
      throw formatError(
        file,
        `the archive's directory should end at byte ${directoryEnd}, its record says ${offset + size}.`,
        {
          offset,
          expected: directoryEnd,
          found: offset + size,
        },
      );
    }
    return { count, offset, end: directoryEnd };
  }
  throw formatError(file, "no ZIP archive, or truncated: its directory is missing.", { offset: length, found: length });
}

/**
 * Reads the directory.
 * @param bytes all of the directory's
 * @throws FormatError for what is damaged, encrypted or packed in another way than by deflate
 */
export function readDirectory(bytes: Uint8Array, { count, offset: start }: ZipDirectory, file: string): PackedEntry[] {
  const view = toDataView(bytes);
  const entries: PackedEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== directorySignature) {
      throw formatError(file, `expected entry ${i + 1} of ${count} of the archive's directory at byte ${start + at}.`, {
        offset: start + at,
        expected: count,
        found: i,
      });
    }
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const extraStart = at + 46 + nameLength;
    const next = extraStart + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) {
      throw formatError(file, `directory entry ${i + 1} is cut short.`, {
        offset: start + at,
        found: start + bytes.length,
      });
    }
    const name = new TextDecoder().decode(bytes.slice(at + 46, extraStart));
    if (names.has(name)) throw formatError(file, `holds "${name}" twice.`, { tensor: name, offset: start + at });
    names.add(name);
    entries.push(readEntry(view, file, { at, start }, name, [extraStart, extraStart + extraLength]));
    at = next;
  }
  return entries;
}

function readEntry(
  view: DataView,
  file: string,
  { at, start }: { at: number; start: number },
  name: string,
  extra: [number, number],
): PackedEntry {
  const damaged = (problem: string, details = {}) =>
    formatError(file, `"${name}" ${problem}`, { tensor: name, offset: start + at, ...details });
  const method = view.getUint16(at + 10, true);
  const wide = readWideFields(view, extra);
  const field = (position: number) => {
    const value = view.getUint32(at + position, true);
    if (value !== 0xffffffff) return value;
    return wide.shift() ?? value;
  };
  // The order matters: the 64-bit extra field lists just those that did not fit, in this order.
  const size = field(24);
  const packedSize = field(20);
  const local = field(42);

  if (view.getUint16(at + 8, true) & 1) throw damaged("is encrypted.");
  if (method !== 0 && method !== 8) throw damaged(`is packed by method ${method}; expected 0 or 8.`, { found: method });
  if (method === 0 ? size !== packedSize : size > packedSize * MOST_DEFLATED) {
    throw damaged(`claims ${size} bytes unpacked from ${packedSize}.`, { expected: packedSize, found: size });
  }
  return { name, stored: method === 0, size, packedSize, local, checksum: view.getUint32(at + 16, true) };
}

/**
 * Where an entry's bytes begin.
 * @param header the LOCAL_HEADER bytes at its `local`
 * @throws FormatError where no entry begins there
 */
export function findData(header: Uint8Array, { name, local }: PackedEntry, file: string): number {
  const view = toDataView(header);
  if (header.length < LOCAL_HEADER || view.getUint32(0, true) !== localSignature) {
    throw formatError(file, `"${name}" should begin at byte ${local}, but does not.`, { tensor: name, offset: local });
  }
  return local + LOCAL_HEADER + view.getUint16(26, true) + view.getUint16(28, true);
}

/**
 * Unpacks an entry.
 * @param packed its bytes in the archive
 * @throws FormatError for bytes that are damaged or too few
 */
export function unpack(packed: Uint8Array, entry: PackedEntry, file: string): Uint8Array {
  const { name, stored, size, packedSize, local, checksum } = entry;
  const damaged = (problem: string, details = {}) =>
    formatError(file, `"${name}" ${problem}`, { tensor: name, offset: local, ...details });
  if (packed.length !== packedSize) {
    throw damaged(`is cut short: ${packed.length} bytes of ${packedSize} are left.`, {
      expected: packedSize,
      found: packed.length,
    });
  }
  const data = stored ? packed : inflate(packed, damaged);
  if (data.length !== size) throw damaged(`unpacks to ${data.length} bytes, expected ${size}.`, { expected: size });
  const found = crc32(data);
  if (found !== checksum) {
    throw damaged(`is damaged: checksum ${found.toString(16)}, expected ${checksum.toString(16)}.`, {
      expected: checksum,
      found,
    });
  }
  return data;
}

/** The values of the extra field 0x0001 (sizes and offset of 64 bits), if there is one. */
function readWideFields(view: DataView, [start, end]: [number, number]): number[] {
  for (let offset = start; offset + 4 <= end; ) {
    const length = view.getUint16(offset + 2, true);
    if (view.getUint16(offset, true) === 1) {
      const values: number[] = [];
      const last = Math.min(offset + 4 + length, end) - 8;
      for (let at = offset + 4; at <= last; at += 8) values.push(Number(view.getBigUint64(at, true)));
      return values;
    }
    offset += 4 + length;
  }
  return [];
}
