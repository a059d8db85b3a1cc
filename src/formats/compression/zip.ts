// ZIP archives of stored and deflated entries. Names, sizes and checksums are verified, so that a damaged archive gives an error and
// never a damaged array.

import { type PartialFile, readPart } from "../sources/partial-file.ts";
import { crc32 } from "./checksums.ts";
import { inflate, inflateRange, RangeInflater } from "./inflate.ts";
import { Unpacking } from "./unpacking.ts";
import {
  type DirectoryEntry,
  findDirectory,
  LOCAL_HEADER_BYTES,
  MAX_TAIL_BYTES,
  packedStart,
  readDirectory,
  unpackingError,
} from "./zip-directory.ts";

/** An entry of the directory; `read` decompresses it. */
export interface ZipEntry {
  name: string;
  /** The uncompressed size in bytes. */
  size: number;
  read(): Uint8Array;
  /** Returns the bytes from `start` to `end` or the entry's end. The checksum is not checked, because it covers the whole entry. */
  part(start: number, end: number): Uint8Array;
}

/**
 * Lists a ZIP archive in the order of its directory.
 * @param unpacking counts the bytes of the entries that are decompressed
 * @throws FormatError, here or in an entry's `read`, for an archive that is truncated, damaged, encrypted or compressed otherwise,
 * and for entries that unpack to more than the limits allow.
 */
export function openZip(bytes: Uint8Array, file: string, unpacking = new Unpacking(bytes.length)): ZipEntry[] {
  const place = findDirectory(bytes.subarray(-MAX_TAIL_BYTES), bytes.length, file);
  const entries = readDirectory(bytes.subarray(place.start, place.end), place, file);
  return entries.map((entry) => zipEntry(bytes, entry, file, unpacking));
}

function zipEntry(bytes: Uint8Array, entry: DirectoryEntry, file: string, unpacking: Unpacking): ZipEntry {
  const { name, size, packedSize, isDeflated, checksum, offset, damaged } = entry;
  const take = (unpacked: number) => unpacking.take(unpacked, `${file}:${name}`, { tensor: name });
  const packed = () => {
    const start = packedStart(bytes.subarray(offset, offset + LOCAL_HEADER_BYTES), entry, bytes.length);
    return bytes.subarray(start, start + packedSize);
  };
  const unpack = (use: (packed: Uint8Array) => Uint8Array) => {
    const source = packed();
    try {
      return use(source);
    } catch (cause) {
      throw unpackingError(entry, cause);
    }
  };
  return {
    name,
    size,
    read() {
      if (isDeflated) take(size);
      const data = isDeflated ? unpack((source) => inflate(source, size)) : packed();
      const found = crc32(data);
      if (found === checksum) return data;
      throw damaged(`is damaged: checksum ${found.toString(16)}, expected ${checksum.toString(16)}.`, {
        offset,
        expected: checksum,
        found,
      });
    },
    part(start, end) {
      const last = Math.min(end, size);
      if (!isDeflated) return packed().subarray(start, last);
      take(last - start);
      return unpack((source) => inflateRange(source, start, last));
    },
  };
}

/** An entry of an archive that is read in parts. */
export interface PartialEntry {
  name: string;
  /** The uncompressed size in bytes. */
  size: number;
  /**
   * Returns the bytes from `start` to `end` or the entry's end. Of a stored entry nothing else is read; a deflated one is decompressed
   * from its beginning, piece by piece, and no further. The checksum is not checked, because it covers the whole entry.
   */
  part(start: number, end: number): Promise<Uint8Array>;
}

/** The number of compressed bytes that are read at once. */
const PIECE = 2 ** 18;

/**
 * Lists the entries of a ZIP archive, of which only the directory is read.
 * @throws FormatError, here or in an entry's `part`, as `openZip` does
 */
export async function openPartialZip(archive: PartialFile): Promise<PartialEntry[]> {
  const { file, size } = archive;
  const tail = await readPart(archive, Math.max(0, size - MAX_TAIL_BYTES), size);
  const place = findDirectory(tail, size, file);
  const before = size - tail.length;
  const directory =
    place.start < before
      ? await readPart(archive, place.start, place.end)
      : tail.subarray(place.start - before, place.end - before);
  return readDirectory(directory, place, file).map((entry) => partialEntry(archive, entry));
}

function partialEntry(archive: PartialFile, entry: DirectoryEntry): PartialEntry {
  const { name, size, packedSize, isDeflated, offset } = entry;
  return {
    name,
    size,
    async part(start, end) {
      const last = Math.min(end, size);
      const header = await archive.read(offset, LOCAL_HEADER_BYTES);
      const first = packedStart(header, entry, archive.size);
      if (!isDeflated) return readPart(archive, first + start, first + last);
      // Of a part alone: those that were read before may have been freed.
      new Unpacking(archive.size).take(last - start, `${archive.file}:${name}`, { tensor: name });
      const inflater = new RangeInflater(start, last);
      for (let at = 0; !inflater.isDone && at < packedSize; at += PIECE) {
        const piece = await readPart(archive, first + at, first + Math.min(at + PIECE, packedSize));
        try {
          inflater.push(piece, at + PIECE >= packedSize);
        } catch (cause) {
          throw unpackingError(entry, cause);
        }
      }
      if (inflater.isDone) return inflater.bytes;
      throw unpackingError(entry, new Error(`it unpacks to only ${inflater.filled} bytes`));
    },
  };
}
