// Radius and nearest-neighbour graphs by comparing all pairs of a cloud, in float64.

/** Edges i -> j with ||p_i - p_j|| < radius, i = j among them, the nearest 32 into each j: sources, then targets. */
export function radiusEdges(
  positions: ArrayLike<number>,
  dimensionality: number,
  offsets: ArrayLike<number>,
  radius: number,
): Int32Array {
  return nearest(positions, dimensionality, offsets, { radius, limit: 32, loop: true });
}

/** Edges from the k nearest points of its cloud into each point: sources, then targets. */
export function knnEdges(
  positions: ArrayLike<number>,
  dimensionality: number,
  offsets: ArrayLike<number>,
  k: number,
  { loop = false } = {},
): Int32Array {
  return nearest(positions, dimensionality, offsets, { radius: Number.POSITIVE_INFINITY, limit: k, loop });
}

function nearest(
  positions: ArrayLike<number>,
  D: number,
  offsets: ArrayLike<number>,
  { radius, limit, loop }: { radius: number; limit: number; loop: boolean },
): Int32Array {
  const sources: number[] = [];
  const targets: number[] = [];
  for (let b = 0; b + 1 < offsets.length; b++) {
    const start = offsets[b];
    const end = offsets[b + 1];
    for (let j = start; j < end; j++) {
      const near: { id: number; distance: number }[] = [];
      for (let i = start; i < end; i++) {
        if (i === j && !loop) continue;
        let squares = 0;
        for (let a = 0; a < D; a++) squares += (positions[i * D + a] - positions[j * D + a]) ** 2;
        const distance = Math.sqrt(squares);
        if (distance < radius) near.push({ id: i, distance });
      }
      near.sort((p, q) => p.distance - q.distance || p.id - q.id);
      for (const { id } of near.slice(0, limit)) {
        sources.push(id);
        targets.push(j);
      }
    }
  }
  return Int32Array.from([...sources, ...targets]);
}
