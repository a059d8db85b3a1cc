// Ball multi-head self-attention: positions relative to the ball's centre, packed q k v, distance bias, softmax in each ball.

import { add, linear, type Matrix, matrix, meanOfGroups, subtractRows } from "./matrix.ts";

/** A cloud's nodes at one level: [start, end). */
export type Span = readonly [start: number, end: number];

export interface AttentionParameters {
  peWeight: Matrix;
  peBias: Matrix;
  qkvWeight: Matrix;
  qkvBias: Matrix;
  projWeight: Matrix;
  projBias: Matrix;
  sigma: ArrayLike<number>;
}

/** Positions minus the centre of their ball; a cloud smaller than a ball is one ball. */
function relativePositions(positions: Matrix, spans: readonly Span[], ballSize: number): Matrix {
  const D = positions.cols;
  const out = matrix(positions.rows, D);
  for (const [start, end] of spans) {
    const part = { rows: end - start, cols: D, data: positions.data.subarray(start * D, end * D) };
    const size = Math.min(ballSize, end - start);
    out.data.set(subtractRows(part, meanOfGroups(part, size), (row) => Math.floor(row / size)).data, start * D);
  }
  return out;
}

/** Computes the attention's output for normalised features y [nodes, d] at positions [nodes, D]. */
export function ballAttention(
  y: Matrix,
  positions: Matrix,
  spans: readonly Span[],
  ballSize: number,
  parameters: AttentionParameters,
): Matrix {
  const relative = relativePositions(positions, spans, ballSize);
  const qkv = linear(
    add(y, linear(relative, parameters.peWeight, parameters.peBias)),
    parameters.qkvWeight,
    parameters.qkvBias,
  );
  const heads = matrix(y.rows, y.cols);
  for (const [start, end] of spans) {
    const size = Math.min(ballSize, end - start);
    for (let ball = start; ball < end; ball += size) attendInBall(heads, qkv, positions, ball, size, parameters.sigma);
  }
  return linear(heads, parameters.projWeight, parameters.projBias);
}

/** Fills the rows [first, first + size) of `out`. Channel (h E + e) 3 + t of qkv is element e of head h of q, k, v. */
function attendInBall(
  out: Matrix,
  qkv: Matrix,
  positions: Matrix,
  first: number,
  size: number,
  sigma: ArrayLike<number>,
): void {
  const { data: values, cols: width } = qkv;
  const E = out.cols / sigma.length;
  const distances = new Float64Array(size);
  const weights = new Float64Array(size);
  for (let i = first; i < first + size; i++) {
    for (let j = 0; j < size; j++) distances[j] = distance(positions, i, first + j);
    for (let h = 0; h < sigma.length; h++) {
      const query = i * width + 3 * h * E;
      let largest = Number.NEGATIVE_INFINITY;
      for (let j = 0; j < size; j++) {
        const key = (first + j) * width + 3 * h * E + 1;
        let dot = 0;
        for (let e = 0; e < 3 * E; e += 3) dot += values[query + e] * values[key + e];
        weights[j] = dot / Math.sqrt(E) + sigma[h] * distances[j];
        largest = Math.max(largest, weights[j]);
      }
      let sum = 0;
      for (let j = 0; j < size; j++) {
        weights[j] = Math.exp(weights[j] - largest);
        sum += weights[j];
      }
      for (let e = 0; e < E; e++) {
        const value = first * width + 3 * (h * E + e) + 2;
        let weighted = 0;
        for (let j = 0; j < size; j++) weighted += weights[j] * values[value + j * width];
        out.data[i * out.cols + h * E + e] = weighted / sum;
      }
    }
  }
}

function distance(positions: Matrix, i: number, j: number): number {
  const D = positions.cols;
  let squares = 0;
  for (let a = 0; a < D; a++) {
    const difference = positions.data[i * D + a] - positions.data[j * D + a];
    squares += difference * difference;
  }
  return Math.sqrt(squares);
}
