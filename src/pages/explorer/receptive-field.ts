// Which points have a way to a node of the tree through the model's encoder: its receptive field. It is followed backwards, from
// the node through the blocks of its level to its children, and so on down to the points and the edges of their graph.

import { ballsOf, nodeOfEachSlot, slotOfEachPoint } from "../../balltree/balls.ts";
import type { BallTree, TreeLevel } from "../../balltree/index.ts";

/** What of a model decides how far its nodes see. */
export interface Reach {
  /** The number of blocks of every level. */
  blocks: number;
  /** Whether blocks 1, 3, 5, ... attend in the rotated balls. */
  rotated: boolean;
  /** [2, edges] Sources, then targets: the graph of the embedding's messages. */
  edgeIndex?: Int32Array | undefined;
  /** The number of steps of messages; default 1 with a graph. */
  messageSteps?: number;
}

/**
 * Returns the points whose features can change what the point's node is after the blocks of a level.
 * @returns [points] 1 for each of them, the others 0
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

/** Every block lets each node see the whole of its ball. */
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
