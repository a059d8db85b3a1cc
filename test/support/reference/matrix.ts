// Row-major float64 matrices and the model's elementary operators on them.
// No operator changes its inputs, and the model consists only of these operators, so that gradients can be added operator by operator.

import { erf } from "./erf.ts";

export interface Matrix {
  rows: number;
  cols: number;
  data: Float64Array;
}

/** Makes a matrix of zeros, or of the given values (copied to float64). */
export function matrix(rows: number, cols: number, values?: ArrayLike<number>): Matrix {
  if (!values) return { rows, cols, data: new Float64Array(rows * cols) };
  if (values.length !== rows * cols) throw new Error(`${values.length} values for a ${rows} x ${cols} matrix`);
  return { rows, cols, data: Float64Array.from(values) };
}

/** y = x W^T + b, weight [out, in], bias [out]. */
export function linear(x: Matrix, weight: Matrix, bias: Matrix): Matrix {
  const y = matrix(x.rows, weight.rows);
  const { data: values, cols: K } = x;
  const { data: weights, cols, rows: outputs } = weight;
  if (cols !== K) throw new Error(`a Linear of ${cols} inputs was given ${K}`);
  for (let i = 0; i < x.rows; i++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias.data[o];
      for (let k = 0, a = i * K, b = o * K; k < K; k++) sum += values[a + k] * weights[b + k];
      y.data[i * outputs + o] = sum;
    }
  }
  return y;
}

export function add(a: Matrix, b: Matrix): Matrix {
  return { ...a, data: a.data.map((value, i) => value + b.data[i]) };
}

/** The rows of x in the order of `index`, which may repeat a row. */
export function gather(x: Matrix, index: ArrayLike<number>): Matrix {
  const y = matrix(index.length, x.cols);
  for (let i = 0; i < index.length; i++) {
    const row = index[i];
    y.data.set(x.data.subarray(row * x.cols, (row + 1) * x.cols), i * x.cols);
  }
  return y;
}

/** The inverse of `gather` for distinct rows: y[index[i]] = x[i]; the other rows are 0. */
export function scatter(x: Matrix, index: ArrayLike<number>, rows = x.rows): Matrix {
  const y = matrix(rows, x.cols);
  for (let i = 0; i < index.length; i++) {
    y.data.set(x.data.subarray(i * x.cols, (i + 1) * x.cols), index[i] * x.cols);
  }
  return y;
}

/** Columns of several matrices side by side. */
export function concatenate(...parts: Matrix[]): Matrix {
  const rows = parts[0].rows;
  const y = matrix(
    rows,
    parts.reduce((sum, part) => sum + part.cols, 0),
  );
  let offset = 0;
  for (const part of parts) {
    if (part.rows !== rows) throw new Error(`cannot join ${part.rows} rows to ${rows}`);
    for (let i = 0; i < rows; i++) {
      y.data.set(part.data.subarray(i * part.cols, (i + 1) * part.cols), i * y.cols + offset);
    }
    offset += part.cols;
  }
  return y;
}

/** The same values with another number of columns. */
export function reshape(x: Matrix, cols: number): Matrix {
  return { rows: x.data.length / cols, cols, data: x.data };
}

/** Exact GELU. */
export function gelu(x: Matrix): Matrix {
  return { ...x, data: x.data.map((v) => 0.5 * v * (1 + erf(v / Math.SQRT2))) };
}

/** a * SiLU(gate). */
export function swiglu(a: Matrix, gate: Matrix): Matrix {
  return {
    ...a,
    data: a.data.map((value, i) => {
      const g = gate.data[i];
      return (value * g) / (1 + Math.exp(-g));
    }),
  };
}

/** RMSNorm with float32's machine epsilon, no bias. */
export function rmsNorm(x: Matrix, weight: Matrix): Matrix {
  const y = matrix(x.rows, x.cols);
  for (let i = 0; i < x.rows; i++) {
    const row = x.data.subarray(i * x.cols, (i + 1) * x.cols);
    let squares = 0;
    for (const v of row) squares += v * v;
    const scale = 1 / Math.sqrt(squares / x.cols + 2 ** -23);
    for (let k = 0; k < x.cols; k++) y.data[i * x.cols + k] = row[k] * scale * weight.data[k];
  }
  return y;
}

/** LayerNorm over each row, eps 1e-5, affine. */
export function layerNorm(x: Matrix, weight: Matrix, bias: Matrix): Matrix {
  const y = matrix(x.rows, x.cols);
  for (let i = 0; i < x.rows; i++) {
    const row = x.data.subarray(i * x.cols, (i + 1) * x.cols);
    let mean = 0;
    for (const v of row) mean += v / x.cols;
    let variance = 0;
    for (const v of row) variance += (v - mean) ** 2 / x.cols;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    for (let k = 0; k < x.cols; k++) {
      y.data[i * x.cols + k] = (row[k] - mean) * scale * weight.data[k] + bias.data[k];
    }
  }
  return y;
}

/** The mean and biased variance of each column over all rows, as in BatchNorm's training mode. */
export function columnStatistics(x: Matrix): { mean: Float64Array; variance: Float64Array } {
  const mean = new Float64Array(x.cols);
  const variance = new Float64Array(x.cols);
  for (let i = 0; i < x.data.length; i++) {
    const k = i % x.cols;
    mean[k] += x.data[i] / x.rows;
  }
  for (let i = 0; i < x.data.length; i++) {
    const k = i % x.cols;
    variance[k] += (x.data[i] - mean[k]) ** 2 / x.rows;
  }
  return { mean, variance };
}

/** (x - mean) / sqrt(variance + 1e-5) * weight + bias, column by column. */
export function batchNorm(
  x: Matrix,
  statistics: { mean: Float64Array; variance: Float64Array },
  weight: Matrix,
  bias: Matrix,
): Matrix {
  return {
    ...x,
    data: x.data.map((value, i) => {
      const k = i % x.cols;
      const scale = 1 / Math.sqrt(statistics.variance[k] + 1e-5);
      return (value - statistics.mean[k]) * scale * weight.data[k] + bias.data[k];
    }),
  };
}

/** The means of the rows of each target: y[t] = mean of x[e] over target[e] = t, 0 if there is none. */
export function meanByTarget(x: Matrix, target: ArrayLike<number>, rows: number): Matrix {
  const y = matrix(rows, x.cols);
  const count = new Float64Array(rows);
  for (let e = 0; e < x.rows; e++) {
    const t = target[e];
    count[t] += 1;
    for (let k = 0; k < x.cols; k++) {
      y.data[t * x.cols + k] += x.data[e * x.cols + k];
    }
  }
  return { ...y, data: y.data.map((sum, i) => sum / Math.max(1, count[Math.floor(i / x.cols)])) };
}

/** Means of each `size` consecutive rows. */
export function meanOfGroups(x: Matrix, size: number): Matrix {
  const target = Int32Array.from({ length: x.rows }, (_, i) => Math.floor(i / size));
  return meanByTarget(x, target, x.rows / size);
}

/** x minus, from each row i, row owner(i) of y. */
export function subtractRows(x: Matrix, y: Matrix, owner: (row: number) => number): Matrix {
  return {
    ...x,
    data: x.data.map((value, i) => {
      const row = Math.floor(i / x.cols);
      return value - y.data[owner(row) * x.cols + (i - row * x.cols)];
    }),
  };
}
