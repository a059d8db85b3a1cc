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
  const view = toDataView(bytes);
  const { count, offset: directoryStart, end } = findDirectory(bytes, view, file);
  const entries: (ZipEntry & Place)[] = [];
  const names = new Set<string>();
  let offset = directoryStart;
  for (let i = 0; i < count; i++) {
    if (offset + 46 > end || view.getUint32(offset, true) !== directorySignature) {
      throw formatError(file, `expected entry ${i + 1} of ${count} of the archive's directory at byte ${offset}.`, {
        offset,
        expected: count,
        found: i,
      });
    }
    const nameLength = view.getUint16(offset + 28, true);
    const extraLength = view.getUint16(offset + 30, true);
    const extraStart = offset + 46 + nameLength;
    const next = extraStart + extraLength + view.getUint16(offset + 32, true);
    if (next > end) throw formatError(file, `directory entry ${i + 1} is cut short.`, { offset, found: end });
    const name = new TextDecoder().decode(bytes.slice(offset + 46, extraStart));
    if (names.has(name)) throw formatError(file, `holds "${name}" twice.`, { tensor: name, offset });
    names.add(name);
    entries.push(readEntry(bytes, view, file, offset, name, [extraStart, extraStart + extraLength]));
    offset = next;
  }
  refuseOverlaps(entries, file);
  return entries;
}

/** Where in the file an entry lies, at least. */
interface Place {
  start: number;
  end: number;
}

/** Many names for the same bytes make a small archive a large one. */
function refuseOverlaps(entries: readonly (ZipEntry & Place)[], file: string): void {
  const inOrder = [...entries].sort((a, b) => a.start - b.start);
  inOrder.forEach(({ name, start }, i) => {
    const before = inOrder[i - 1];
    if (!before || before.end <= start) return;
    throw formatError(file, `"${name}" and "${before.name}" lie on the same bytes.`, { tensor: name, offset: start });
  });
}

interface Directory {
  count: number;
  offset: number;
  /** Where the directory's bytes must have ended. */
  end: number;
}

function findDirectory(bytes: Uint8Array, view: DataView, file: string): Directory {
  // The end record is the last thing in the file but for a comment of at most 65,535 bytes.
  const lowest = Math.max(0, bytes.length - 22 - 0xffff);
  for (let end = bytes.length - 22; end >= lowest; end--) {
    if (view.getUint32(end, true) !== endSignature) continue;
    if (end + 22 + view.getUint16(end + 20, true) !== bytes.length) continue;
    let count = view.getUint16(end + 10, true);
    let size = view.getUint32(end + 12, true);
    let offset = view.getUint32(end + 16, true);
    let directoryEnd = end;
    if (end >= 20 && view.getUint32(end - 20, true) === end64LocatorSignature) {
      const end64 = Number(view.getBigUint64(end - 12, true));
      if (end64 + 56 > end || view.getUint32(end64, true) !== end64Signature) break;
      count = Number(view.getBigUint64(end64 + 32, true));
      size = Number(view.getBigUint64(end64 + 40, true));
      offset = Number(view.getBigUint64(end64 + 48, true));
      directoryEnd = end64;
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
  throw formatError(file, "no ZIP archive, or truncated: its directory is missing.", {
    offset: bytes.length,
    found: bytes.length,
  });
}

function readEntry(
  bytes: Uint8Array,
  view: DataView,
  file: string,
  offset: number,
  name: string,
  extra: [number, number],
): ZipEntry & Place {
  const damaged = (problem: string, details = {}) =>
    formatError(file, `"${name}" ${problem}`, { tensor: name, offset, ...details });
  const method = view.getUint16(offset + 10, true);
  const checksum = view.getUint32(offset + 16, true);
  const wide = readWideFields(view, extra);
  const field = (position: number) => {
    const value = view.getUint32(offset + position, true);
    if (value !== 0xffffffff) return value;
    return wide.shift() ?? value;
  };
  // The order matters: the 64-bit extra field lists just those that did not fit, in this order.
  const size = field(24);
  const packedSize = field(20);
  const local = field(42);

  if (view.getUint16(offset + 8, true) & 1) throw damaged("is encrypted.");
  if (method !== 0 && method !== 8) throw damaged(`is packed by method ${method}; expected 0 or 8.`, { found: method });
  if (method === 0 ? size !== packedSize : size > packedSize * MOST_DEFLATED) {
    throw damaged(`claims ${size} bytes unpacked from ${packedSize}.`, { expected: packedSize, found: size });
  }
  const packed = () => {
    if (local + 30 > bytes.length || view.getUint32(local, true) !== localSignature) {
      throw damaged(`should begin at byte ${local}, but does not.`, { offset: local });
    }
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + packedSize > bytes.length) {
      throw damaged(`is cut short: ends at byte ${start + packedSize} of ${bytes.length}.`, {
        offset: start,
        expected: start + packedSize,
        found: bytes.length,
      });
    }
    return bytes.subarray(start, start + packedSize);
  };
  const unpack = (use: (packed: Uint8Array) => Uint8Array) => {
    const source = packed();
    try {
      return use(source);
    } catch (cause) {
      const error = damaged(`cannot be unpacked: ${(cause as Error).message}.`);
      error.cause = cause;
      throw error;
    }
  };
  return {
    name,
    size,
    start: local,
    // Its name stands there too, but of what length is not known from here.
    end: local + 30 + packedSize,
    read() {
      const data = method === 0 ? packed() : unpack((source) => inflate(source, size));
      const found = crc32(data);
      if (found !== checksum) {
        throw damaged(`is damaged: checksum ${found.toString(16)}, expected ${checksum.toString(16)}.`, {
          offset: local,
          expected: checksum,
          found,
        });
      }
      return data;
    },
    part(start, end) {
      const last = Math.min(end, size);
      return method === 0 ? packed().subarray(start, last) : unpack((source) => inflateRange(source, start, last));
    },
  };
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
