// Global heaps, in which HDF5 keeps texts and what is of any length. The library walks through the objects of one without end, if a
// damaged size leads it nowhere or back. Format: "HDF5 File Format Specification 3.0", section III.E.

import { formatError, toDataView } from "../bytes/bytes.ts";

/** How a heap begins: "GCOL", its version, three zeros. */
const SIGNATURE = [0x47, 0x43, 0x4f, 0x4c, 1, 0, 0, 0];
/** The bytes before the objects, and those of an object before its content: its number, 0 for what is free, and at 8 its size. */
const [HEAP_HEAD, OBJECT_HEAD] = [16, 16];

/** Where a file may begin: after nothing, or what its owner put before it, as MATLAB does. */
const beginnings = [0, 512];

/** The bytes of a heap that are looked at together, where a file is read in parts. */
const WINDOW = 2 ** 16;

/** A file's bytes. */
export interface HeapSource {
  readonly size: number;
  /** Returns the bytes from `start` to `end` or the file's end. */
  read(start: number, end: number): Uint8Array;
}

/** Whether a file's sizes have 8 bytes, as all programs write them that are known. */
function hasLargeSizes(source: HeapSource): boolean {
  const bytes = source.read(0, beginnings[beginnings.length - 1] + 16);
  const begin = beginnings.find((at) => bytes[at] === 0x89 && bytes[at + 1] === 0x48) ?? 0;
  return bytes[begin + (bytes[begin + 8] < 2 ? 14 : 10)] === 8;
}

/** Returns a check of parts of a file. */
export function heapCheck(source: HeapSource, file: string): (part: Uint8Array, start: number) => void {
  if (!hasLargeSizes(source)) return () => {};
  return (part, start) => {
    for (let at = part.indexOf(SIGNATURE[0]); at >= 0; at = part.indexOf(SIGNATURE[0], at + 1)) {
      if (SIGNATURE.every((byte, i) => part[at + i] === byte)) checkHeap(source, start + at, file);
    }
  };
}

/** @throws FormatError for a file of which a heap has an object whose size is none */
export function checkGlobalHeaps(bytes: Uint8Array, file: string): void {
  const source = { size: bytes.length, read: (start: number, end: number) => bytes.subarray(start, end) };
  heapCheck(source, file)(bytes, 0);
}

function checkHeap(source: HeapSource, start: number, file: string): void {
  let window = { start, bytes: source.read(start, start + WINDOW) };
  const viewAt = (at: number) => {
    if (at + OBJECT_HEAD > window.start + window.bytes.length)
      window = { start: at, bytes: source.read(at, at + WINDOW) };
    return toDataView(window.bytes.subarray(at - window.start));
  };
  if (start + HEAP_HEAD > source.size) return;
  const end = Math.min(source.size, start + Number(viewAt(start).getBigUint64(8, true)));
  for (let at = start + HEAP_HEAD; at + OBJECT_HEAD <= end; ) {
    const view = viewAt(at);
    const size = Number(view.getBigUint64(8, true));
    const isFree = view.getUint16(0, true) === 0;
    // As the library computes it, in 32 bits.
    const step = (isFree ? size : OBJECT_HEAD + Math.ceil(size / 8) * 8) % 2 ** 32;
    if (step === 0 || step >= 2 ** 31) {
      throw formatError(file, `is damaged: an object of a heap has the size ${size}.`, { offset: at + 8, found: size });
    }
    at += step;
  }
}
