// Checksums by which file formats detect damage: cyclic redundancy checks, and Adler-32.

/** Returns the table of each byte's remainder for a polynomial, whose bits are given in reverse order. */
const tableOf = (polynomial: number) =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });

function checksum(bytes: Uint8Array, table: Uint32Array): number {
  let value = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) value = (value >>> 8) ^ table[(value ^ bytes[i]) & 255];
  return ~value >>> 0;
}

const zipTable = tableOf(0xedb88320);
const castagnoliTable = tableOf(0x82f63b78);

/** CRC-32 as ZIP defines it. */
export const crc32 = (bytes: Uint8Array): number => checksum(bytes, zipTable);

/** CRC-32C (Castagnoli), which TensorFlow's records use. */
export const crc32c = (bytes: Uint8Array): number => checksum(bytes, castagnoliTable);

/** Adler-32, the checksum at the end of zlib data. */
export function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  // The sums stay below 2^32 for this many bytes, so that only then a remainder has to be taken.
  const batch = 5552;
  for (let start = 0; start < bytes.length; start += batch) {
    const end = Math.min(start + batch, bytes.length);
    for (let i = start; i < end; i++) high += low += bytes[i];
    low %= 65_521;
    high %= 65_521;
  }
  return high * 65_536 + low;
}
