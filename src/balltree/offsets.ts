// Where each cloud of a batch begins, and to which cloud each point belongs: checks a batch index or offsets, and returns offsets.
import { type Indices, toIndices } from "../arguments/indices.ts";
import { InputError } from "../errors.ts";
import { howToAllow, limits } from "../limits.ts";

/** How a batch is divided into clouds: one of the two fields, or neither for a single cloud. */
export interface CloudDivision {
  /** [points] The cloud of each point: sorted, starting at 0, without gaps. */
  batchIdx?: Indices | undefined;
  /** [B+1] The first point of each cloud, then the number of points. */
  offsets?: Indices | undefined;
}

/**
 * Returns the first point of each cloud, [B+1], ending with `points`. Without `batchIdx` and `offsets`, all points are
 * one cloud.
 *
 * @throws InputError with `details.row`, the first offending row, if there are no points, a cloud is empty, the batch
 *   index is unsorted or has gaps, or a length does not match
 */
export function cloudOffsets(points: number, division: CloudDivision = {}): Int32Array {
  // They may also be null instead of undefined.
  const batchIdx = division.batchIdx == null ? undefined : toIndices("batchIdx", division.batchIdx);
  const offsets = division.offsets == null ? undefined : toIndices("offsets", division.offsets);
  if (points === 0) {
    throw new InputError("There are no points, expected at least one in every cloud.", { row: 0 });
  }
  if (batchIdx && offsets) {
    throw new InputError("Both batchIdx and offsets were given, expected one of them: leave one out.", {});
  }
  expectWithin("points", points);
  if (!batchIdx && !offsets) return Int32Array.of(0, points);
  const result = batchIdx ? offsetsOfBatchIdx(points, batchIdx) : checkedOffsets(points, offsets!);
  expectWithin("clouds", result.length - 1);
  return result;
}

/** The inverse of `cloudOffsets`: returns the cloud of each point. */
export function cloudOfEach(offsets: Int32Array | Uint32Array): Int32Array<ArrayBuffer> {
  const clouds = new Int32Array(offsets.at(-1)!);
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) clouds.fill(cloud, offsets[cloud], offsets[cloud + 1]);
  return clouds;
}

function expectWithin(limit: "points" | "clouds", found: number): void {
  if (found <= limits[limit]) return;
  throw new InputError(`The batch has ${found} ${limit}, ${howToAllow(limit, found)}.`, {
    limit,
    expected: limits[limit],
    found,
  });
}

function offsetsOfBatchIdx(points: number, batchIdx: Int32Array): Int32Array {
  if (batchIdx.length !== points) {
    throw new InputError(`batchIdx has ${batchIdx.length} entries, expected one for each of the ${points} points.`, {
      tensor: "batchIdx",
      row: Math.min(batchIdx.length, points),
    });
  }
  const starts: number[] = [];
  let cloud = -1;
  for (let row = 0; row < points; row++) {
    const value = batchIdx[row];
    if (row > 0 && value === cloud) continue;
    if (value !== cloud + 1) throw badBatchIdx(row, value, cloud);
    cloud = value;
    starts.push(row);
  }
  starts.push(points);
  return Int32Array.from(starts);
}

function badBatchIdx(row: number, value: number, previous: number): InputError {
  const details = { tensor: "batchIdx", row };
  if (row === 0) return new InputError(`batchIdx begins with ${value}, expected 0: number the clouds from 0.`, details);
  const expected = `expected ${previous} or ${previous + 1} (sorted, without gaps)`;
  const advice =
    value > previous + 1
      ? "a cloud without points cannot be in a batch: renumber the clouds"
      : "sort the points by cloud and number the clouds 0, 1, 2, ...";
  return new InputError(`batchIdx[${row}] is ${value} after ${previous}, ${expected}; ${advice}.`, details);
}

function checkedOffsets(points: number, offsets: Int32Array): Int32Array {
  const tensor = "offsets";
  if (offsets.length < 2) {
    throw new InputError(`offsets has ${offsets.length} entries, expected one for each cloud and one more.`, {
      tensor,
      row: 0,
    });
  }
  // A number for each point is a batch index, which ends with the number of a cloud.
  if (offsets.length === points && offsets[points - 1] < points - 1) {
    throw new InputError(
      `offsets has an entry for each of the ${points} points, as a batchIdx: expected the first point of each cloud, then ${points}.`,
      { tensor, row: 0 },
    );
  }
  if (offsets[0] !== 0) throw new InputError(`offsets[0] is ${offsets[0]}, expected 0.`, { tensor, row: 0 });
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) {
    const start = offsets[cloud];
    const end = offsets[cloud + 1];
    if (end === start) {
      throw new InputError(
        `Cloud ${cloud} is empty (offsets[${cloud}] = offsets[${cloud + 1}] = ${start}): leave it out.`,
        {
          tensor,
          row: start,
          cloud,
        },
      );
    }
    if (end < start) {
      throw new InputError(
        `offsets[${cloud + 1}] is ${end} after ${start}, expected larger numbers: the first point of each cloud.`,
        { tensor, row: start, cloud },
      );
    }
  }
  const last = offsets[offsets.length - 1];
  if (last !== points) {
    throw new InputError(`offsets ends with ${last}, expected the number of points, ${points}.`, {
      tensor,
      row: Math.min(last, points),
    });
  }
  return Int32Array.from(offsets);
}
