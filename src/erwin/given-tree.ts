// Trees that callers bring: used as they are, after it is checked that passes over them stay within bounds.

import { type Indices, toIndices, toMask } from "../arguments/indices.ts";
import { type BallTree, cloudOfEach, treeLevels } from "../balltree/index.ts";
import { InputError } from "../errors.ts";
import type { ErwinConfig } from "./config.ts";

/** A tree that was built elsewhere; it is used as it is, after its bounds are checked. It may have more fields, like a `BallTree`. */
export interface GivenTree {
  /** [slots] The point in each slot, clouds one after the other. */
  treeIdx: Indices;
  /** [slots] 1 if the slot holds the point itself, 0 if a duplicate. */
  treeMask: Uint8Array | Indices | readonly boolean[];
  /** For each level the rotated order of its nodes; required if the model rotates. */
  treeIdxRot?: readonly Indices[];
}

/**
 * Returns a given tree as a `BallTree`, with memory of its own.
 * @param offsets [clouds + 1] the first point of each cloud
 * @throws InputError naming the array and the first entry that is wrong
 */
export function givenTree(
  { dimensionality, strides, ballSizes, rotate }: ErwinConfig,
  given: GivenTree,
  offsets: Int32Array,
): BallTree {
  // What has been checked must stay as it is.
  const treeIdx = toIndices("treeIdx", given.treeIdx).slice();
  const treeMask = toMask("treeMask", given.treeMask).slice();
  const levels = treeLevels(offsets, strides, ballSizes);
  const [{ nodes, offsets: slots }] = levels;
  checkLength("treeIdx", treeIdx, nodes);
  checkLength("treeMask", treeMask, nodes);
  checkSlots({ treeIdx, treeMask }, slots, offsets);
  const treeIdxRot = rotate ? rotatedOrders(given.treeIdxRot) : [];
  if (rotate && treeIdxRot.length !== levels.length) {
    throw new InputError(
      `the tree has ${treeIdxRot.length} rotated orders (treeIdxRot), expected one for each of the ${levels.length} levels`,
      {
        tensor: "treeIdxRot",
        expected: levels.length,
        found: treeIdxRot.length,
      },
    );
  }
  treeIdxRot.forEach((order, l) => {
    checkLength(`treeIdxRot[${l}]`, order, levels[l].nodes);
    checkPermutation(`treeIdxRot[${l}]`, order, levels[l].offsets);
  });
  return { dimensionality, treeIdx, treeMask, treeIdxRot, offsets: slots, cloudOffsets: offsets, levels };
}

function rotatedOrders(orders: readonly Indices[] = []): Int32Array[] {
  if (Array.isArray(orders)) return orders.map((order, l) => toIndices(`treeIdxRot[${l}]`, order).slice());
  throw new InputError("treeIdxRot must be a list with an array for each level", { tensor: "treeIdxRot" });
}

function checkLength(tensor: string, { length }: ArrayLike<number>, expected: number): void {
  if (length === expected) return;
  throw new InputError(`${tensor} has ${length} entries, expected ${expected} for these clouds`, {
    tensor,
    expected,
    found: length,
  });
}

/**
 * Checks that every slot holds a point of its own cloud, and that every point is in exactly one slot that is not a
 * duplicate.
 */
function checkSlots(
  { treeIdx, treeMask }: { treeIdx: Int32Array; treeMask: Uint8Array },
  slots: Int32Array,
  points: Int32Array,
): void {
  const seen = new Uint8Array(points.at(-1)!);
  cloudOfEach(slots).forEach((cloud, slot) => {
    const point = treeIdx[slot];
    const details = { tensor: "treeIdx", row: slot };
    if (point < points[cloud] || point >= points[cloud + 1]) {
      throw new InputError(
        `treeIdx[${slot}] is ${point}, but slot ${slot} belongs to cloud ${cloud}, whose points are ${points[cloud]} to ${points[cloud + 1] - 1}`,
        details,
      );
    }
    if (!treeMask[slot]) return;
    if (seen[point])
      throw new InputError(
        `treeIdx[${slot}] holds point ${point} a second time without treeMask marking it a duplicate`,
        details,
      );
    seen[point] = 1;
  });
  const absent = seen.indexOf(0);
  if (absent >= 0) throw new InputError(`the tree does not hold point ${absent}`, { tensor: "treeIdx", row: absent });
}

function checkPermutation(tensor: string, order: Int32Array, offsets: Int32Array): void {
  const seen = new Uint8Array(order.length);
  cloudOfEach(offsets).forEach((cloud, at) => {
    const [first, end] = [offsets[cloud], offsets[cloud + 1]];
    const node = order[at];
    if (node < first || node >= end || seen[node]) {
      throw new InputError(
        `${tensor}[${at}] is ${node}, expected each of cloud ${cloud}'s nodes ${first} to ${end - 1} exactly once`,
        { tensor, row: at },
      );
    }
    seen[node] = 1;
  });
}
