// A median with as many digits as its interval leaves a meaning to.

import type { Measure } from "./entry.ts";

type Time = NonNullable<Measure["time"]>;

/** "12.3 ms", or seconds from 1000 ms on. */
export function timeText({ median, interval }: Time): string {
  const [value, unit] = median >= 1000 ? [median / 1000, "s"] : [median, "ms"];
  return `${value.toFixed(decimals({ median, interval }))} ${unit}`;
}

/** "12.1 – 12.6", in the unit of `timeText`; undefined where there is no interval. */
export function intervalText({ median, interval }: Time): string | undefined {
  if (!interval) return undefined;
  const factor = median >= 1000 ? 1000 : 1;
  const digits = decimals({ median, interval });
  return `${(interval.low / factor).toFixed(digits)} – ${(interval.high / factor).toFixed(digits)}`;
}

/**
 * The first digit that the interval leaves uncertain is the last that is shown, and the median's first digit always is; without an
 * interval there are three.
 */
function decimals({ median, interval }: Time): number {
  const factor = median >= 1000 ? 1000 : 1;
  const first = -Math.floor(Math.log10(median / factor));
  const three = first + 2;
  const width = interval ? (interval.high - interval.low) / factor : 0;
  const certain = width > 0 ? -Math.floor(Math.log10(width)) : three;
  return Math.max(0, Math.min(6, Math.max(first, certain), three + 1));
}
