// Gradients in float64: each operator computes its value with matrix.ts and records, in closed form, how to compute the gradients of
// its inputs from that of its result. `reverse.unit.test.ts` compares each of them with finite differences.

import { erf } from "./erf.ts";
import type { Matrix } from "./matrix.ts";
import * as M from "./matrix.ts";

/** A matrix and its accumulated gradient. */
export interface Variable extends Matrix {
  gradient: Float64Array;
}

/** A ball: its first row and its number of rows. */
export type BallRows = readonly [first: number, size: number];

/** Records operators as they are computed; `backward` plays them back. */
export class Reverse {
  readonly #steps: (() => void)[] = [];

  variable(rows: number, cols: number, values: ArrayLike<number>): Variable {
    return withGradient(M.matrix(rows, cols, values));
  }

  /** Computes the gradients of sum(result * probe) with respect to all variables. */
  backward(result: Variable, probe: ArrayLike<number>): void {
    for (let i = 0; i < result.data.length; i++) result.gradient[i] += probe[i];
    for (const step of this.#steps.reverse()) step();
  }

  /** x W^T + b. */
  linear(x: Variable, weight: Variable, bias?: Variable): Variable {
    return this.#note(M.linear(x, weight, bias ?? M.matrix(1, weight.rows)), (dy) => {
      const { rows, cols } = weight;
      for (let i = 0; i < x.rows; i++) {
        for (let o = 0; o < rows; o++) {
          const d = dy[i * rows + o];
          if (bias) bias.gradient[o] += d;
          for (let k = 0; k < cols; k++) {
            x.gradient[i * cols + k] += d * weight.data[o * cols + k];
            weight.gradient[o * cols + k] += d * x.data[i * cols + k];
          }
        }
      }
    });
  }

  add(a: Variable, b: Variable): Variable {
    return this.#note(M.add(a, b), (dy) => {
      addTo(a, (i) => dy[i]);
      addTo(b, (i) => dy[i]);
    });
  }

  multiply(a: Variable, b: Variable): Variable {
    return this.#note({ ...a, data: a.data.map((value, i) => value * b.data[i]) }, (dy) => {
      addTo(a, (i) => dy[i] * b.data[i]);
      addTo(b, (i) => dy[i] * a.data[i]);
    });
  }

  /** The rows of x in the order of an index, which may repeat a row. */
  gather(x: Variable, index: ArrayLike<number>): Variable {
    return this.#note(M.gather(x, index), (dy) => {
      dy.forEach((d, i) => {
        x.gradient[index[Math.floor(i / x.cols)] * x.cols + (i % x.cols)] += d;
      });
    });
  }

  /** y[index[i]] = x[i] for a permutation. */
  scatter(x: Variable, index: ArrayLike<number>): Variable {
    const inverse = new Int32Array(index.length);
    for (let i = 0; i < index.length; i++) inverse[index[i]] = i;
    return this.gather(x, inverse);
  }

  concatenate(...parts: Variable[]): Variable {
    const y = M.concatenate(...parts);
    return this.#note(y, (dy) => {
      let offset = 0;
      for (const part of parts) {
        const from = offset;
        addTo(part, (i) => dy[Math.floor(i / part.cols) * y.cols + from + (i % part.cols)]);
        offset += part.cols;
      }
    });
  }

  gelu(x: Variable): Variable {
    return this.#note(M.gelu(x), (dy) =>
      addTo(x, (i) => {
        const v = x.data[i];
        const density = Math.exp((-v * v) / 2) / Math.sqrt(2 * Math.PI);
        return dy[i] * (0.5 * (1 + erf(v / Math.SQRT2)) + v * density);
      }),
    );
  }

  silu(x: Variable): Variable {
    const share = (v: number) => 1 / (1 + Math.exp(-v));
    return this.#note({ ...x, data: x.data.map((v) => v * share(v)) }, (dy) =>
      addTo(x, (i) => dy[i] * share(x.data[i]) * (1 + x.data[i] * (1 - share(x.data[i])))),
    );
  }

  /** x / sqrt(mean(x^2) + 2^-23) * weight, row by row. */
  rmsNorm(x: Variable, weight: Variable): Variable {
    return this.#note(M.rmsNorm(x, weight), (dy) =>
      forRows(x, (row, at) => {
        const scale = 1 / Math.sqrt(meanOf(row, (v) => v * v) + 2 ** -23);
        const along = meanOf(row, (v, k) => v * weight.data[k] * dy[at + k]);
        row.forEach((v, k) => {
          weight.gradient[k] += dy[at + k] * v * scale;
          x.gradient[at + k] += scale * (weight.data[k] * dy[at + k] - v * scale * scale * along);
        });
      }),
    );
  }

  /** (x - mean) / sqrt(variance + 1e-5) * weight + bias, row by row. */
  layerNorm(x: Variable, weight: Variable, bias: Variable): Variable {
    return this.#note(M.layerNorm(x, weight, bias), (dy) =>
      forRows(x, (row, at) => {
        const centre = meanOf(row, (v) => v);
        const scale = 1 / Math.sqrt(meanOf(row, (v) => (v - centre) ** 2) + 1e-5);
        const normal = row.map((v) => (v - centre) * scale);
        const inner = row.map((_, k) => dy[at + k] * weight.data[k]);
        const mean = meanOf(inner, (g) => g);
        const along = meanOf(inner, (g, k) => g * normal[k]);
        normal.forEach((n, k) => {
          weight.gradient[k] += dy[at + k] * n;
          bias.gradient[k] += dy[at + k];
          x.gradient[at + k] += scale * (inner[k] - mean - n * along);
        });
      }),
    );
  }

  /** (x - mean) / sqrt(variance + 1e-5) * weight + bias, column by column; by x's own statistics, or by given ones. */
  batchNorm(
    x: Variable,
    weight: Variable,
    bias: Variable,
    given?: { mean: Float64Array; variance: Float64Array },
  ): Variable {
    const { mean, variance } = given ?? M.columnStatistics(x);
    return this.#note(M.batchNorm(x, { mean, variance }, weight, bias), (dy) => {
      for (let k = 0; k < x.cols; k++) {
        const scale = 1 / Math.sqrt(variance[k] + 1e-5);
        const column = Array.from({ length: x.rows }, (_, i) => i * x.cols + k);
        const normal = (at: number) => (x.data[at] - mean[k]) * scale;
        const sum = column.reduce((total, at) => total + dy[at], 0);
        const along = column.reduce((total, at) => total + dy[at] * normal(at), 0);
        bias.gradient[k] += sum;
        weight.gradient[k] += along;
        for (const at of column) {
          const own = given ? dy[at] : dy[at] - sum / x.rows - (normal(at) * along) / x.rows;
          x.gradient[at] += weight.data[k] * scale * own;
        }
      }
    });
  }

  /** The means of the rows of each target, 0 if there is none. */
  meanByTarget(x: Variable, target: ArrayLike<number>, rows: number): Variable {
    const count = new Float64Array(rows);
    for (let e = 0; e < x.rows; e++) count[target[e]]++;
    return this.#note(M.meanByTarget(x, target, rows), (dy) =>
      addTo(x, (i) => {
        const row = target[Math.floor(i / x.cols)];
        return dy[row * x.cols + (i % x.cols)] / count[row];
      }),
    );
  }

  /** softmax(q . k / sqrt(E) + sigma_h |p_i - p_j|) v in each ball; a row of qkv is q, k, v, each head after head. */
  ballAttention(qkv: Variable, positions: Matrix, sigma: Variable, balls: readonly BallRows[]): Variable {
    const heads = sigma.data.length;
    const width = qkv.cols / 3;
    const E = width / heads;
    const out = M.matrix(qkv.rows, width);
    const dot = (a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number) => {
      let sum = 0;
      for (let e = 0; e < E; e++) sum += a[i + e] * b[j + e];
      return sum;
    };
    /** For each query of each head its softmax weights and distances to the rows of its ball. */
    const forQueries = (
      visit: (query: number, head: number, first: number, weights: Float64Array, distances: Float64Array) => void,
    ) => {
      for (const [first, size] of balls) {
        for (let query = first; query < first + size; query++) {
          const distances = Float64Array.from({ length: size }, (_, j) => distance(positions, query, first + j));
          for (let h = 0; h < heads; h++) {
            const at = (row: number, third: number) => row * 3 * width + third * width + h * E;
            const scores = distances.map(
              (length, j) =>
                dot(qkv.data, at(query, 0), qkv.data, at(first + j, 1)) / Math.sqrt(E) + sigma.data[h] * length,
            );
            const largest = scores.reduce((a, b) => Math.max(a, b));
            const weights = scores.map((score) => Math.exp(score - largest));
            const total = weights.reduce((a, b) => a + b, 0);
            visit(
              query,
              h,
              first,
              weights.map((weight) => weight / total),
              distances,
            );
          }
        }
      }
    };
    forQueries((query, h, first, weights) => {
      weights.forEach((weight, j) => {
        const value = (first + j) * 3 * width + 2 * width + h * E;
        for (let e = 0; e < E; e++) out.data[query * width + h * E + e] += weight * qkv.data[value + e];
      });
    });
    return this.#note(out, (dy) =>
      forQueries((query, h, first, weights, distances) => {
        const at = (row: number, third: number) => row * 3 * width + third * width + h * E;
        const own = query * width + h * E;
        const dweights = weights.map((_, j) => dot(dy, own, qkv.data, at(first + j, 2)));
        const mean = weights.reduce((sum, weight, j) => sum + weight * dweights[j], 0);
        weights.forEach((weight, j) => {
          const dscore = weight * (dweights[j] - mean);
          sigma.gradient[h] += dscore * distances[j];
          for (let e = 0; e < E; e++) {
            qkv.gradient[at(query, 0) + e] += (dscore * qkv.data[at(first + j, 1) + e]) / Math.sqrt(E);
            qkv.gradient[at(first + j, 1) + e] += (dscore * qkv.data[at(query, 0) + e]) / Math.sqrt(E);
            qkv.gradient[at(first + j, 2) + e] += weight * dy[own + e];
          }
        });
      }),
    );
  }

  #note(value: Matrix, step: (gradient: Float64Array) => void): Variable {
    const result = withGradient(value);
    this.#steps.push(() => step(result.gradient));
    return result;
  }
}

function withGradient(value: Matrix): Variable {
  return { ...value, gradient: new Float64Array(value.data.length) };
}

function addTo(x: Variable, gradient: (i: number) => number): void {
  for (let i = 0; i < x.data.length; i++) x.gradient[i] += gradient(i);
}

function forRows(x: Matrix, visit: (row: Float64Array, at: number) => void): void {
  for (let i = 0; i < x.rows; i++) visit(x.data.subarray(i * x.cols, (i + 1) * x.cols), i * x.cols);
}

function meanOf(row: Float64Array, f: (value: number, k: number) => number): number {
  return row.reduce((sum, value, k) => sum + f(value, k), 0) / row.length;
}

function distance({ data, cols }: Matrix, i: number, j: number): number {
  let squares = 0;
  for (let a = 0; a < cols; a++) squares += (data[i * cols + a] - data[j * cols + a]) ** 2;
  return Math.sqrt(squares);
}
