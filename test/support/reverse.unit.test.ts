// Tests the float64 gradients: every operator against finite differences.

import { describe, expect, test } from "vitest";
import { normal, normals, seededRandom } from "./clouds.ts";
import { l2Error } from "./compare.ts";
import { differences } from "./reference/differences.ts";
import { Reverse, type Variable } from "./reference/reverse.ts";

type Shape = readonly [rows: number, cols: number];

interface Case {
  shapes: readonly Shape[];
  compute: (reverse: Reverse, ...inputs: Variable[]) => Variable;
}

const positions = { rows: 7, cols: 3, data: Float64Array.from(normals(21, seededRandom(2))) };
const running = { mean: Float64Array.of(0.3, -1, 0.2), variance: Float64Array.of(0.5, 2, 1) };
const cases: Record<string, Case> = {
  linear: {
    shapes: [
      [5, 3],
      [4, 3],
      [1, 4],
    ],
    compute: (r, x, w, b) => r.linear(x, w, b),
  },
  "linear without bias": {
    shapes: [
      [5, 3],
      [4, 3],
    ],
    compute: (r, x, w) => r.linear(x, w),
  },
  "add and multiply": {
    shapes: [
      [5, 3],
      [5, 3],
    ],
    compute: (r, a, b) => r.add(r.multiply(a, b), a),
  },
  "gather and scatter": {
    shapes: [[4, 3]],
    compute: (r, x) => r.scatter(r.gather(x, [3, 0, 3, 1, 3]), [2, 0, 4, 1, 3]),
  },
  concatenate: {
    shapes: [
      [4, 3],
      [4, 2],
    ],
    compute: (r, a, b) => r.concatenate(a, b, a),
  },
  gelu: { shapes: [[5, 3]], compute: (r, x) => r.gelu(x) },
  silu: { shapes: [[5, 3]], compute: (r, x) => r.silu(x) },
  rmsNorm: {
    shapes: [
      [5, 3],
      [1, 3],
    ],
    compute: (r, x, w) => r.rmsNorm(x, w),
  },
  layerNorm: {
    shapes: [
      [5, 3],
      [1, 3],
      [1, 3],
    ],
    compute: (r, x, w, b) => r.layerNorm(x, w, b),
  },
  "batchNorm in training": {
    shapes: [
      [5, 3],
      [1, 3],
      [1, 3],
    ],
    compute: (r, x, w, b) => r.batchNorm(x, w, b),
  },
  "batchNorm in evaluation": {
    shapes: [
      [5, 3],
      [1, 3],
      [1, 3],
    ],
    compute: (r, x, w, b) => r.batchNorm(x, w, b, running),
  },
  meanByTarget: { shapes: [[5, 3]], compute: (r, x) => r.meanByTarget(x, [2, 0, 2, 2, 0], 4) },
  ballAttention: {
    shapes: [
      [7, 18],
      [1, 2],
    ],
    compute: (r, qkv, sigma) =>
      r.ballAttention(qkv, positions, sigma, [
        [0, 4],
        [4, 1],
        [5, 2],
      ]),
  },
};

describe("closed-form gradients equal finite differences", () => {
  test.each(Object.entries(cases))("%s", (_, { shapes, compute }) => {
    const random = seededRandom(1);
    const inputs = shapes.map(([rows, cols]) => Float64Array.from({ length: rows * cols }, () => normal(random)));
    const run = (values: readonly ArrayLike<number>[]) => {
      const reverse = new Reverse();
      const variables = values.map((value, i) => reverse.variable(...shapes[i], value));
      return { reverse, variables, result: compute(reverse, ...variables) };
    };
    const { reverse, variables, result } = run(inputs);
    const probe = normals(result.data.length, random);
    reverse.backward(result, probe);
    const expected = differences((...values) => run(values).result.data, inputs, probe);
    for (const [i, { gradient }] of variables.entries()) {
      expect(l2Error(gradient, expected[i]), `input ${i}`).toBeLessThan(1e-7);
    }
  });
});
