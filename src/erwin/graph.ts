// The graph of the embedding on the device: edges sorted by target, in parts that the device can take in one piece.

import type { Device } from "../backends/device.ts";
import { InputError } from "../errors.ts";
import type { GraphPart } from "../tensor/operators/messages.ts";
import { byValue } from "../tensor/operators/rows.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Edges in compressed rows: those into node j are starts[j] .. starts[j + 1], in the order they were given. */
export interface SortedEdges {
  starts: Uint32Array;
  sources: Uint32Array;
  targets: Uint32Array;
}

/**
 * Sorts edges by target (stable).
 * @param edgeIndex [2 M] sources, then targets
 * @throws InputError naming the first edge that refers to a node that is not there.
 */
export function sortEdges(edgeIndex: Int32Array, nodes: number): SortedEdges {
  if (edgeIndex.length % 2 !== 0) {
    throw new InputError(`edgeIndex has ${edgeIndex.length} entries, expected sources and as many targets`, {
      tensor: "edgeIndex",
    });
  }
  const edges = edgeIndex.length / 2;
  const starts = new Uint32Array(nodes + 1);
  for (let e = 0; e < 2 * edges; e++) {
    const node = edgeIndex[e]!;
    if (node < 0 || node >= nodes) {
      const [role, edge] = e < edges ? ["source", e] : ["target", e - edges];
      throw new InputError(
        `the ${role} of edge ${edge} is node ${node}, but there are only the nodes 0 to ${nodes - 1}`,
        {
          tensor: "edgeIndex",
          row: edge as number,
          node,
        },
      );
    }
    if (e >= edges) starts[node + 1]!++;
  }
  for (let node = 0; node < nodes; node++) starts[node + 1]! += starts[node]!;
  const next = starts.slice(0, nodes);
  const sources = new Uint32Array(edges);
  const targets = new Uint32Array(edges);
  for (let e = 0; e < edges; e++) {
    const target = edgeIndex[edges + e]!;
    const at = next[target]!++;
    sources[at] = edgeIndex[e]!;
    targets[at] = target;
  }
  return { starts, sources, targets };
}

/** Parts begin at a multiple of so many targets, as the devices' windows do. */
const TARGET_STEP = 64;

/**
 * Uploads the graph, in one part where the device's largest binding allows it.
 * @param forTraining whether the backward pass will need the edges by source too
 */
export function uploadGraph(device: Device, edges: SortedEdges, width: number, forTraining: boolean): GraphPart[] {
  const nodes = edges.starts.length - 1;
  const count = edges.sources.length;
  const fits = (members: number, arriving: number) =>
    Math.max(members * 2 * width, (members + 1 + 2 * arriving) * 2, 4 * arriving) * 4 <= device.info.maxBindingBytes;
  if (fits(nodes, count)) {
    return [
      {
        ...upload(device, edges, nodes, forTraining),
        members: undefined,
        nodes,
        firstTarget: 0,
        targets: nodes,
        edges: count,
      },
    ];
  }
  const parts: GraphPart[] = [];
  for (let first = 0; first < nodes; ) {
    let end = Math.min(first + TARGET_STEP, nodes);
    // Every arriving edge may bring a member of its own.
    const room = (last: number) => {
      const arriving = edges.starts[last]! - edges.starts[first]!;
      return fits(last - first + arriving, arriving);
    };
    while (end < nodes && room(Math.min(end + TARGET_STEP, nodes))) end = Math.min(end + TARGET_STEP, nodes);
    parts.push(uploadPart(device, edges, first, end, forTraining));
    first = end;
  }
  return parts;
}

function uploadPart(
  device: Device,
  { starts, sources, targets }: SortedEdges,
  first: number,
  end: number,
  forTraining: boolean,
): GraphPart {
  const from = starts[first]!;
  const count = starts[end]! - from;
  const members: number[] = [];
  const place = new Map<number, number>();
  for (let node = first; node < end; node++) {
    place.set(node, members.length);
    members.push(node);
  }
  const localSources = new Uint32Array(count);
  for (let e = 0; e < count; e++) {
    const source = sources[from + e]!;
    let at = place.get(source);
    if (at === undefined) {
      at = members.length;
      place.set(source, at);
      members.push(source);
    }
    localSources[e] = at;
  }
  const localStarts = new Uint32Array(members.length + 1).fill(count);
  for (let node = first; node < end; node++) localStarts[node - first] = starts[node]! - from;
  const localTargets = targets.slice(from, from + count).map((target) => target - first);
  const local = { starts: localStarts, sources: localSources, targets: localTargets };
  return {
    ...upload(device, local, end - first, forTraining),
    members: Tensor.from(device, Uint32Array.from(members)),
    nodes: members.length,
    firstTarget: first,
    targets: end - first,
    edges: count,
  };
}

function upload(device: Device, { starts, sources, targets }: SortedEdges, targetCount: number, forTraining: boolean) {
  if (!forTraining) return { graph: Tensor.from(device, joined(starts, sources, targets)), arrived: undefined };
  const leaving = byValue(sources, starts.length - 1);
  const arrived = Float32Array.from({ length: targetCount }, (_, node) => (starts[node + 1]! > starts[node]! ? 1 : 0));
  return {
    graph: Tensor.from(device, joined(starts, sources, targets, leaving.starts, leaving.entries)),
    arrived: Tensor.from(device, arrived),
  };
}

function joined(...arrays: Uint32Array[]): Uint32Array {
  const result = new Uint32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    result.set(array, at);
    at += array.length;
  }
  return result;
}
