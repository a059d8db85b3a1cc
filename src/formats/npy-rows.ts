// Rows of arrays that are too large to be read whole: of NumPy's array files, and of those that lie in its archives.

import { elementCount, formatError } from "./bytes.ts";
import type { SafeTensor } from "./elements.ts";
import { joinNpy, loadNpy, type NpyHeader, readNpyHeader } from "./npy.ts";
import { findData, findDirectory, LOCAL_HEADER, type PackedEntry, readDirectory, unpack, ZIP_TAIL } from "./zip.ts";

/** A file that is read in parts. */
export interface PartialFile {
  /** Its name in error messages. */
  file: string;
  /** Bytes of the file. */
  size: number;
  /** At most `length` bytes: fewer where the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** An array whose rows, along its first axis, are read when they are asked for. */
export interface RowReader {
  /** Of the whole array. */
  shape: readonly number[];
  /**
   * Rows from `first` on.
   * @throws FormatError where the array has not so many, or its bytes are damaged
   */
  rows(first: number, count: number): Promise<SafeTensor>;
}

/** Bytes that are read for a header; what it tells of its own length decides about more. */
const HEADER = 256;
/** The longest header there can be, that of version 1. */
const LONGEST_HEADER = 10 + 0xffff;

/**
 * Opens an array file.
 * @throws FormatError for what is no array file, or one whose size is not what its shape says
 */
export async function openNpyRows(source: PartialFile): Promise<RowReader> {
  const header = await readHeader(source);
  const { shape, dataStart, description, fortranOrder } = header;
  const width = Number(/\d+$/.exec(description)?.[0]);
  const expected = dataStart + elementCount(shape) * width;
  if (shape.length === 0 || expected !== source.size) {
    throw formatError(
      source.file,
      `shape (${shape}) of '${description}' takes a file of ${expected} bytes, found ${source.size}.`,
      { offset: dataStart, expected, found: source.size },
    );
  }
  const rowBytes = elementCount(shape.slice(1)) * width;
  return {
    shape,
    async rows(first, count) {
      checkRows(shape, first, count, source.file);
      // Column by column, rows lie scattered over the whole file.
      if (fortranOrder && shape.length > 1) {
        return sliceRows(loadNpy(await source.read(0, source.size), { file: source.file }), first, count);
      }
      const bytes = await source.read(dataStart + first * rowBytes, count * rowBytes);
      return loadNpy(joinNpy(description, [count, ...shape.slice(1)], bytes), { file: source.file });
    },
  };
}

async function readHeader(source: PartialFile): Promise<NpyHeader> {
  const begin = await source.read(0, HEADER);
  try {
    return readNpyHeader(begin, source.file);
  } catch (error) {
    if (source.size <= HEADER) throw error;
    return readNpyHeader(await source.read(0, LONGEST_HEADER), source.file);
  }
}

/**
 * Opens an archive of arrays. Arrays that are not compressed are read in parts, and their checksum, which is that of the whole, is
 * not verified; compressed ones are unpacked each time rows are asked for.
 * @param only arrays that are wanted
 * @throws FormatError for a damaged archive, an array that is missing or damaged
 */
export async function openNpzRows<Name extends string>(
  source: PartialFile,
  only: readonly Name[],
): Promise<Record<Name, RowReader>> {
  const { file, size } = source;
  const tail = await source.read(Math.max(0, size - ZIP_TAIL), ZIP_TAIL);
  const directory = findDirectory(tail, size, file);
  const entries = readDirectory(await source.read(directory.offset, directory.end - directory.offset), directory, file);
  const opened = only.map(async (name) => {
    const entry = entries.find((candidate) => candidate.name === `${name}.npy` || candidate.name === name);
    if (entry) return [name, await openEntry(source, entry)] as const;
    const found = entries.map((candidate) => candidate.name.replace(/\.npy$/, ""));
    throw formatError(file, `holds no array "${name}", but ${found.join(", ") || "none"}.`, { tensor: name, found });
  });
  return Object.fromEntries(await Promise.all(opened)) as Record<Name, RowReader>;
}

async function openEntry(source: PartialFile, entry: PackedEntry): Promise<RowReader> {
  const file = `${source.file}:${entry.name}`;
  const start = findData(await source.read(entry.local, LOCAL_HEADER), entry, source.file);
  const packed = () => source.read(start, entry.packedSize);
  if (entry.stored) {
    const end = Math.min(start + entry.size, source.size);
    const read = (offset: number, length: number) =>
      source.read(start + offset, Math.max(0, Math.min(length, end - start - offset)));
    return openNpyRows({ file, size: entry.size, read });
  }
  const unpacked = async () => loadNpy(unpack(await packed(), entry, source.file), { file });
  const { shape } = await unpacked();
  return {
    shape,
    async rows(first, count) {
      checkRows(shape, first, count, file);
      return sliceRows(await unpacked(), first, count);
    },
  };
}

function checkRows(shape: readonly number[], first: number, count: number, file: string): void {
  if (shape.length > 0 && first >= 0 && count >= 0 && first + count <= shape[0]) return;
  throw formatError(file, `rows ${first} to ${first + count - 1} are asked for, the shape is (${shape}).`, {
    expected: first + count,
    found: shape[0],
  });
}

function sliceRows({ dtype, shape, data }: SafeTensor, first: number, count: number): SafeTensor {
  const row = elementCount(shape.slice(1));
  return { dtype, shape: [count, ...shape.slice(1)], data: data.slice(first * row, (first + count) * row) };
}
