// Erwin as an ONNX model: its inputs and outputs, the tree's geometry, and the order of the layers.

import { version } from "../../package.json";
import { type ErwinConfig, snakeCaseConfig } from "../erwin/config.ts";
import { exportedBalls } from "./balls.ts";
import { GraphBuilder, type Value, type Weight } from "./graph.ts";
import {
  ballLayer,
  ballPooling,
  ballUnpooling,
  type LevelGeometry,
  linear,
  type NodeOrder,
  passMessages,
} from "./layers.ts";
import { encodeModel } from "./proto.ts";

/**
 * @param weights parameters and running statistics, by the names of checkpoints
 * @param points see `OnnxOptions`
 */
export function onnxModel(
  config: ErwinConfig,
  weights: ReadonlyMap<string, Weight>,
  points: number | undefined,
): Uint8Array<ArrayBuffer> {
  const { balls, clouds } = exportedBalls(config, points);
  const graph = new GraphBuilder(weights);
  addModel(graph, config, balls);
  return encodeModel({
    producer: { name: "erwin", version },
    doc:
      `Erwin Transformer in evaluation mode, for clouds ${clouds}: points of different clouds would share a ball otherwise. ` +
      "edge_index and tree_* are the arrays that `erwin tree` writes; clouds stand one after the other.",
    opset: 17,
    graph: graph.finish("erwin"),
    metadata: { config: JSON.stringify(snakeCaseConfig(config)), clouds },
  });
}

function addModel(graph: GraphBuilder, config: ErwinConfig, balls: number[]): void {
  const { cIn, cHidden, dimensionality, mpSteps, strides, decode } = config;
  const features = graph.input("node_features", "float32", ["points", cIn], "features of the points");
  const points = graph.input("node_positions", "float32", ["points", dimensionality], "positions of the points");
  const edgeIndex = mpSteps > 0 && graph.input("edge_index", "int64", [2, "edges"], "sources, then targets");
  const treeIdx = graph.input("tree_idx", "int64", ["slots"], "point in each slot of the tree");
  const treeMask = decode && graph.input("tree_mask", "uint8", ["slots"], "0 where a slot holds a duplicate, else 1");

  const levels = computeGeometry(graph, config, balls, graph.gather(points, treeIdx));
  const layer = (name: string, x: Value, l: number, depths: number[], heads: number[]) =>
    ballLayer(graph.within(name), x, levels[l]!, { depth: depths[l]!, heads: heads[l]!, width: cHidden[l]! });

  let x = linear(graph.within("embed"), "embed_fn", features);
  const messages = { steps: mpSteps, width: cHidden[0]! };
  if (edgeIndex) x = passMessages(graph.within("embed.mpnn"), x, points, edgeIndex, messages);
  x = graph.gather(x, treeIdx);
  const skips: Value[] = [];
  strides.forEach((stride, l) => {
    const skip = layer(`encoder.${l}`, x, l, config.encDepths, config.encNumHeads);
    skips.push(skip);
    const group = { stride, width: cHidden[l]! };
    x = stride > 1 ? ballPooling(graph.within(`encoder.${l}.pool`), skip, levels[l]!.childOffsets!, group) : skip;
  });
  const last = strides.length;
  x = layer("bottleneck", x, last, config.encDepths, config.encNumHeads);
  if (!treeMask) {
    graph.output(x, "out", [levels[last]!.nodes, cHidden[last]!], "the bottleneck's nodes");
    return;
  }
  skips.reverse().forEach((skip, j) => {
    const l = last - 1 - j;
    const group = { stride: strides[l]!, width: cHidden[l]! };
    const fine = ballUnpooling(graph.within(`decoder.${j}.unpool`), x, skip, levels[l]!.childOffsets!, group);
    x = layer(`decoder.${j}`, fine, l, config.decDepths, config.decNumHeads);
  });
  const out = graph.gather(x, slotOfPoint(graph, treeIdx, treeMask));
  graph.output(out, "out", ["points", cHidden[0]!], "in the order of the points");
}

