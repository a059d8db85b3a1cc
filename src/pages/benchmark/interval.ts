// Formats a median with as many digits as its interval makes meaningful.

import type { Measure } from "./entry.ts";

type Time = NonNullable<Measure["time"]>;

/** Formats a time: "12.3 ms", or seconds from 1000 ms on. */
export function timeText({ median, interval }: Time): string {
  const [value, unit] = median >= 1000 ? [median / 1000, "s"] : [median, "ms"];
  return `${value.toFixed(decimals({ median, interval }))} ${unit}`;
}

/** Formats an interval, "12.1 – 12.6", in the unit of `timeText`; undefined if there is none. */
export function intervalText({ median, interval }: Time): string | undefined {
  if (!interval) return undefined;
  const factor = median >= 1000 ? 1000 : 1;
  const digits = decimals({ median, interval });
  return `${(interval.low / factor).toFixed(digits)} – ${(interval.high / factor).toFixed(digits)}`;
}

/**
 * Returns the number of decimals. The last digit that is shown is the first one that the interval leaves uncertain, and the median's
 * first digit is always shown; without an interval there are three digits.
 */
function decimals({ median, interval }: Time): number {
  const factor = median >= 1000 ? 1000 : 1;
  const first = -Math.floor(Math.log10(median / factor));
  const three = first + 2;
  const width = interval ? (interval.high - interval.low) / factor : 0;
  const certain = width > 0 ? -Math.floor(Math.log10(width)) : three;
  return Math.max(0, Math.min(6, Math.max(first, certain), three + 1));
}
