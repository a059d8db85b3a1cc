// The graph of the embedding on the device: edges sorted by target, in parts that fit the device's bindings.

import type { Device } from "../backends/device.ts";
import { InputError } from "../errors.ts";
import type { GraphPart } from "../tensor/operators/messages.ts";
import { byValue, type Places } from "../tensor/operators/rows.ts";
import { Tensor } from "../tensor/tensor.ts";
import { kept } from "./kept.ts";

/**
 * Edges in compressed rows: those into node j are starts[j] .. starts[j + 1], in the order in which they were given.
 */
export interface SortedEdges {
  starts: Uint32Array;
  sources: Uint32Array;
  targets: Uint32Array;
  /** The edges that leave each node, for backward passes; computed when they are first needed. */
  bySource?: Places;
}

/**
 * Sorts edges by target (stable).
 * @param edgeIndex [2 M] sources, then targets
 * @throws InputError naming the first edge that refers to a node that does not exist.
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
    const node = edgeIndex[e];
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
    if (e >= edges) starts[node + 1]++;
  }
  for (let node = 0; node < nodes; node++) starts[node + 1] += starts[node];
  const next = starts.slice(0, nodes);
  const sources = new Uint32Array(edges);
  const targets = new Uint32Array(edges);
  for (let e = 0; e < edges; e++) {
    const target = edgeIndex[edges + e];
    const at = next[target]++;
    sources[at] = edgeIndex[e];
    targets[at] = target;
  }
  return { starts, sources, targets };
}

const edgesBySource = (edges: SortedEdges): Places =>
  kept(edges, "bySource", () => byValue(edges.sources, edges.starts.length - 1));

/** Parts begin at a multiple of this many targets, as the devices' windows do. */
const TARGET_STEP = 64;

/** The messages that are passed, and whether a backward pass will need the edges by source too. */
export interface Passing {
  width: number;
  dimensions: number;
  training: boolean;
}

/** Whether this many nodes and the edges that arrive at them fit the device's largest binding. */
const fits = ({ info, operators }: Device, passing: Passing, nodes: number, edges: number) =>
  Math.max(operators.messageElements({ ...passing, nodes }), (nodes + 1 + 2 * edges) * 2, 4 * edges) * 4 <=
  info.maxBindingBytes;

const fitsWhole = (device: Device, { starts, sources }: SortedEdges, passing: Passing) =>
  fits(device, passing, starts.length - 1, sources.length);

/** Computes in advance what the backward pass needs, if the graph is uploaded in one part. */
export function makeGraphTables(device: Device, edges: SortedEdges, passing: Passing): void {
  if (fitsWhole(device, edges, passing)) edgesBySource(edges);
}

/** Uploads the graph, in one part if the device's largest binding allows it. */
export function uploadGraph(device: Device, edges: SortedEdges, passing: Passing): GraphPart[] {
  const nodes = edges.starts.length - 1;
  const { training } = passing;
  if (fitsWhole(device, edges, passing)) {
    return [
      {
        ...upload(device, edges, nodes, training ? edgesBySource(edges) : undefined),
        members: undefined,
        nodes,
        firstTarget: 0,
        targets: nodes,
        edges: edges.sources.length,
      },
    ];
  }
  const parts: GraphPart[] = [];
  const places = new Int32Array(nodes).fill(-1);
  for (let first = 0; first < nodes; ) {
    let end = Math.min(first + TARGET_STEP, nodes);
    // Every arriving edge may add a node to the part.
    const room = (last: number) => {
      const arriving = edges.starts[last] - edges.starts[first];
      return fits(device, passing, last - first + arriving, arriving);
    };
    while (end < nodes && room(Math.min(end + TARGET_STEP, nodes))) end = Math.min(end + TARGET_STEP, nodes);
    parts.push(uploadPart(device, edges, first, end, training, places));
    first = end;
  }
  return parts;
}

/** @param places [nodes] scratch memory, -1 everywhere before and after the call */
function uploadPart(
  device: Device,
  { starts, sources, targets }: SortedEdges,
  first: number,
  end: number,
  training: boolean,
  places: Int32Array,
): GraphPart {
  const from = starts[first];
  const count = starts[end] - from;
  const members: number[] = [];
  const placeOf = (node: number) => {
    if (places[node] < 0) places[node] = members.push(node) - 1;
    return places[node];
  };
  for (let node = first; node < end; node++) placeOf(node);
  const localSources = sources.subarray(from, from + count).map(placeOf);
  for (const node of members) places[node] = -1;
  const localStarts = new Uint32Array(members.length + 1).fill(count);
  for (let node = first; node < end; node++) localStarts[node - first] = starts[node] - from;
  const localTargets = targets.subarray(from, from + count).map((target) => target - first);
  const local = { starts: localStarts, sources: localSources, targets: localTargets };
  return {
    ...upload(device, local, end - first, training ? byValue(localSources, members.length) : undefined),
    members: Tensor.from(device, Uint32Array.from(members)),
    nodes: members.length,
    firstTarget: first,
    targets: end - first,
    edges: count,
  };
}

/** @param leaving the edges by source, for training only */
function upload(
  device: Device,
  { starts, sources, targets }: SortedEdges,
  targetCount: number,
  leaving: Places | undefined,
): Pick<GraphPart, "graph" | "arrived"> {
  if (!leaving) return { graph: uploadJoined(device, [starts, sources, targets]), arrived: undefined };
  const arrived = new Float32Array(targetCount);
  for (let node = 0; node < targetCount; node++) if (starts[node + 1] > starts[node]) arrived[node] = 1;
  return {
    graph: uploadJoined(device, [starts, sources, targets, leaving.starts, leaving.entries]),
    arrived: Tensor.from(device, arrived),
  };
}

/** Uploads the arrays one after the other in one tensor. */
function uploadJoined(device: Device, arrays: readonly Uint32Array[]): Tensor {
  const tensor = new Tensor(device, [arrays.reduce((sum, { length }) => sum + length, 0)], "u32");
  let at = 0;
  for (const array of arrays) {
    if (array.length > 0) device.write(tensor.storage.slice(at, array.byteLength), array);
    at += array.byteLength;
  }
  return tensor;
}
