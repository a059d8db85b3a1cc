// Positions of a tree's nodes. They have no gradient.

import { collect, register } from "../scopes.ts";
import { expectSameDevice, positionsShape } from "../shapes.ts";
import { Tensor } from "../tensor.ts";
import { type Balls, ballListOf } from "./balls.ts";

/** The nodes of one level: their positions and offsets from the mean of the positions of their ball, both [n, D]. */
export interface PlacedNodes {
  positions: Tensor;
  offsets: Tensor;
}

/** What the nodes of one level are: rows that an index [n] picks, or the means of `stride` consecutive rows each. */
export type NodeSource = { index: Tensor } | { stride: number };

/**
 * The positions of one level's nodes, computed from source [sources, D], in the order of the balls, and with an index [n] of nodes
 * also in this order. Of means also `fromMeans`, the offsets [n, stride D] of the rows from theirs. Indices are not checked.
 */
export function placeLevel(
  source: Tensor,
  from: NodeSource,
  balls: Balls,
  rotatedIndex?: Tensor,
): { straight: PlacedNodes; rotated: PlacedNodes | undefined; fromMeans: Tensor | undefined } {
  const [sources, dimensions] = positionsShape("source", source);
  const index = "index" in from ? from.index : undefined;
  expectSameDevice({ source, index, rotatedIndex });
  const { device } = source;
  const stride = "stride" in from ? from.stride : 1;
  const rows = index ? index.size : sources / stride;
  const { result, tensors } = collect(() => {
    const place = (): PlacedNodes => ({
      positions: new Tensor(device, [rows, dimensions]),
      offsets: new Tensor(device, [rows, dimensions]),
    });
    const straight = place();
    const rotated = rotatedIndex && place();
    const fromMeans = index ? undefined : new Tensor(device, [rows, stride * dimensions]);
    device.operators.placeLevel({
      source: source.storage,
      sources,
      from: index ? { index: index.storage } : { stride, offsets: fromMeans!.storage },
      balls: ballListOf(balls),
      straight: storagesOf(straight),
      rotated: rotated && { index: rotatedIndex.storage, ...storagesOf(rotated) },
      rows,
      dimensions,
    });
    return { straight, rotated, fromMeans };
  });
  for (const tensor of tensors) register(tensor);
  return result;
}

const storagesOf = ({ positions, offsets }: PlacedNodes) => ({
  positions: positions.storage,
  offsets: offsets.storage,
});
