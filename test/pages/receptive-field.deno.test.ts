// The receptive field of a point against the model itself: exactly the points whose features change the node's output.

import { buildBallTree, ErwinTransformer, knnGraph, loadSafetensors, requestDevice, toFloat32 } from "erwin";
import { expect, test } from "vitest";
import { nodeOfEachSlot, slotOfEachPoint } from "../../src/balltree/balls.ts";
import { receptiveField } from "../../src/pages/explorer/receptive-field.ts";
import { seededRandom } from "../support/clouds.ts";
import { checkpointBytes } from "../support/models.ts";

const points = 52;
const channels = 8;
const random = seededRandom(3);
const positions = Float32Array.from({ length: 3 * points }, () => random() - 0.5);
const features = Float32Array.from({ length: channels * points }, () => random() - 0.5);

test.each([
  { rotate: 0, mpSteps: 0, strides: [2, 2], blocks: 2 },
  { rotate: 45, mpSteps: 0, strides: [2, 2], blocks: 2 },
  { rotate: 45, mpSteps: 2, strides: [4, 1], blocks: 2 },
  { rotate: 30, mpSteps: 1, strides: [], blocks: 3 },
])("rotation $rotate, $mpSteps steps of messages, strides $strides, $blocks blocks", async (options) => {
  const { rotate, mpSteps, strides, blocks } = options;
  const ballSizes = [4, ...strides.map(() => 4)];
  const levels = ballSizes.length;
  const config = {
    ...{ cIn: channels, cHidden: ballSizes.map(() => channels), ballSizes, strides, rotate, mpSteps, decode: false },
    ...{ encNumHeads: ballSizes.map(() => 2), encDepths: ballSizes.map(() => blocks) },
    ...{ decNumHeads: strides.map(() => 2), decDepths: strides.map(() => 0), dimensionality: 3 },
  };
  using device = await requestDevice({ backend: "cpu" });
  using model = await loadStrong(config, device);

  const tree = await buildBallTree(positions, { dimensionality: 3, strides, ballSizes, rotate });
  const edgeIndex = mpSteps > 0 ? await knnGraph(positions, { dimensionality: 3, k: 2 }) : undefined;
  // Cloud 0 as it is; in cloud p + 1 the features of point p are others.
  const copies = points + 1;
  const nodeFeatures = Float32Array.from({ length: copies * features.length }, (_, i) => {
    const [copy, at] = [Math.floor(i / features.length), i % features.length];
    return Math.floor(at / channels) === copy - 1 ? -features[at] : features[at];
  });
  const nodePositions = repeat(positions, copies);
  const batchIdx = Int32Array.from({ length: copies * points }, (_, i) => Math.floor(i / points));
  const edges = edgeIndex && repeatEdges(edgeIndex, copies);
  using out = await model.forward({ nodeFeatures, nodePositions, batchIdx, edgeIndex: edges });
  const values = await out.data();
  const nodes = tree.levels[levels - 1].nodes;
  const width = values.length / copies / nodes;
  const output = (copy: number, node: number) =>
    values.subarray((copy * nodes + node) * width, (copy * nodes + node + 1) * width);

  const [slotOf, nodeOf] = [slotOfEachPoint(tree), nodeOfEachSlot(tree, levels - 1)];
  for (const point of [0, 17, 51]) {
    const node = nodeOf[slotOf[point]];
    const plain = output(0, node);
    const influential = Uint8Array.from({ length: points }, (_, other) =>
      output(other + 1, node).some((value, i) => value !== plain[i]) ? 1 : 0,
    );
    const reach = { blocks, rotated: rotate > 0, edgeIndex, messageSteps: mpSteps };
    expect(receptiveField(tree, point, levels - 1, reach)).toEqual(influential);
    // Neither the point alone nor always the whole cloud: the comparison says something.
    expect(influential.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(4);
  }
});

/** A model whose weights are large enough for the faintest influence to show in float32. */
async function loadStrong(config: object, device: Awaited<ReturnType<typeof requestDevice>>) {
  using model = await ErwinTransformer.create(config as never, { device, seed: 1 });
  const { tensors } = loadSafetensors(await model.save());
  const state = Object.fromEntries(
    [...tensors].map(([name, tensor]) => {
      const factor = tensor.shape.length === 2 ? 20 : 1;
      return [name, { shape: tensor.shape, data: toFloat32(tensor).map((value) => factor * value) }];
    }),
  );
  return ErwinTransformer.load(checkpointBytes(config, state), { device });
}

function repeat(values: Float32Array, times: number): Float32Array {
  const result = new Float32Array(values.length * times);
  for (let copy = 0; copy < times; copy++) result.set(values, copy * values.length);
  return result;
}

function repeatEdges(edgeIndex: Int32Array, times: number): Int32Array {
  const edges = edgeIndex.length / 2;
  return Int32Array.from({ length: edgeIndex.length * times }, (_, i) => {
    const [row, at] = [Math.floor(i / (edges * times)), i % (edges * times)];
    return edgeIndex[row * edges + (at % edges)] + points * Math.floor(at / edges);
  });
}