interface Level extends LevelGeometry {
  /** The name of the number of nodes. */
  nodes: string;
  /** [groups, stride * D] from each group's centre to its nodes; undefined where nothing uses it. */
  childOffsets: Value | undefined;
}

/** Offsets and distances of every level, from the positions of the slots [slots, D]. */
function computeGeometry(graph: GraphBuilder, config: ErwinConfig, balls: number[], positions: Value): Level[] {
  const { dimensionality, rotate, decode, strides, encDepths, decDepths } = config;
  return balls.map((ball, l) => {
    const geometry = graph.within(`level.${l}`);
    const nodes = l === 0 ? "slots" : `nodes_${l}`;
    const depth = Math.max(encDepths[l]!, decode ? (decDepths[l] ?? 0) : 0);
    const order = (positions: Value, permutation?: NodeOrder["permutation"]): NodeOrder => ({
      permutation,
      offsets: geometry.reshape(centred(geometry, positions, ball, dimensionality).offsets, -1, dimensionality),
      distances: ballDistances(geometry, positions, ball, dimensionality),
    });
    const straight = depth > 0 ? order(positions) : undefined;
    let rotated: NodeOrder | undefined;
    if (rotate && depth > 1) {
      const index = graph.input(`tree_idx_rot.${l}`, "int64", [nodes], `rotated order of the nodes of level ${l}`);
      const permutation = { order: index, inverse: inverse(geometry, index) };
      rotated = order(geometry.gather(positions, index), permutation);
    }
    const stride = strides[l];
    let childOffsets: Value | undefined;
    if (stride !== undefined && (stride > 1 || decode)) {
      const { means, offsets } = centred(geometry, positions, stride, dimensionality);
      childOffsets = geometry.reshape(offsets, -1, stride * dimensionality);
      positions = geometry.reshape(means, -1, dimensionality);
    }
    return { ball, nodes, straight, rotated, childOffsets };
  });
}

/** The means [groups, 1, D] of `size` consecutive positions each, and where these lie from it: [groups, size, D]. */
function centred(graph: GraphBuilder, positions: Value, size: number, dimensionality: number) {
  const grouped = graph.reshape(positions, -1, size, dimensionality);
  const means = graph.node("ReduceMean", [grouped], { axes: { ints: [1] } });
  return { means, offsets: graph.subtract(grouped, means) };
}

/** Between the nodes of each ball: [balls, 1, m, m]. By subtraction, since |a|^2 + |b|^2 - 2 a b would cancel. */
function ballDistances(graph: GraphBuilder, positions: Value, ball: number, dimensionality: number): Value {
  // One axis of space after the other: runtimes are slow at sums over so short an innermost axis, and it takes less memory.
  const squares = graph.nodes("Split", [positions], dimensionality, { axis: { i: 1 } }).map((axis) => {
    const difference = graph.subtract(graph.reshape(axis, -1, 1, ball, 1), graph.reshape(axis, -1, 1, 1, ball));
    return graph.multiply(difference, difference);
  });
  return graph.node("Sqrt", [squares.reduce((sum, square) => graph.add(sum, square))]);
}

/** Where a permutation puts each entry: the permutation back. */
function inverse(graph: GraphBuilder, permutation: Value): Value {
  const range = graph.node("Range", [graph.integer(0), graph.node("Size", [permutation]), graph.integer(1)]);
  return graph.node("ScatterElements", [permutation, permutation, range]);
}

/** [points] the slot that holds the point itself, not a duplicate. */
function slotOfPoint(graph: GraphBuilder, treeIdx: Value, treeMask: Value): Value {
  const slots = graph.reshape(graph.node("NonZero", [treeMask]), -1);
  return graph.node("ScatterElements", [slots, graph.gather(treeIdx, slots), slots]);
}
