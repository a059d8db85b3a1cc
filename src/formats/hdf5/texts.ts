// The texts of HDF5's data sets: of fixed length, of varying length, and characters one by one, as netCDF has them.

import { elementCount, formatError, toDataView } from "../bytes/bytes.ts";
import { decoder, type TextArray } from "../bytes/text-arrays.ts";
import type { Unpacking } from "../compression/unpacking.ts";
import type { DatasetArray } from "./elements.ts";

/** Where texts are read: the bytes of the data set's elements, and the library's memory, in which texts of varying length are. */
export interface TextMemory {
  bytes: Uint8Array;
  heap: Uint8Array;
  unpacking: Unpacking;
  /** The array's name in error messages. */
  place: string;
}

/** Returns how many bytes the elements of an array of texts take, with the rest of their compounds. @throws FormatError */
export function textBytes({ name: tensor, dataset, elements, member }: DatasetArray, place: string): number {
  const sizes = Array.from(dataset.shape ?? [], Number);
  const records = elementCount(sizes);
  if (Number.isNaN(records)) throw formatError(place, `(${sizes}) is not a shape.`, { tensor, found: sizes });
  const { offset = 0, shape = [] } = member ?? {};
  if (!(offset + elementCount(shape) * elements.size <= dataset.size))
    throw formatError(place, `lies beyond the ${dataset.size} bytes of its compounds.`, { tensor, found: offset });
  return records * dataset.size;
}

/** Returns an array's texts. */
export function textsOf({ dataset, elements, member }: DatasetArray, memory: TextMemory): TextArray {
  const sizes = Array.from(dataset.shape ?? [], Number);
  const { offset = 0, shape = [] } = member ?? {};
  const each = elementCount(shape);
  const starts = (count: number) =>
    Array.from({ length: count }, (_, i) => Math.floor(i / each) * dataset.size + offset + (i % each) * elements.size);
  const all = [...sizes, ...shape];
  if (elements.vlen) return { shape: all, texts: varyingTexts(starts(elementCount(all)), memory) };
  const decode = decoder();
  const read = (start: number, length: number) =>
    // Fortran fills a text with spaces.
    decode(memory.bytes, start, length).trimEnd();
  if (member || elements.size > 1 || sizes.length < 2)
    return { shape: all, texts: starts(elementCount(all)).map((start) => read(start, elements.size)) };
  const length = sizes[sizes.length - 1];
  const joined = sizes.slice(0, -1);
  return { shape: joined, texts: Array.from({ length: elementCount(joined) }, (_, i) => read(i * length, length)) };
}

/** Returns the texts to which the elements point. */
function varyingTexts(starts: readonly number[], { bytes, heap, unpacking, place }: TextMemory): string[] {
  const decode = decoder();
  const view = toDataView(bytes);
  return starts.map((at) => {
    const start = view.getUint32(at, true);
    // A text that nobody has written.
    if (start === 0) return "";
    const length = heap.indexOf(0, start) - start;
    unpacking.take(length, place);
    return decode(heap, start, length);
  });
}
