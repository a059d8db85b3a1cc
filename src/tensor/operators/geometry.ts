// Operators on positions. They have no gradient.

import { expectSameDevice, matrixShape } from "../shapes.ts";
import { Tensor } from "../tensor.ts";
import { type Balls, ballListOf } from "./balls.ts";

/** positions - mean of the positions of the ball: [n, D] -> [n, D]. */
export function ballOffsets(positions: Tensor, balls: Balls): Tensor {
  const [rows, dimensions] = matrixShape("positions", positions);
  const offsets = new Tensor(positions.device, [rows, dimensions]);
  positions.device.operators.ballOffsets({
    positions: positions.storage,
    balls: ballListOf(balls),
    offsets: offsets.storage,
    rows,
    dimensions,
  });
  return offsets;
}

/** The rows source[index] and their ballOffsets in one: source [sources, D], index [n] -> both [n, D]. Indices are not checked. */
export function placeInBalls(source: Tensor, index: Tensor, balls: Balls): { positions: Tensor; offsets: Tensor } {
  const [sources, dimensions] = matrixShape("source", source);
  expectSameDevice({ source, index });
  const { device } = source;
  const rows = index.size;
  const positions = new Tensor(device, [rows, dimensions]);
  const offsets = new Tensor(device, [rows, dimensions]);
  device.operators.ballOffsets({
    positions: positions.storage,
    from: { source: source.storage, index: index.storage, sources },
    balls: ballListOf(balls),
    offsets: offsets.storage,
    rows,
    dimensions,
  });
  return { positions, offsets };
}

/**
 * The mean of each `stride` consecutive positions, and each position's offset from it: [g s, D] -> centres [g, D],
 * offsets [g, s D].
 */
export function coarsenPositions(positions: Tensor, stride: number): { centres: Tensor; offsets: Tensor } {
  const [rows, dimensions] = matrixShape("positions", positions);
  const groups = rows / stride;
  const centres = new Tensor(positions.device, [groups, dimensions]);
  const offsets = new Tensor(positions.device, [groups, stride * dimensions]);
  positions.device.operators.coarsenPositions({
    positions: positions.storage,
    centres: centres.storage,
    offsets: offsets.storage,
    groups,
    stride,
    dimensions,
  });
  return { centres, offsets };
}
