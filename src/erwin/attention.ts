// What a node attends to: the weights of one block's attention in the node's ball, computed on the host from the queries and keys
// that the device has.

import type { AbortOptions } from "../abort.ts";
import { describe } from "../arguments/kinds.ts";
import { checkOptions } from "../arguments/options.ts";
import { ballOfEachNode, ballsOf, nodeOfEachSlot, slotOfEachPoint } from "../balltree/index.ts";
import { InputError } from "../errors.ts";
import type { Grouping } from "../nn/geometry.ts";
import { normPositionQkv } from "../tensor/operators/attention.ts";
import { gatherRows } from "../tensor/operators/rows.ts";
import { noGrad } from "../tensor/tape.ts";
import { scope } from "../tensor/tensor.ts";
import type { ErwinInput, PreparedInput } from "./input.ts";
import type { ErwinTransformer } from "./model.ts";

/** Whose attention is asked for: a point, and the place in the encoder. */
export interface AttentionQuestion extends AbortOptions {
  /** An index into the batch's points: the node that it has become at the level is the one that attends. */
  point: number;
  /** The level, from 0; the last is the bottleneck. Default 0. */
  level?: number;
  /** The block of the level, from 0: with rotation every second one, 1, 3, ..., attends in the rotated balls. Default 0. */
  block?: number;
}

/** What a node attends to in its ball. */
export interface AttentionWeights {
  /** [nodes of the ball] Their indices among the level's nodes, in the ball's order. */
  nodes: Int32Array<ArrayBuffer>;
  /** [heads, nodes of the ball] The weights of each head, whose sum is 1. */
  weights: Float32Array<ArrayBuffer>;
  heads: number;
}

/**
 * The attention weights of one node in its ball, in the encoder or the bottleneck. Blocks up to the one in question are run; the
 * model's mode and its running statistics stay as they are if it is in evaluation mode.
 * @throws InputError naming a point, level or block that does not exist; ConfigError; the errors of `forward`
 */
export async function attentionWeights(
  model: ErwinTransformer,
  input: ErwinInput | PreparedInput,
  question: AttentionQuestion,
): Promise<AttentionWeights> {
  checkOptions("attentionWeights", question, { point: true, level: true, block: true, signal: true });
  const { point, level = 0, block = 0, signal } = question;
  const layers = [...model.encoder.map(({ layer }) => layer), model.bottleneck];
  expectBelow("level", level, layers.length);
  expectBelow("block", block, layers[level].blocks.length);
  const uploaded = await model.upload(input, { training: false, signal });
  const made: { dispose(): void }[] = [uploaded];
  try {
    const { tree } = uploaded;
    expectBelow("point", point, uploaded.points);
    const { qkv, positions } = noGrad(() => computeQkv(model, uploaded, level, block));
    made.push(qkv);
    const order = tree.treeIdxRot.length > 0 && block % 2 === 1 ? tree.treeIdxRot[level] : undefined;
    const node = nodeOfEachSlot(tree, level)[slotOfEachPoint(tree)[point]];
    const ball = ballOfEachNode(tree, level, order !== undefined)[node];
    const [first, size] = ballsOf(tree.levels[level]).subarray(2 * ball, 2 * ball + 2);
    const nodes = Int32Array.from({ length: size }, (_, i) => (order ? order[first + i] : first + i));
    const { attention } = layers[level].blocks[block];
    const tensors = [qkv, positions, attention.sigma];
    const [rows, places, sigma] = await Promise.all(tensors.map((tensor) => tensor.data({ signal })));
    // Loaded on demand, as most pages never ask.
    const { weightsInBall } = await import("./ball-weights.ts");
    const weights = weightsInBall({
      qkv: rows.subarray((first * rows.length) / tree.levels[level].nodes),
      positions: places.subarray(first * tree.dimensionality),
      dimensions: tree.dimensionality,
      sigma,
      query: nodes.indexOf(node),
      size,
      width: rows.length / tree.levels[level].nodes / 3,
    });
    return { nodes, weights, heads: attention.heads };
  } finally {
    for (const part of made) part.dispose();
  }
}

/** Queries, keys and values of a block, with the positions of its nodes, both in the order in which it attends. */
function computeQkv(
  model: ErwinTransformer,
  uploaded: Awaited<ReturnType<ErwinTransformer["upload"]>>,
  level: number,
  block: number,
) {
  const { positions, graph, treeIdx, levels } = uploaded.forPass(false);
  const qkv = scope(() => {
    let x = gatherRows(model.embedding.forward(uploaded.nodeFeatures, positions, graph), treeIdx);
    for (let l = 0; l < level; l++) {
      const { layer, pooling } = model.encoder[l];
      const fine = layer.forward(x, levels[l]);
      x = pooling.stride > 1 ? pooling.forward(fine, levels[l].grouping as Grouping) : fine;
    }
    const layer = level < model.encoder.length ? model.encoder[level].layer : model.bottleneck;
    for (let b = 0; b < block; b++) x = layer.blocks[b].forward(x, orderOf(levels[level], b), levels[level]);
    const { attention, attentionNorm } = layer.blocks[block];
    const { index, offsets } = orderOf(levels[level], block);
    return normPositionQkv(x, attentionNorm.weight, offsets, attention.position, attention.qkv, index);
  });
  return { qkv, positions: orderOf(levels[level], block).positions };
}

type LevelInput = ReturnType<Awaited<ReturnType<ErwinTransformer["upload"]>>["forPass"]>["levels"][number];

const orderOf = (level: LevelInput, block: number) =>
  block % 2 === 1 && level.rotated ? level.rotated : level.straight;

function expectBelow(name: string, value: number, end: number): void {
  if (Number.isInteger(value) && value >= 0 && value < end) return;
  const expected = end === 0 ? "but there is none" : `expected a whole number from 0 to ${end - 1}`;
  throw new InputError(`${name} is ${describe(value)}, ${expected}`, { field: name, expected: end - 1, found: value });
}
