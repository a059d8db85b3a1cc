// LZ4 blocks, Yann Collet's format (LZ4 Block Format Description), by which VTK and ParaView can compress.

import { LzOutput } from "./lz.ts";

/** Matches have at least this many bytes. */
const MIN_MATCH = 4;
/** The largest length that is in a step's first byte, of four bits; longer ones go on in bytes that are added up. */
const IN_TOKEN = 15;

/**
 * Decompresses a block whose decompressed size should be `size` bytes. Each step is a byte of two lengths, plain bytes, and the distance
 * from which bytes are repeated; the last step has only plain bytes.
 * @throws Error for damaged data, and for data of any other size
 */
export function decompressLz4(packed: Uint8Array, size: number): Uint8Array {
  const output = new LzOutput(size);
  let at = 0;
  const readLength = (start: number): number => {
    let length = start;
    if (start < IN_TOKEN) return length;
    let more: number;
    do {
      more = packed[at++] ?? 0;
      length += more;
    } while (more === 255);
    return length;
  };
  while (at < packed.length) {
    const token = packed[at++];
    const plain = readLength(token >> 4);
    output.append(packed, at, plain);
    at += plain;
    if (at === packed.length) break;
    const distance = packed[at++] | (packed[at++] << 8);
    output.repeat(distance, readLength(token & 15) + MIN_MATCH);
  }
  return output.whole();
}

/** Returns a block that holds bytes as they are, in a single step. */
export function storeLz4(bytes: Uint8Array): Uint8Array {
  const isLong = bytes.length >= IN_TOKEN;
  const rest = isLong ? bytes.length - IN_TOKEN : 0;
  const more = isLong ? Math.floor(rest / 255) + 1 : 0;
  const result = new Uint8Array(1 + more + bytes.length);
  result[0] = Math.min(bytes.length, IN_TOKEN) << 4;
  if (isLong) {
    result.fill(255, 1, more);
    result[more] = rest % 255;
  }
  result.set(bytes, 1 + more);
  return result;
}
