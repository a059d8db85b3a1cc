// Arrays of texts in files of named arrays, which are read where they are asked for: they may be the labels of classes.

import { decodeName, fromLatin1 } from "./text.ts";

/** An array of texts. */
export interface TextArray {
  /** [] for a single text. */
  shape: number[];
  /** Row-major. */
  texts: string[];
}

/**
 * Returns a function that decodes a text up to its first zero, in UTF-8 or else in the encoding of Windows. Equal texts are decoded once,
 * since labels are many and few differ.
 */
export function decoder(): (bytes: Uint8Array, start: number, length: number) => string {
  const known = new Map<string, string>();
  return (bytes, start, length) => {
    let key = "";
    let end = start;
    for (; end < start + length && bytes[end] !== 0; end++) key += String.fromCharCode(bytes[end]);
    const text = known.get(key) ?? decodeName(fromLatin1(bytes.subarray(start, end)));
    known.set(key, text);
    return text;
  };
}
