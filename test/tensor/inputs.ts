// Sizes and random inputs for the tests of the layers' operators.

import fc from "fast-check";
import type { Random } from "../support/clouds.ts";
import { type Given, given, runs } from "../support/operators.ts";

export const few = { ...runs, numRuns: 3 };
/** Sizes near those of the kernels' tiles, and 1. */
export const rowCounts = fc.constantFrom(1, 7, 63, 65, 130, 257);
export const widths = fc.constantFrom(1, 3, 8, 24, 33);

/** A weight whose products stay around 1. */
export const weight = (rows: number, cols: number, random: Random): Given =>
  given([rows, cols], random, { scale: 1 / Math.sqrt(cols) });
export const vector = (size: number, random: Random): Given => given([size], random, { scale: 0.3 });
export const normWeight = (size: number, random: Random): Given => given([size], random, { scale: 0.3, shift: 1 });
