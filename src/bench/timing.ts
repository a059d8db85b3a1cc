// Repeated measurements and how they are told.

/** Milliseconds of one repetition. */
export interface Timing {
  median: number;
  /** First and third quartile. */
  low: number;
  high: number;
  repetitions: number;
}

export function timingOf(times: readonly number[]): Timing {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  return { median: at(0.5), low: at(0.25), high: at(0.75), repetitions: sorted.length };
}

export const formatTiming = ({ median, low, high }: Timing): string =>
  `${median.toFixed(2)} ms (${low.toFixed(2)}-${high.toFixed(2)})`;

/** Lines of cells, the first of them the heading, as text with aligned columns. */
export function formatTable(lines: readonly string[][]): string[] {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}
