// The weights of attention against the operator that the model attends by: weighted values are its output.

import {
  type AttentionQuestion,
  attentionWeights,
  buildBallTree,
  ErwinTransformer,
  InputError,
  operators,
  requestDevice,
  Tensor,
} from "erwin";
import { expect, test } from "vitest";
import { ballOfEachPoint } from "../../src/balltree/balls.ts";
import { weightsInBall } from "../../src/erwin/ball-weights.ts";
import { normals, seededRandom } from "../support/clouds.ts";

test("weighted values are what ball attention gives", async () => {
  using device = await requestDevice({ backend: "cpu" });
  const [size, heads, width, random] = [16, 2, 8, seededRandom(4)];
  const [qkv, positions, sigma] = [
    normals(size * 3 * width, random),
    normals(size * 3, random),
    Float32Array.of(-1, 0.5),
  ];
  const host = Uint32Array.of(0, size);
  const balls = { tensor: Tensor.from(device, host), host, largest: size };
  using out = operators.ballAttention(
    Tensor.from(device, qkv, [size, 3 * width]),
    Tensor.from(device, positions, [size, 3]),
    Tensor.from(device, sigma, [1, heads, 1, 1]),
    balls,
  );
  const odd = [Tensor.from(device, qkv, [2 * size, 12]), Tensor.from(device, positions, [size, 3])] as const;
  expect(() => operators.ballAttention(...odd, Tensor.from(device, [1, 1, 1]), balls)).toThrow("but [32,9] is needed");
  const values = await out.data();
  for (const query of [0, 7, 15]) {
    const weights = weightsInBall({ qkv, positions, dimensions: 3, sigma, query, size, width });
    for (let column = 0; column < width; column++) {
      const head = Math.floor(column / (width / heads));
      let sum = 0;
      for (let j = 0; j < size; j++) sum += weights[head * size + j] * qkv[j * 3 * width + 2 * width + column];
      expect(values[query * width + column]).toBeCloseTo(sum, 5);
    }
  }
});

test("a node attends in its ball, in the rotated one in every second block", async () => {
  using device = await requestDevice({ backend: "cpu" });
  const config = {
    ...{ cIn: 3, cHidden: 8, ballSizes: [16, 8], strides: [2], rotate: 45, mpSteps: 0 },
    ...{ encNumHeads: [2, 4], encDepths: [2, 2], decNumHeads: [2], decDepths: [2] },
  };
  using model = await ErwinTransformer.create(config, { device, seed: 2 });
  const positions = normals(3 * 100, seededRandom(1));
  const input = { nodeFeatures: positions, nodePositions: positions };
  const tree = await buildBallTree(positions, { dimensionality: 3, strides: [2], ballSizes: [16, 8], rotate: 45 });
  for (const block of [0, 1]) {
    const { nodes, weights, heads } = await attentionWeights(model, input, { point: 33, block });
    expect(heads).toBe(2);
    const ballOf = ballOfEachPoint(tree, 0, block === 1);
    const points = [...nodes].filter((slot) => tree.treeMask[slot]).map((slot) => tree.treeIdx[slot]);
    expect(points.sort((a, b) => a - b)).toEqual([...ballOf.keys()].filter((point) => ballOf[point] === ballOf[33]));
    for (let head = 0; head < heads; head++) {
      const ofHead = weights.subarray(head * nodes.length, (head + 1) * nodes.length);
      expect(ofHead.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    }
  }
  const coarse = await attentionWeights(model, input, { point: 33, level: 1, block: 1 });
  expect([coarse.heads, coarse.nodes.length]).toEqual([4, 8]);
  await expect(attentionWeights(model, input, { point: 100 })).rejects.toThrow(InputError);
  await expect(attentionWeights(model, input, { point: 1, level: 2 })).rejects.toThrow(/level is 2/);
  const misspelt = { point: 1, levels: 1 } as AttentionQuestion;
  await expect(attentionWeights(model, input, misspelt)).rejects.toThrow(/no option levels: did you mean level/);
  using flat = await ErwinTransformer.create({ ...config, encDepths: [2, 0] }, { device });
  await expect(attentionWeights(flat, input, { point: 1, level: 1 })).rejects.toThrow(/block is 0, but there is none/);
});
