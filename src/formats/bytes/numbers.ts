// Binary numbers of a named type and byte order, which PLY, PCD and VTK files consist of.

/** Reads one number at an offset. 64-bit integers are returned as float64: exact up to 2^53. */
export type NumberReader = (view: DataView, offset: number, littleEndian: boolean) => number;

export interface NumberType {
  width: number;
  read: NumberReader;
  integer: boolean;
}

const integer = (width: number, read: NumberReader): NumberType => ({ width, read, integer: true });
const float = (width: number, read: NumberReader): NumberType => ({ width, read, integer: false });

export const numberTypes = {
  i1: integer(1, (view, offset) => view.getInt8(offset)),
  u1: integer(1, (view, offset) => view.getUint8(offset)),
  i2: integer(2, (view, offset, little) => view.getInt16(offset, little)),
  u2: integer(2, (view, offset, little) => view.getUint16(offset, little)),
  i4: integer(4, (view, offset, little) => view.getInt32(offset, little)),
  u4: integer(4, (view, offset, little) => view.getUint32(offset, little)),
  i8: integer(8, (view, offset, little) => Number(view.getBigInt64(offset, little))),
  u8: integer(8, (view, offset, little) => Number(view.getBigUint64(offset, little))),
  f4: float(4, (view, offset, little) => view.getFloat32(offset, little)),
  f8: float(8, (view, offset, little) => view.getFloat64(offset, little)),
};
