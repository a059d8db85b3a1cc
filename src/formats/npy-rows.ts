// Rows of arrays that are too large to be kept whole: of NumPy's array files, and of those that lie in its archives.

import { elementCount, formatError } from "./bytes.ts";
import type { SafeTensor } from "./elements.ts";
import { describeNpy, descriptionBytes, loadNpyRows } from "./npy.ts";
import { loadNpzRows, npzShapes } from "./npz.ts";

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

/**
 * Opens an array file.
 * @throws FormatError for what is no array file, or one whose size is not what its shape says
 */
export async function openNpyRows({ file, size, read }: PartialFile): Promise<RowReader> {
  const array = describeNpy(await read(0, descriptionBytes), size, file);
  const { shape, dataStart, width, fortranOrder } = array;
  const rest = shape.slice(1);
  const rowBytes = elementCount(rest) * width;
  return {
    shape,
    async rows(first, count) {
      checkRows(shape, first, count, file);
      // Column by column, rows lie scattered over the whole file.
      if (fortranOrder && rest.length > 0) return loadNpyRows(await read(0, size), first, first + count, { file });
      return array.decode(await read(dataStart + first * rowBytes, count * rowBytes), [count, ...rest]);
    },
  };
}

/** Arrays of an archive, whose rows are read together. */
export interface ArchiveReader<Name extends string> {
  /** Of the whole arrays. */
  shapes: Readonly<Record<Name, readonly number[]>>;
  /**
   * The same rows of all arrays.
   * @throws FormatError where an array has not so many, or its bytes are damaged
   */
  rows(first: number, count: number): Promise<Record<Name, SafeTensor>>;
}

/**
 * Opens an archive of arrays. It is read each time rows are asked for, so that nothing of it is kept between.
 * @param only arrays that are wanted
 * @throws FormatError for a damaged archive, an array that is missing or damaged
 */
export async function openNpzRows<Name extends string>(
  { file, size, read }: PartialFile,
  only: readonly Name[],
): Promise<ArchiveReader<Name>> {
  const found = npzShapes(await read(0, size), only, { file });
  const byName = <Value>(value: (name: Name, index: number) => Value) =>
    Object.fromEntries(only.map((name, index) => [name, value(name, index)])) as Record<Name, Value>;
  const shapes = byName((_, index) => found[index]);
  return {
    shapes,
    async rows(first, count) {
      for (const name of only) checkRows(shapes[name], first, count, `${file}:${name}`);
      const bytes = await read(0, size);
      return byName((name) => loadNpzRows(bytes, name, first, first + count, { file }));
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
