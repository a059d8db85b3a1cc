// Records of the same fields one after the other, as tables and arrays of structures are stored: extracts the numbers of one field.

import { elementCount, readArray, swapByteOrder, type TypedArray } from "./bytes.ts";
import { arrayTypes, type SafeTensorType } from "./elements.ts";

/** Where the numbers of a field are in each record, and what they are. */
export interface RecordField {
  /** The first byte within the record. */
  offset: number;
  dtype: SafeTensorType;
  bigEndian: boolean;
  /** The shape of the field in one record: [] for a single number. */
  shape: readonly number[];
}

/**
 * Returns the numbers of a field in all records, in this machine's byte order.
 * @param width the bytes of a record, padding included
 */
export function readField(records: Uint8Array, width: number, count: number, field: RecordField): TypedArray {
  const { offset, dtype, bigEndian, shape } = field;
  const type = arrayTypes[dtype];
  const size = elementCount(shape) * type.BYTES_PER_ELEMENT;
  const isSwapped = bigEndian && type.BYTES_PER_ELEMENT > 1;
  // Records without bytes may be any number of them.
  if (size === 0) return new type(0);
  // Without other fields, the numbers may be given without a copy.
  if (size === width && !isSwapped) return readArray(records, 0, (count * size) / type.BYTES_PER_ELEMENT, type);
  const bytes = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    const start = i * width + offset;
    for (let byte = 0; byte < size; byte++) bytes[i * size + byte] = records[start + byte];
  }
  if (isSwapped) swapByteOrder(bytes, type.BYTES_PER_ELEMENT);
  return new type(bytes.buffer);
}
