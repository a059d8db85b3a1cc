// Finds where the frames of a file of text begin, however large the file is: only a piece of it is in memory at a time, and the lines
// of points are counted, not read.

import { type PartialFile, readPart } from "../sources/partial-file.ts";

/** The bytes of a frame in its file. */
export interface Frame {
  offset: number;
  length: number;
}

/** What a line says about frames. */
export interface FrameLine {
  /** Whether a frame begins with it, or with the first line since the last frame began that `mayBegin` one. */
  begins?: boolean;
  /** Whether a frame begins with it if a later line says so. */
  mayBegin?: boolean;
  /** The number of lines after it that are passed over. */
  skip?: number;
}

/** How the frames of a format are found. */
export interface FrameSearch {
  /** Whether a file that begins with these bytes may have frames. Default: any file. */
  accepts?(head: Uint8Array): boolean;
  /** The number of characters at the beginning of a line that `look` needs; it may be given more. */
  longest: number;
  /** @returns undefined to end the search */
  look(line: string): FrameLine | undefined;
  /** Whether a last line without an end is looked at. Default: no, since it may be cut off. */
  looksAtRest?: boolean;
}

/** The bytes that are read first, which `accepts` is given, and then at a time. */
const [HEAD, PIECE] = [2 ** 16, 2 ** 24];
const LINE_FEED = 0x0a;

/** Returns the frames of a file. What follows the last one and is no frame belongs to it. */
export async function findFrames(
  file: PartialFile,
  { accepts = () => true, longest, look, looksAtRest = false }: FrameSearch,
): Promise<Frame[]> {
  const { size } = file;
  const starts: number[] = [];
  const frames = () => starts.map((offset, i) => ({ offset, length: (starts[i + 1] ?? size) - offset }));
  /** The lines that are still to be passed over. If there are none, `line` is what has come of the current one. */
  let [skip, line, start] = [0, "", 0];
  let candidate: number | undefined;
  /** @returns whether to go on */
  const take = () => {
    const found = look(line);
    if (found?.mayBegin) candidate ??= start;
    if (found?.begins) {
      starts.push(candidate ?? start);
      candidate = undefined;
    }
    [skip, line] = [found?.skip ?? 0, ""];
    return found !== undefined;
  };
  for (let at = 0, length = 0; at < size; at += length) {
    const bytes = await readPart(file, at, Math.min(size, at + (at === 0 ? HEAD : PIECE)));
    length = bytes.length;
    if (at === 0 && !accepts(bytes)) return [];
    for (let i = 0, end = 0; i < length; i = end) {
      const lineFeed = bytes.indexOf(LINE_FEED, i);
      end = lineFeed < 0 ? length : lineFeed + 1;
      if (skip === 0 && line === "") start = at + i;
      if (skip === 0 && line.length < longest)
        line += String.fromCharCode(...bytes.subarray(i, Math.min(end, i + longest)));
      if (lineFeed < 0) continue;
      if (skip > 0) {
        skip--;
        continue;
      }
      if (!take()) return frames();
    }
  }
  if (looksAtRest && line !== "") take();
  return frames();
}
