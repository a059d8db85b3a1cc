// Builds the device's view of a graph in a simple way from a list of edges: as a whole, or in parts of its targets.

import { type Device, type operators, Tensor } from "erwin";

export interface Edges {
  nodes: number;
  sources: readonly number[];
  targets: readonly number[];
}

/** Lists the edges at one end of each node, in order: starts [nodes + 1], then the edges. */
function byNode(ends: readonly number[], nodes: number): { starts: number[]; edges: number[] } {
  const edges = Array.from({ length: nodes }, (_, node) => ends.flatMap((end, e) => (end === node ? [e] : [])));
  const starts = [0];
  for (const own of edges) starts.push((starts.at(-1) as number) + own.length);
  return { starts, edges: edges.flat() };
}

function upload(device: Device, { nodes, sources, targets }: Edges, targetCount: number) {
  const arriving = byNode(targets, nodes);
  const sorted = arriving.edges.map((e) => sources[e]);
  const leaving = byNode(sorted, nodes);
  const graph = [arriving.starts, sorted, arriving.edges.map((e) => targets[e]), leaving.starts, leaving.edges].flat();
  const arrived = Array.from({ length: targetCount }, (_, node) => (targets.includes(node) ? 1 : 0));
  return {
    graph: Tensor.from(device, Uint32Array.from(graph)),
    arrived: Tensor.from(device, Float32Array.from(arrived)),
    edges: sources.length,
  };
}

/** Returns the whole graph as one part. */
export function wholeGraph(device: Device, edges: Edges): operators.GraphPart[] {
  const { nodes } = edges;
  return [{ ...upload(device, edges, nodes), members: undefined, nodes, firstTarget: 0, targets: nodes }];
}

/** Returns the graph in parts of `size` targets each, a multiple of 64; each part has its own list of the nodes it refers to. */
export function graphInParts(device: Device, { nodes, sources, targets }: Edges, size: number): operators.GraphPart[] {
  const parts: operators.GraphPart[] = [];
  for (let first = 0; first < nodes; first += size) {
    const end = Math.min(first + size, nodes);
    const own = targets.flatMap((target, e) => (target >= first && target < end ? [e] : []));
    const members = Array.from({ length: end - first }, (_, i) => first + i);
    for (const e of own) if (!members.includes(sources[e])) members.push(sources[e]);
    const local = {
      nodes: members.length,
      sources: own.map((e) => members.indexOf(sources[e])),
      targets: own.map((e) => targets[e] - first),
    };
    parts.push({
      ...upload(device, local, end - first),
      members: Tensor.from(device, Uint32Array.from(members)),
      nodes: members.length,
      firstTarget: first,
      targets: end - first,
    });
  }
  return parts;
}
