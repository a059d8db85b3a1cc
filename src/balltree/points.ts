// What trees and graphs share: checks of positions, of their division into clouds and of threads; and the computation.
import { type AbortOptions, checkSignal } from "../abort.ts";
import { type Numbers, toRows } from "../arguments/numbers.ts";
import { expectWhole } from "../arguments/options.ts";
import { InputError } from "../errors.ts";
import { expectThreads } from "../host/threads.ts";
import type { BadRow, Request, ResultOf } from "./execute.ts";
import { type CloudDivision, cloudOffsets } from "./offsets.ts";
import { submit } from "./pool.ts";

export interface PointsOptions extends CloudDivision, AbortOptions {
  /** The number of coordinates of a point, D. */
  dimensionality: number;
  /**
   * The number of threads to use; by default one per processor, at most 8. More than 32 are no help, and more than
   * `limits.threads` are refused. The result does not depend on it.
   */
  threads?: number | undefined;
}

/** The names of the options that trees and graphs share. */
export const pointsOptions = {
  dimensionality: true,
  threads: true,
  batchIdx: true,
  offsets: true,
  signal: true,
} as const;

/**
 * Checks positions and returns them with the offsets of their clouds. Coordinates that are not finite are found later.
 */
export function checkPoints(
  given: Numbers,
  options: PointsOptions,
): { positions: Float32Array; cloudOffsets: Int32Array } {
  const { dimensionality, threads, signal } = options;
  checkSignal(signal);
  expectWhole("dimensionality", dimensionality, 1);
  if (threads !== undefined) expectThreads("threads", threads);
  const positions = toRows("positions", given, dimensionality);
  return { positions, cloudOffsets: cloudOffsets(positions.length / dimensionality, options) };
}

/** Executes a request on the pool. @throws InputError for a coordinate that is NaN or infinite */
export async function compute<Kind extends Request["kind"]>(
  request: Extract<Request, { kind: Kind }>,
  options: PointsOptions,
): Promise<ResultOf<Kind>> {
  const result = await submit(request, options);
  if (result.kind === "badRow") throw badCoordinate(request.positions, request.dimensionality, result);
  return result as ResultOf<Kind>;
}

function badCoordinate(positions: Float32Array, dimensionality: number, { row }: BadRow): InputError {
  const coordinates = Array.from(positions.subarray(row * dimensionality, (row + 1) * dimensionality));
  return new InputError(
    `Point ${row} is at (${coordinates.join(", ")}), expected finite coordinates: remove or repair the point.`,
    { tensor: "positions", row },
  );
}
