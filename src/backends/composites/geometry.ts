// The positions of a tree's nodes.

import type { LevelPlacement, Primitives } from "../operators.ts";

/** Computes the positions of one level's nodes and their offsets. */
export function placeLevel(device: Primitives, a: LevelPlacement): void {
  if (device.placeLevelAtOnce(a)) return;
  const { source, sources, from, balls, straight, rotated, rows, dimensions } = a;
  const shape = { balls, rows, dimensions };
  if ("index" in from) {
    device.ballOffsets({ ...straight, from: { source, index: from.index, sources }, ...shape });
  } else {
    const { stride, offsets } = from;
    const centres = straight.positions;
    device.coarsenPositions({ positions: source, centres, offsets, groups: rows, stride, dimensions });
    device.ballOffsets({ ...straight, ...shape });
  }
  if (!rotated) return;
  const { index, ...placed } = rotated;
  device.ballOffsets({ ...placed, from: { source: straight.positions, index, sources: rows }, ...shape });
}
