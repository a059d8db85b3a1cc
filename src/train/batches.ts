// Clouds joined into the batch a model takes.

/** The clouds' rows one after the other. */
export function joinRows(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The first point of each cloud, and their number. */
export function offsetsOf(points: readonly number[]): Int32Array {
  const offsets = new Int32Array(points.length + 1);
  points.forEach((count, cloud) => {
    offsets[cloud + 1] = offsets[cloud]! + count;
  });
  return offsets;
}
