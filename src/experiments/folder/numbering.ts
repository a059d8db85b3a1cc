// The numbers in the names of a sequence's frames, and the names and times that go on from those of its last frame.

/** A file's name with a number at its end, which counts frames. */
export interface Numbered {
  path: string;
  /** Its name up to the number, and the extension: what the frames of a sequence have in common. */
  start: string;
  digits: string;
  extension: string;
}

/** Returns the last number in a file's name; undefined if none is before its extension. */
export function numberIn(path: string): Numbered | undefined {
  const match = /^(.*?)(\d+)(\.\w+)$/.exec(path);
  return match ? { path, start: match[1], digits: match[2], extension: match[3] } : undefined;
}

/**
 * Returns what gives the path of a sequence's file by its place, and past the last file one that goes on: its number by the last
 * difference, or if the name has none, a number from 1 on.
 */
export function pathsOf(files: readonly string[]): (place: number) => string {
  const last = files[files.length - 1];
  const number = numberIn(last);
  const isAlike = (other: Numbered) => other.start === number?.start && other.extension === number.extension;
  const numbers = files
    .flatMap((path) => numberIn(path) ?? [])
    .filter(isAlike)
    .map(({ digits }) => BigInt(digits));
  const latest = numbers.reduce((most, one) => (one > most ? one : most), 0n);
  const [before, after] = numbers.slice(-2);
  const step = after > before ? after - before : 1n;
  return (place) => {
    if (place < files.length) return files[place];
    const past = BigInt(place - files.length + 1);
    if (!number) return last.replace(/(\.\w+)?$/, (extension) => `_${past}${extension}`);
    const { start, digits, extension } = number;
    return start + String(latest + past * step).padStart(digits.length, "0") + extension;
  };
}

/**
 * Finds a gap in a sequence of numbered files: two that are further apart than the closest.
 * @param step the smallest distance of two files
 */
export function gapIn(files: readonly string[]): { before: string; after: string; step: number } | undefined {
  const numbers = files.map((path) => Number(numberIn(path)?.digits));
  const steps = numbers.slice(1).map((number, i) => number - numbers[i]);
  const step = steps.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const i = steps.findIndex((other) => other > step);
  return i < 0 ? undefined : { before: files[i], after: files[i + 1], step };
}

/** Returns the time of a sequence's file; past the last one times go on by the last difference. Without times the files count. */
export function timeAt(place: number, times: readonly number[] | undefined): number {
  if (!times || place < times.length) return times?.[place] ?? place;
  const [before, last] = times.length > 1 ? times.slice(-2) : [times[0] - 1, times[0]];
  // Without the last digit, in which 0.3 - 0.2 differs from 0.1.
  return Number((last + (place - times.length + 1) * (last - before)).toPrecision(15));
}
