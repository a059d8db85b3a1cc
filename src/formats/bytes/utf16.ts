// Text of two bytes a character (UTF-16), as PowerShell writes it, and Excel as "Unicode Text".

import { concatBytes } from "./bytes.ts";

/** The bytes that are decoded at once: no string can hold all of a large file. */
const PIECE = 2 ** 24;

/** Returns the order of a text's bytes, by its mark, or because it begins with two characters of ASCII; undefined for others. */
function orderOf(bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first && second === 0 && third && fourth === 0) return "utf-16le";
  return first === 0 && second && third === 0 && fourth ? "utf-16be" : undefined;
}

/** Returns the text that bytes are, in UTF-8 or UTF-16, without its mark. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(fromUtf16(bytes));

/** Returns a text in UTF-8 if it is in UTF-16, its mark included; else as it is. */
export function fromUtf16(bytes: Uint8Array): Uint8Array {
  const order = orderOf(bytes);
  if (order === undefined) return bytes;
  const decoder = new TextDecoder(order, { ignoreBOM: true });
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) {
    // A slice copies the bytes, because text decoders reject shared memory.
    const text = decoder.decode(bytes.slice(at, at + PIECE), { stream: at + PIECE < bytes.length });
    parts.push(encoder.encode(text));
  }
  return concatBytes(parts);
}
