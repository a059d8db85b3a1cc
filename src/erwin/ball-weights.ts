// The attention weights of one row in its ball, on the host.

/** The rows of one ball and who asks. */
export interface BallRows {
  /** [size, 3 width] The queries of all heads, then the keys, then the values. */
  qkv: Float32Array;
  /** [size, dimensions] */
  positions: Float32Array;
  dimensions: number;
  /** [heads] */
  sigma: Float32Array;
  /** The row that attends. */
  query: number;
  size: number;
  width: number;
}

/** softmax over the ball's rows j of q . k_j / sqrt(E) + sigma |p - p_j|: [heads, size]. */
export function weightsInBall({
  qkv,
  positions,
  dimensions,
  sigma,
  query,
  size,
  width,
}: BallRows): Float32Array<ArrayBuffer> {
  const heads = sigma.length;
  const headWidth = width / heads;
  const weights = new Float32Array(heads * size);
  for (let head = 0; head < heads; head++) {
    const scores = new Float64Array(size);
    for (let j = 0; j < size; j++) {
      let product = 0;
      for (let column = head * headWidth; column < (head + 1) * headWidth; column++) {
        product += qkv[query * 3 * width + column] * qkv[j * 3 * width + width + column];
      }
      let squared = 0;
      for (let d = 0; d < dimensions; d++) {
        squared += (positions[query * dimensions + d] - positions[j * dimensions + d]) ** 2;
      }
      scores[j] = product / Math.sqrt(headWidth) + sigma[head] * Math.sqrt(squared);
    }
    const most = scores.reduce((a, b) => Math.max(a, b));
    const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0);
    for (let j = 0; j < size; j++) weights[head * size + j] = Math.exp(scores[j] - most) / total;
  }
  return weights;
}
