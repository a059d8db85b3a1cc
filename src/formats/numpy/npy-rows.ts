// Reads rows of arrays that are too large to be held in memory: of NumPy's array files, and of arrays in its archives. Only the rows
// that are asked for are read, wherever the format allows it.

import { allInOrder } from "../../serial.ts";
import { formatError } from "../bytes/bytes.ts";
import type { SafeTensor } from "../bytes/elements.ts";
import { openPartialZip } from "../compression/zip.ts";
import { type PartialFile, readPart } from "../sources/partial-file.ts";
import { decodeRows, describeNpy, headerEnd, LENGTHS_END, rowBytes } from "./npy.ts";
import { findArray } from "./npz.ts";

/** An array whose rows, along its first axis, are read on demand. */
export interface RowReader {
  /** The shape of the whole array. */
  shape: readonly number[];
  /**
   * Reads `count` rows from `first` on.
   * @throws FormatError if the array has fewer rows, or its bytes are damaged
   */
  rows(first: number, count: number): Promise<SafeTensor>;
}

/**
 * Opens an array file.
 * @throws FormatError for a file that is not an array file, or whose size does not fit its shape
 */
export function openNpyRows(file: PartialFile): Promise<RowReader> {
  return openRows((start, end) => readPart(file, start, Math.min(end, file.size)), file.size, undefined, file.file);
}

/**
 * @param part returns the bytes from one offset to another, or to the array file's end
 * @param field the field of its structures, if it has such
 */
async function openRows(
  part: (start: number, end: number) => Promise<Uint8Array>,
  size: number,
  field: string | undefined,
  file: string,
): Promise<RowReader> {
  const array = describeNpy(await part(0, headerEnd(await part(0, LENGTHS_END), file)), size, file, field);
  const { shape } = array;
  return {
    shape: [...shape, ...array.within],
    async rows(start, count) {
      const end = start + count;
      if (shape.length === 0 || end > shape[0]) {
        throw formatError(file, `rows ${start} to ${end - 1} are requested, but the shape is (${shape}).`, {
          expected: end,
          found: shape[0],
        });
      }
      const { first, last } = rowBytes(array, start, end, file);
      return decodeRows(array, await part(first, last), start, end);
    },
  };
}

/** The arrays of an archive by name. */
export type ArchiveReader<Name extends string> = Readonly<Record<Name, RowReader>>;

/**
 * Opens an archive of arrays.
 * @param only names of the arrays that are needed
 * @throws FormatError for a damaged archive, and for an array that is missing or damaged
 */
export async function openNpzRows<Name extends string>(
  archive: PartialFile,
  only: readonly Name[],
): Promise<ArchiveReader<Name>> {
  const entries = await openPartialZip(archive);
  const opened = only.map(async (name) => {
    const { part, size, field, entryFile } = findArray(entries, name, archive.file);
    return [name, await openRows(part, size, field, entryFile)] as const;
  });
  return Object.fromEntries(await allInOrder(opened)) as ArchiveReader<Name>;
}
