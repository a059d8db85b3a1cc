// Sums over groups of rows: the rows that an index gathered from one row, or the rows of one cloud.

import type { Indices } from "../../arguments/indices.ts";
import type { Device, Storage } from "../../backends/device.ts";
import type { Destination } from "../../backends/operators.ts";
import { cloudOfEach, cloudOffsets } from "../../balltree/index.ts";
import { expectNumbers, matrixShape } from "../shapes.ts";
import { record, recording } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";
import { multiply } from "./arithmetic.ts";
import { type Places, unsigned } from "./rows.ts";

/**
 * A longer group is added up in parts of this many rows, and then its parts: two short sums are faster and more
 * accurate.
 */
const PART_ROWS = 128;

/** Groups on the device; `order` and `joins` exist only if groups are added up in parts. */
export type GroupTensors = {
  /** [total rows of all groups] */
  entries: Tensor;
  /** [parts + 1] Where the parts begin among the entries. */
  starts: Tensor;
  /** [parts] 0, 1, 2, ... */
  order?: Tensor;
  /** [groups + 1] Where the groups begin among the parts. */
  joins?: Tensor;
};

/** @param groups the rows of group g are entries[starts[g] .. starts[g + 1]] */
export function uploadGroups(device: Device, { starts, entries }: Places): GroupTensors {
  const parts = [0];
  const joins = [0];
  for (let group = 0; group + 1 < starts.length; group++) {
    const end = starts[group + 1];
    for (let at = starts[group] + PART_ROWS; at < end; at += PART_ROWS) parts.push(at);
    parts.push(end);
    joins.push(parts.length - 1);
  }
  const upload = (numbers: ArrayLike<number>) => Tensor.from(device, Uint32Array.from(numbers));
  const tensors = { entries: upload(entries), starts: upload(parts) };
  if (parts.length === joins.length) return tensors;
  return { ...tensors, order: upload([...parts.keys()].slice(0, -1)), joins: upload(joins) };
}

/** into[g] (+)= the sum over the rows of group g of x; x [rows, width], into [groups, width]. Does not record. */
export function sumGroups(
  x: { device: Device; storage: Storage; rows: number; width: number },
  groups: GroupTensors,
  into: Destination,
): void {
  const { device, storage, rows, width } = x;
  const { entries, starts, order, joins } = groups;
  const first = { gradient: storage, starts: starts.storage, entries: entries.storage, rows, width };
  const parts = starts.size - 1;
  if (!order || !joins) {
    device.operators.gatherRowsBackward({ ...first, into, sources: parts });
    return;
  }
  const sums = new Tensor(device, [parts, width]);
  device.operators.gatherRowsBackward({ ...first, into: { storage: sums.storage, accumulate: false }, sources: parts });
  device.operators.gatherRowsBackward({
    gradient: sums.storage,
    starts: joins.storage,
    entries: order.storage,
    into,
    sources: joins.size - 1,
    rows: parts,
    width,
  });
  sums.dispose();
}

/**
 * The sum over each cloud's rows: x [n, d] -> [clouds, d].
 * @param offsets [clouds + 1] the first row of each cloud, then n. Default: the clouds of a model's output, otherwise one cloud
 * @throws InputError with `details.row` if the offsets do not divide the rows into clouds of at least one row.
 */
export function cloudSums(x: Tensor, offsets?: Indices): Tensor {
  expectNumbers("x", x);
  const { device } = x;
  const [rows, width] = matrixShape("x", x);
  const starts = startsOf(x, rows, offsets);
  const clouds = starts.length - 1;
  const cloudOf = unsigned(cloudOfEach(starts));
  return scope(() => {
    const result = new Tensor(device, [clouds, width]);
    const groups = uploadGroups(device, { starts, entries: Uint32Array.from(cloudOf.keys()) });
    const into = { storage: result.storage, accumulate: false };
    sumGroups({ device, storage: x.storage, rows, width }, groups, into);
    for (const tensor of Object.values(groups)) tensor?.dispose();
    if (!recording(x)) return result;
    const index = Tensor.from(device, cloudOf);
    record(result, [x], { index }, (gradient, gradients, kept) => {
      const spread = new Tensor(device, [rows, width]);
      const out = spread.storage;
      device.operators.gatherRows({
        source: gradient.storage,
        index: kept.index.storage,
        out,
        sources: clouds,
        rows,
        width,
      });
      gradients.give(x, spread);
    });
    index.dispose();
    return result;
  });
}

/**
 * The mean over each cloud's rows, to pool a model's output: x [n, d] -> [clouds, d].
 * @param offsets [clouds + 1] the first row of each cloud, then n. Default: the clouds of a model's output, otherwise one cloud
 * @throws InputError with `details.row` if the offsets do not divide the rows into clouds of at least one row.
 */
export function cloudMeans(x: Tensor, offsets?: Indices): Tensor {
  return scope(() => {
    const sums = cloudSums(x, offsets);
    const starts = startsOf(x, x.shape[0] as number, offsets);
    const shares = Float32Array.from(starts.subarray(1), (end, c) => 1 / (end - starts[c]));
    return multiply(sums, Tensor.from(x.device, shares, [shares.length, 1]));
  });
}

/** Where the clouds of a tensor begin among its rows, then the number of rows. */
export const startsOf = ({ batchIdx }: Tensor, rows: number, offsets: Indices | undefined) =>
  unsigned(cloudOffsets(rows, offsets === undefined && batchIdx ? { batchIdx } : { offsets }));
