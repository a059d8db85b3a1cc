// Extracts some clouds of a prepared batch as a separate batch.

import { shapeOfLevels, treeLevels } from "../balltree/index.ts";
import type { SortedEdges } from "./graph.ts";
import type { PreparedInput } from "./input.ts";

/** A prepared input whose features are on the host. */
export type HostInput = PreparedInput & { nodeFeatures: Float32Array };

/** Returns the clouds [first, end) of a batch, the same as if they had been prepared without the others. */
export function someClouds(
  { nodeFeatures, nodePositions, points, tree, edges }: HostInput,
  first: number,
  end: number,
): HostInput {
  const [from, to] = [tree.cloudOffsets[first], tree.cloudOffsets[end]];
  const rows = <Row extends Float32Array>(values: Row) => {
    const width = values.length / points;
    return values.subarray(from * width, to * width) as Row;
  };
  const cloudOffsets = tree.cloudOffsets.slice(first, end + 1).map((offset) => offset - from);
  const { strides, ballSizes } = shapeOfLevels(tree.levels);
  const levels = treeLevels(cloudOffsets, strides, ballSizes);
  const nodesOf = (level: number) => {
    const { offsets } = tree.levels[level];
    return [offsets[first], offsets[end]] as const;
  };
  return {
    nodeFeatures: rows(nodeFeatures),
    nodePositions: rows(nodePositions),
    points: to - from,
    tree: {
      dimensionality: tree.dimensionality,
      treeIdx: tree.treeIdx.slice(...nodesOf(0)).map((point) => point - from),
      treeMask: tree.treeMask.slice(...nodesOf(0)),
      treeIdxRot: tree.treeIdxRot.map((order, l) => order.slice(...nodesOf(l)).map((node) => node - nodesOf(l)[0])),
      offsets: levels[0].offsets,
      cloudOffsets,
      levels,
    },
    edges: edges && edgesInto(edges, from, to),
  };
}

/** Returns the edges into the nodes [from, to), whose sources are also among these nodes. */
function edgesInto({ starts, sources, targets }: SortedEdges, from: number, to: number): SortedEdges {
  const [begin, end] = [starts[from], starts[to]];
  const within = (nodes: Uint32Array) => nodes.slice(begin, end).map((node) => node - from);
  return {
    starts: starts.slice(from, to + 1).map((start) => start - begin),
    sources: within(sources),
    targets: within(targets),
  };
}
