// Binary numbers of a named type and byte order, which PLY, PCD and VTK files consist of.

import type { SafeTensorType } from "./elements.ts";

/** Reads one number at an offset. 64-bit integers are returned as float64: exact up to 2^53. */
export type NumberReader = (view: DataView, offset: number, littleEndian: boolean) => number;

export interface NumberType {
  dtype: SafeTensorType;
  width: number;
  read: NumberReader;
  integer: boolean;
}

const numberType = (dtype: SafeTensorType, width: number, read: NumberReader): NumberType => ({
  dtype,
  width,
  read,
  integer: !dtype.startsWith("F"),
});

export const numberTypes = {
  i1: numberType("I8", 1, (view, offset) => view.getInt8(offset)),
  u1: numberType("U8", 1, (view, offset) => view.getUint8(offset)),
  i2: numberType("I16", 2, (view, offset, little) => view.getInt16(offset, little)),
  u2: numberType("U16", 2, (view, offset, little) => view.getUint16(offset, little)),
  i4: numberType("I32", 4, (view, offset, little) => view.getInt32(offset, little)),
  u4: numberType("U32", 4, (view, offset, little) => view.getUint32(offset, little)),
  i8: numberType("I64", 8, (view, offset, little) => Number(view.getBigInt64(offset, little))),
  u8: numberType("U64", 8, (view, offset, little) => Number(view.getBigUint64(offset, little))),
  f4: numberType("F32", 4, (view, offset, little) => view.getFloat32(offset, little)),
  f8: numberType("F64", 8, (view, offset, little) => view.getFloat64(offset, little)),
};
