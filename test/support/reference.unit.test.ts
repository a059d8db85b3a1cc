// Tests the float64 reference: its trees against the stored ones, its outputs against the golden cases.

import { describe, expect, test } from "vitest";
import { expectClose } from "./compare.ts";
import { loadGolden } from "./files.ts";
import { forwardCases, loadGoldenCase, numbers, tensorsBelow } from "./golden.ts";
import { readConfig, stateShapes } from "./reference/config.ts";
import { buildLevels } from "./reference/levels.ts";
import { matrix } from "./reference/matrix.ts";
import { buildCloudTree, buildTrees, erf, knnEdges, offsetsOf, radiusEdges, referenceForward } from "./reference.ts";

/** Returns the sorted members of each ball of `size` slots; a cloud with fewer slots is one ball. */
function balls(order: ArrayLike<number>, spans: readonly (readonly [number, number])[], size: number): number[] {
  const out: number[] = [];
  for (const [start, end] of spans) {
    const step = Math.min(size, end - start);
    for (let ball = start; ball < end; ball += step) {
      out.push(...Array.from({ length: step }, (_, i) => order[ball + i]).sort((a, b) => a - b));
    }
  }
  return out;
}

describe.each(forwardCases)("reference on %s", async (name) => {
  const { golden, config, train, state, input } = await loadGoldenCase(name);
  const output = referenceForward(config, state, input, { train });

  test("equals the stored float64 output", () => {
    expect(output.shape).toEqual(golden.tensors.get("out_f64")?.shape);
    expectClose(output.data, numbers(golden, "out_f64"), 1e-12, "out", { columns: output.shape[1] });
    const clouds = numbers(golden, golden.tensors.has("out_batch_idx") ? "out_batch_idx" : "batch_idx");
    expect([...output.batchIdx]).toEqual(Array.from(clouds));
  });

  test("gives the stored running statistics", () => {
    const after = tensorsBelow(golden, "after.");
    for (const [name, { data }] of after) {
      if (data instanceof BigInt64Array) continue;
      // A pooling of stride 1 is not run, so its statistics do not change.
      const actual = output.running.get(name) ?? (state.get(name)?.data as Float32Array);
      expectClose(actual, data, 2e-7, name);
    }
  });

  test("knows every tensor of the checkpoint and its shape", () => {
    const stored = [...state].map(([key, { shape }]) => `${key} ${shape}`);
    const expected = [...stateShapes(config)].map(([key, shape]) => `${key} ${shape}`);
    expect(expected.sort()).toEqual(stored.sort());
  });
});

describe("reference trees", () => {
  test("have the stored balls at every size", async () => {
    const golden = await loadGolden("tree_2d");
    const offsets = offsetsOf(numbers(golden, "batch_idx"));
    const tree = buildTrees(matrix(offsets.at(-1) as number, 2, numbers(golden, "node_positions")), offsets);
    const starts = Array.from(numbers(golden, "tree_offsets"));
    const spans = starts.slice(1).map((end, i) => [starts[i], end] as const);
    for (const size of [2, 4, 8, 16, 32, 128, 512, 2048, 8192]) {
      expect(balls(tree.treeIdx, spans, size), `balls of ${size}`).toEqual(
        Array.from(numbers(golden, `balls.${size}`)),
      );
    }
    expect(Array.from(tree.treeMask).filter((original) => original === 0)).toHaveLength(4152);
  });

  test("have the stored rotated balls at every level", async () => {
    const golden = await loadGolden("tree_rot_3d");
    const stored = JSON.parse(golden.metadata.config as string) as { strides: number[]; ball_sizes: number[] };
    const config = readConfig({ ...stored, rotate: 45 });
    const offsets = offsetsOf(numbers(golden, "batch_idx"));
    const positions = matrix(offsets.at(-1) as number, 3, numbers(golden, "node_positions"));
    const tree = { treeIdx: numbers(golden, "tree_idx"), treeMask: numbers(golden, "tree_mask") };
    buildLevels(config, positions, offsets, tree).forEach((level, l) => {
      const actual = balls(level.rotated as number[], level.spans, stored.ball_sizes[l]);
      expect(actual, `rotated balls of level ${l}`).toEqual(Array.from(numbers(golden, `balls_rot.${l}`)));
    });
  });

  test("order a leaf by the coordinate in which its points differ most, ties by index", () => {
    const pair = (...data: number[]) => [...buildCloudTree({ data, dimensionality: 2 }).index];
    expect(pair(1, 0, 0, 0.5)).toEqual([1, 0]);
    expect(pair(0, 1, 0.5, 0)).toEqual([1, 0]);
    expect(pair(0, 1, 1, 0)).toEqual([0, 1]);
    expect(pair(3, 3, 3, 3)).toEqual([0, 1]);
  });

  test("write a single point twice", () => {
    const tree = buildCloudTree({ data: [1, 2, 3], dimensionality: 3 });
    expect([...tree.index]).toEqual([0, 0]);
    expect([...tree.mask]).toEqual([1, 0]);
  });
});

describe("reference graphs", () => {
  test.each([
    ["c_3d_rot_eval", (p: ArrayLike<number>, o: number[]) => radiusEdges(p, 3, o, 0.45)],
    ["d_mixed_strides_train", (p: ArrayLike<number>, o: number[]) => knnEdges(p, 2, o, 6, { loop: true })],
    ["e_encoder_only_train", (p: ArrayLike<number>, o: number[]) => knnEdges(p, 3, o, 5, { loop: true })],
  ])("equal the stored edges of %s", async (name, build) => {
    const golden = await loadGolden(name);
    const actual = build(numbers(golden, "node_positions"), offsetsOf(numbers(golden, "batch_idx")));
    const pairsOf = (edges: ArrayLike<number>) => {
      const count = edges.length / 2;
      return Array.from({ length: count }, (_, e) => `${edges[e]}>${edges[count + e]}`).sort();
    };
    expect(pairsOf(actual)).toEqual(pairsOf(numbers(golden, "edge_index")));
  });
});

describe("erf", () => {
  // Values of C's erf.
  test.each([
    [0, 0],
    [1e-9, 1.1283791670955127e-9],
    [0.5, 0.5204998778130465],
    [-0.84, -0.7651427114549946],
    [0.9, 0.7969082124228322],
    [1.3, 0.9340079449406524],
    [-2, -0.9953222650189527],
    [2.9, 0.9999589021219005],
    [4.5, 0.9999999998033839],
    [7, 1],
  ])("of %d is %d", (x, expected) => {
    expect(Math.abs(erf(x) - expected)).toBeLessThanOrEqual(1e-15 * Math.abs(expected));
  });
});
