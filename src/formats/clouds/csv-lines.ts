// The lines of a table, one after the other: no string can hold all of a large one, and an array of them takes forty times its memory.

import { expectWithin } from "../bytes/bytes.ts";
import { fromLatin1 } from "../bytes/text.ts";

/** The bytes that are decoded at once. */
const PIECE = 2 ** 18;

/** A line ends with LF, CR and LF, or CR alone. */
const afterLine = /(?<=\n|\r(?!\n))/;

/**
 * Yields lines with what ends them, one character for each byte.
 * @param piece the bytes that are decoded at once
 * @throws FormatError for a longer line than the limit allows
 */
export function* linesOf(bytes: Uint8Array, file: string, piece = PIECE): Generator<string> {
  // What may go on in the next piece: a line, or its end.
  let open = "";
  for (let at = 0; at < bytes.length; at += piece) {
    const text = fromLatin1(bytes.subarray(at, at + piece));
    // A line of many pieces is not searched again with each of them.
    if (!/[\r\n]/.test(text) && !open.endsWith("\r") && !open.endsWith("\n")) {
      open += text;
      expectWithin("lineBytes", open.length, file, `not text: a line of ${open.length} bytes`);
      continue;
    }
    const lines = (open + text).split(afterLine);
    open = lines.pop() as string;
    yield* lines;
  }
  if (open !== "") yield open;
}
