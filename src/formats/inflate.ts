// Deflated data, unpacked no further than it is said to go: a few kilobytes can be made to unpack to gigabytes.

import { Inflate, inflateSync } from "fflate";
import { toDataView } from "./bytes.ts";
import { adler32 } from "./checksums.ts";

/** Deflate cannot pack tighter than this, so a size beyond it is a lie: refuse before memory is set aside for it. */
export const MOST_DEFLATED = 1032;
/** What is unpacked at once; no more than `MOST_DEFLATED` times as much comes of it. */
const CHUNK = 32_768;

/**
 * Unpacks what should be `size` bytes.
 * @throws Error for damaged data, and for data of any other length
 */
export function inflate(packed: Uint8Array, size: number): Uint8Array {
  // One byte more than said, so that data that goes on is noticed.
  const result =
    packed.length <= CHUNK ? inflateSync(packed, { out: new Uint8Array(size + 1) }) : inflateLong(packed, size);
  if (result.length !== size) {
    throw new Error(
      `it unpacks to ${result.length > size ? "more than" : "only"} ${Math.min(result.length, size)} bytes`,
    );
  }
  return result;
}

function inflateLong(packed: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(size + 1);
  const filled = inflateParts(packed, (part, at) => {
    result.set(part.subarray(0, size + 1 - at), at);
    return at + part.length <= size;
  });
  return result.subarray(0, Math.min(filled, size + 1));
}

/**
 * The bytes from `start` to `end` of what is unpacked; what comes after them is not unpacked.
 * @throws Error for damaged data, and for data that ends before
 */
export function inflateRange(packed: Uint8Array, start: number, end: number): Uint8Array {
  const result = new Uint8Array(end - start);
  const filled = inflateParts(packed, (part, at) => {
    const from = Math.max(start - at, 0);
    if (from < part.length) result.set(part.subarray(from, Math.max(from, end - at)), at + from - start);
    return at + part.length < end;
  });
  if (filled < end) throw new Error(`it unpacks to only ${filled} bytes`);
  return result;
}

/**
 * Unpacks piece by piece, in bounded memory.
 * @param use takes each piece and where it begins, and returns whether it wants more
 * @returns the bytes unpacked
 * @throws Error for damaged data
 */
function inflateParts(packed: Uint8Array, use: (part: Uint8Array, at: number) => boolean): number {
  let at = 0;
  let wanted = true;
  const stream = new Inflate((part) => {
    if (wanted && part.length > 0) wanted = use(part, at);
    at += part.length;
  });
  for (let start = 0; wanted && start < packed.length; start += CHUNK) {
    stream.push(packed.subarray(start, start + CHUNK), start + CHUNK >= packed.length);
  }
  return at;
}

/**
 * Unpacks what zlib packed, a header before deflated data and a checksum after it, and should be `size` bytes.
 * @throws Error for damaged data, and for data of any other length
 */
export function inflateZlib(packed: Uint8Array, size: number): Uint8Array {
  const [method, flags] = packed;
  if (packed.length < 6 || (method & 15) !== 8 || ((method << 8) | flags) % 31 !== 0 || flags & 32) {
    throw new Error("it does not begin as zlib's data does");
  }
  const end = packed.length - 4;
  const result = inflate(packed.subarray(2, end), size);
  if (adler32(result) !== toDataView(packed).getUint32(end, false)) throw new Error("its checksum is wrong");
  return result;
}
