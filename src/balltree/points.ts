// Checks what trees and graphs have in common: positions, how they are divided into clouds, threads.
import { ConfigError, InputError } from "../errors.ts";
import type { BadRow } from "./execute.ts";
import { type CloudDivision, cloudOffsets } from "./offsets.ts";

export interface PointsOptions extends CloudDivision {
  /** Coordinates of a point, D. */
  dimensionality: number;
  /** Threads to use; by default one for each processor, at most 8. The result does not depend on it. */
  threads?: number | undefined;
}

/** Throws a ConfigError naming `field` unless `value` is a whole number of at least `least`. */
export function checkWhole(value: number, field: string, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new ConfigError(`${field} is ${value}, expected a whole number of at least ${least}.`, { field });
}

/** The offsets of the clouds of checked positions; whether coordinates are finite is seen later. */
export function checkPoints(positions: Float32Array, options: PointsOptions): Int32Array {
  const { dimensionality, threads } = options;
  checkWhole(dimensionality, "dimensionality", 1);
  if (threads !== undefined) checkWhole(threads, "threads", 1);
  if (!(positions instanceof Float32Array)) {
    throw new InputError("positions is no Float32Array: convert it with Float32Array.from.", { tensor: "positions" });
  }
  if (positions.length % dimensionality !== 0) {
    throw new InputError(
      `positions has ${positions.length} numbers, expected a multiple of the dimensionality, ${dimensionality}.`,
      { tensor: "positions", row: Math.floor(positions.length / dimensionality) },
    );
  }
  return cloudOffsets(positions.length / dimensionality, options);
}

/** The error for a coordinate that is NaN or infinite. */
export function badCoordinate(positions: Float32Array, dimensionality: number, { row }: BadRow): InputError {
  const coordinates = Array.from(positions.subarray(row * dimensionality, (row + 1) * dimensionality));
  return new InputError(
    `Point ${row} is at (${coordinates.join(", ")}), expected finite coordinates: remove or repair the point.`,
    { tensor: "positions", row },
  );
}
