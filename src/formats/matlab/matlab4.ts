// MATLAB's files of level 4, as MATLAB 4, `save -v4`, Octave and SciPy write them: matrices that follow one another, each a header, a
// name and its numbers. Format: The MathWorks, "MAT-File Format", "Level 4 MAT-Files".

import { formatError, readArray, swapByteOrder, toDataView } from "../bytes/bytes.ts";
import { type ArrayContents, arrayTypes, type SafeTensorType } from "../bytes/elements.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { asInMatlab, leftOutAs } from "./arrays.ts";

/** A matrix begins with its kind, rows, columns, whether it is complex, and its name's length with the zero behind it. */
const HEADER = 20;
/** The longest name; MATLAB's own had 19 letters. */
const LONGEST_NAME = 64;

/** A kind is 1000 M + 10 P + T: the machine, the type of the numbers, and what they are. */
const [LITTLE_ENDIAN, BIG_ENDIAN] = [0, 1];
const types: readonly SafeTensorType[] = ["F64", "F32", "I32", "I16", "U16", "U8"];
const [TEXT, SPARSE] = [1, 2];

interface Header {
  isLittle: boolean;
  type: SafeTensorType;
  content: number;
  rows: number;
  columns: number;
  isComplex: boolean;
  nameLength: number;
}

/** Reads a matrix's header; undefined where there is none. */
function headerAt(bytes: Uint8Array, at: number): Header | undefined {
  if (bytes.length < at + HEADER) return undefined;
  const view = toDataView(bytes.subarray(at, at + HEADER));
  for (const isLittle of [true, false]) {
    const [kind, rows, columns, complex, nameLength] = [0, 4, 8, 12, 16].map((place) =>
      view.getUint32(place, isLittle),
    );
    const machine = Math.floor(kind / 1000);
    const [order, number, content] = [Math.floor(kind / 100) % 10, Math.floor(kind / 10) % 10, kind % 10];
    const isKnown = machine === (isLittle ? LITTLE_ENDIAN : BIG_ENDIAN) && order === 0 && number < types.length;
    if (isKnown && content <= SPARSE && complex <= 1 && nameLength > 1 && nameLength <= LONGEST_NAME) {
      return { isLittle, type: types[number], content, rows, columns, isComplex: complex === 1, nameLength };
    }
  }
  return undefined;
}

/** Whether a file begins as those of level 4 do; they have no mark. */
export const isMatlab4 = (bytes: Uint8Array): boolean => headerAt(bytes, 0) !== undefined;

/** Reads a file for which `isMatlab4` holds. See matlab.ts. */
export function readMatlab4(bytes: Uint8Array, file: string): ArrayContents {
  const contents: ArrayContents = { arrays: new Map(), leftOut: new Map() };
  const unpacking = new Unpacking(bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const header = headerAt(bytes, at);
    if (!header) {
      throw formatError(file, `is damaged: at byte ${at} it goes on with what is no matrix of level 4.`, {
        offset: at,
      });
    }
    const { isLittle, type, rows, columns, isComplex, nameLength } = header;
    const array = arrayTypes[type];
    const begin = at + HEADER + nameLength;
    const count = rows * columns;
    const length = count * array.BYTES_PER_ELEMENT;
    const end = begin + length * (isComplex ? 2 : 1);
    const name = new TextDecoder("latin1").decode(bytes.slice(at + HEADER, begin)).replace(/\0.*/s, "");
    if (!(end <= bytes.length)) {
      const problem = `truncated: its numbers end at byte ${end}, the file has ${bytes.length}.`;
      throw formatError(`${file}:${name}`, problem, { tensor: name, offset: at, expected: end, found: bytes.length });
    }
    at = end;
    contents.arrays.delete(name);
    const left = reasonToLeaveOut(header);
    if (left !== undefined) {
      contents.leftOut.set(name, left);
      continue;
    }
    unpacking.take(length, `${file}:${name}`, { tensor: name });
    const copy = bytes.slice(begin, begin + length);
    if (!isLittle) swapByteOrder(copy, array.BYTES_PER_ELEMENT);
    contents.leftOut.delete(name);
    contents.arrays.set(
      name,
      asInMatlab({ dtype: type, shape: [columns, rows], data: readArray(copy, 0, count, array) }),
    );
  }
  return contents;
}

/** Says why a matrix is not read; undefined if it is. */
function reasonToLeaveOut({ content, isComplex, rows, columns }: Header): string | undefined {
  if (content === TEXT) return leftOutAs.text;
  if (content === SPARSE) return leftOutAs.sparse;
  if (isComplex) return leftOutAs.complex;
  return rows * columns === 0 ? leftOutAs.empty : undefined;
}
