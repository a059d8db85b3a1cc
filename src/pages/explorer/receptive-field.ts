// Computes the receptive field of a node: the points that can affect it through the model's encoder. It is followed backwards, from
// the node through the blocks of its level to its children, and so on down to the points and the edges of their graph.

import { ballsOf, nodeOfEachSlot, slotOfEachPoint } from "../../balltree/balls.ts";
import type { BallTree, TreeLevel } from "../../balltree/index.ts";

/** The part of a model's config that determines how far its nodes see. */
export interface Reach {
  /** The number of blocks of every level. */
  blocks: number;
  /** Whether blocks 1, 3, 5, ... attend in the rotated balls. */
  rotated: boolean;
  /** [2, edges] sources, then targets: the graph of the embedding's messages. */
  edgeIndex?: Int32Array | undefined;
  /** The number of message-passing steps; default 1 if there is a graph. */
  messageSteps?: number;
}

/**
 * Returns the points whose features can affect the point's node after the blocks of a level.
 * @returns [points] 1 for each of them, 0 for the others
 */
export function receptiveField(tree: BallTree, point: number, level: number, reach: Reach): Uint8Array<ArrayBuffer> {
  const { levels } = tree;
  let reached = new Uint8Array(levels[level].nodes);
  reached[nodeOfEachSlot(tree, level)[slotOfEachPoint(tree)[point]]] = 1;
  for (let l = level; l >= 0; l--) {
    throughBlocks(tree, l, reached, reach);
    if (l > 0) reached = childrenOf(reached, levels[l], levels[l - 1]);
  }
  const field = new Uint8Array(tree.cloudOffsets[tree.cloudOffsets.length - 1]);
  reached.forEach((isReached, slot) => {
    if (isReached) field[tree.treeIdx[slot]] = 1;
  });
  return reach.edgeIndex ? alongEdges(field, reach.edgeIndex, reach.messageSteps ?? 1) : field;
}

/** In every block, each node attends to its whole ball. */
function throughBlocks(tree: BallTree, level: number, reached: Uint8Array, { blocks, rotated }: Reach): void {
  const balls = ballsOf(tree.levels[level]);
  for (let block = blocks - 1; block >= 0; block--) {
    const order = rotated && block % 2 === 1 ? tree.treeIdxRot[level] : undefined;
    for (let at = 0; at < balls.length; at += 2) fillBall(reached, balls[at], balls[at + 1], order);
  }
}

function fillBall(reached: Uint8Array, first: number, size: number, order: Int32Array | undefined): void {
  for (let place = first; place < first + size; place++) {
    if (!reached[order ? order[place] : place]) continue;
    for (let other = first; other < first + size; other++) reached[order ? order[other] : other] = 1;
    return;
  }
}

function childrenOf(reached: Uint8Array, coarse: TreeLevel, { stride, offsets, nodes }: TreeLevel) {
  const children = new Uint8Array(nodes);
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) {
    for (let node = offsets[cloud]; node < offsets[cloud + 1]; node++) {
      children[node] = reached[coarse.offsets[cloud] + Math.floor((node - offsets[cloud]) / stride)];
    }
  }
  return children;
}

function alongEdges(field: Uint8Array<ArrayBuffer>, edgeIndex: Int32Array, steps: number): Uint8Array<ArrayBuffer> {
  const edges = edgeIndex.length / 2;
  for (let step = 0; step < steps; step++) {
    const before = field.slice();
    for (let edge = 0; edge < edges; edge++) if (before[edgeIndex[edges + edge]]) field[edgeIndex[edge]] = 1;
  }
  return field;
}
