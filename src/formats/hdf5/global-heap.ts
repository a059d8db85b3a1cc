// Global heaps, in which HDF5 keeps texts and what is of any length. The library walks through the objects of one without end, if a
// damaged size leads it nowhere or back. Format: "HDF5 File Format Specification 3.0", section III.E.

import { formatError, toDataView } from "../bytes/bytes.ts";

/** How a heap begins: "GCOL", its version, three zeros. */
const SIGNATURE = [0x47, 0x43, 0x4f, 0x4c, 1, 0, 0, 0];
/** The bytes before the objects, and those of an object before its content: its number, 0 for what is free, and at 8 its size. */
const [HEAP_HEAD, OBJECT_HEAD] = [16, 16];

/** Where a file may begin: after nothing, or what its owner put before it, as MATLAB does. */
const beginnings = [0, 512];

/** Whether a file's sizes have 8 bytes, as all programs write them that are known. */
function hasLargeSizes(bytes: Uint8Array): boolean {
  const begin = beginnings.find((at) => bytes[at] === 0x89 && bytes[at + 1] === 0x48) ?? 0;
  return bytes[begin + (bytes[begin + 8] < 2 ? 14 : 10)] === 8;
}

/** @throws FormatError for a file of which a heap has an object whose size is none */
export function checkGlobalHeaps(bytes: Uint8Array, file: string): void {
  if (!hasLargeSizes(bytes)) return;
  for (let at = bytes.indexOf(SIGNATURE[0]); at >= 0; at = bytes.indexOf(SIGNATURE[0], at + 1)) {
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) checkHeap(bytes, at, file);
  }
}

function checkHeap(bytes: Uint8Array, start: number, file: string): void {
  const view = toDataView(bytes);
  if (start + HEAP_HEAD > bytes.length) return;
  const end = Math.min(bytes.length, start + Number(view.getBigUint64(start + 8, true)));
  for (let at = start + HEAP_HEAD; at + OBJECT_HEAD <= end; ) {
    const size = Number(view.getBigUint64(at + 8, true));
    const isFree = view.getUint16(at, true) === 0;
    // As the library computes it, in 32 bits.
    const step = (isFree ? size : OBJECT_HEAD + Math.ceil(size / 8) * 8) % 2 ** 32;
    if (step === 0 || step >= 2 ** 31) {
      throw formatError(file, `is damaged: an object of a heap has the size ${size}.`, { offset: at + 8, found: size });
    }
    at += step;
  }
}
