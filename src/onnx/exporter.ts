// Models as ONNX files: Erwin's inputs and outputs, the geometry of the tree, and the order of the layers.

import { version } from "../../package.json";
import { ConfigError } from "../errors.ts";
import type { ErwinConfig } from "../erwin/config.ts";
import type { ErwinTransformer } from "../erwin/model.ts";
import type { Module } from "../nn/module.ts";
import { exportedBalls } from "./balls.ts";
import { GraphBuilder, type Value, type Weight } from "./graph.ts";
import {
  ballLayer,
  ballPooling,
  ballUnpooling,
  type LevelGeometry,
  layerDescriptions,
  type NodeOrder,
  passMessages,
} from "./layers.ts";
import { encodeModel } from "./proto.ts";

/** The module classes that have descriptions. */
export interface ModuleClasses {
  nn: typeof import("../nn/index.ts");
  ErwinTransformer: typeof ErwinTransformer;
}

/**
 * @param classes passed in: the build would otherwise create extra files for what both this file and the library import
 * @param weights parameters and running statistics, by their names in checkpoints
 * @param points see `OnnxOptions`
 */
export function onnxModel(
  { nn, ErwinTransformer }: ModuleClasses,
  model: Module,
  weights: ReadonlyMap<string, Weight>,
  points: number | undefined,
): Uint8Array<ArrayBuffer> {
  const descriptions = layerDescriptions(nn).add(ErwinTransformer, erwin);
  const graph = new GraphBuilder({ model, weights, descriptions, points });
  const value = graph.module(model);
  if (model instanceof ErwinTransformer) addOutput(graph, model.config, value);
  const proto = graph.finish("erwin");
  if (proto.outputs.length === 0) {
    throw new ConfigError("the exported model has no output: call graph.output in its method onnx", { field: "onnx" });
  }
  const { clouds } = graph.metadata;
  return encodeModel({
    producer: { name: "erwin", version },
    doc: clouds
      ? `Erwin Transformer in evaluation mode, for clouds ${clouds}: points of different clouds would share a ball otherwise. ` +
        "edge_index and tree_* are the arrays that `erwin tree` writes; clouds stand one after the other."
      : "A model in evaluation mode.",
    opset: 17,
    graph: proto,
    metadata: { ...model.metadata(), ...graph.metadata },
  });
}

function addOutput(graph: GraphBuilder, { cHidden, decode }: ErwinConfig, value: Value): void {
  const last = cHidden.length - 1;
  if (decode) graph.output(value, "out", ["points", cHidden[0]], "in the order of the points");
  else graph.output(value, "out", [nodesOf(last), cHidden[last]], "the bottleneck's nodes");
}

/**
 * @param given the features of the points, if they are computed and not an input
 * @param positions likewise
 */
function erwin(graph: GraphBuilder, model: ErwinTransformer, given?: Value, positions?: Value): Value {
  const { config, embedding, encoder, bottleneck, decoder } = model;
  const { cIn, dimensionality, mpSteps, decode } = config;
  const { balls, clouds } = exportedBalls(config, graph.points);
  graph.metadata.clouds = clouds;
  const features = given ?? graph.input("node_features", "float32", ["points", cIn], "features of the points");
  const points =
    positions ?? graph.input("node_positions", "float32", ["points", dimensionality], "positions of the points");
  const edgeIndex = mpSteps > 0 && graph.input("edge_index", "int64", [2, "edges"], "sources, then targets");
  const treeIdx = graph.input("tree_idx", "int64", ["slots"], "point in each slot of the tree");
  const treeMask = decode && graph.input("tree_mask", "uint8", ["slots"], "0 where a slot holds a duplicate, else 1");

  const levels = computeGeometry(graph, config, balls, graph.gather(points, treeIdx));
  const { linear, mpnn } = embedding;
  let x = graph.module(linear, features);
  if (edgeIndex) x = passMessages(graph.at(mpnn), mpnn, x, points, edgeIndex);
  x = graph.gather(x, treeIdx);
  const skips: Value[] = [];
  encoder.forEach(({ layer, pooling }, l) => {
    const skip = ballLayer(graph.at(layer), layer, x, levels[l]);
    skips.push(skip);
    x = pooling.stride > 1 ? ballPooling(graph.at(pooling), pooling, skip, levels[l].childOffsets as Value) : skip;
  });
  x = ballLayer(graph.at(bottleneck), bottleneck, x, levels[encoder.length]);
  if (!treeMask) return x;
  decoder.forEach(({ unpooling, layer }, j) => {
    const l = decoder.length - 1 - j;
    const fine = ballUnpooling(graph.at(unpooling), unpooling, x, skips[l], levels[l].childOffsets as Value);
    x = ballLayer(graph.at(layer), layer, fine, levels[l]);
  });
  return graph.gather(x, slotOfPoint(graph, treeIdx, treeMask));
}

/** Returns the name of the dimension that is the number of nodes of a level. */
const nodesOf = (level: number) => (level === 0 ? "slots" : `nodes_${level}`);

interface Level extends LevelGeometry {
  /** [groups, stride * D] The offsets of a group's nodes from its centre; undefined if nothing uses them. */
  childOffsets: Value | undefined;
}

/** Computes offsets and distances of every level from the positions of the slots [slots, D]. */
function computeGeometry(graph: GraphBuilder, config: ErwinConfig, balls: number[], positions: Value): Level[] {
  const { dimensionality, rotate, decode, strides, encDepths, decDepths } = config;
  return balls.map((ball, l) => {
    const geometry = graph.within(`level.${l}`);
    const depth = Math.max(encDepths[l], decode ? (decDepths[l] ?? 0) : 0);
    const order = (positions: Value, permutation?: NodeOrder["permutation"]): NodeOrder => ({
      permutation,
      offsets: geometry.reshape(centred(geometry, positions, ball, dimensionality).offsets, -1, dimensionality),
      distances: ballDistances(geometry, positions, ball, dimensionality),
    });
    const straight = depth > 0 ? order(positions) : undefined;
    let rotated: NodeOrder | undefined;
    if (rotate && depth > 1) {
      const index = graph.input(`tree_idx_rot.${l}`, "int64", [nodesOf(l)], `rotated order of the nodes of level ${l}`);
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
    return { ball, straight, rotated, childOffsets };
  });
}

/**
 * Returns the means [groups, 1, D] of `size` consecutive positions each, and their offsets from it: [groups, size, D].
 */
function centred(graph: GraphBuilder, positions: Value, size: number, dimensionality: number) {
  const grouped = graph.reshape(positions, -1, size, dimensionality);
  const means = graph.node("ReduceMean", [grouped], { axes: { ints: [1] } });
  return { means, offsets: graph.subtract(grouped, means) };
}

/**
 * Distances between the nodes of each ball: [balls, 1, m, m]. They are computed by subtraction, since |a|^2 + |b|^2 - 2
 * a b would cancel.
 */
function ballDistances(graph: GraphBuilder, positions: Value, ball: number, dimensionality: number): Value {
  // One spatial axis at a time: runtimes are slow at sums over so short an innermost axis, and it needs less memory.
  const squares = graph.nodes("Split", [positions], dimensionality, { axis: { i: 1 } }).map((axis) => {
    const difference = graph.subtract(graph.reshape(axis, -1, 1, ball, 1), graph.reshape(axis, -1, 1, 1, ball));
    return graph.multiply(difference, difference);
  });
  return graph.node("Sqrt", [squares.reduce((sum, square) => graph.add(sum, square))]);
}

/** Returns the inverse of a permutation. */
function inverse(graph: GraphBuilder, permutation: Value): Value {
  const range = graph.node("Range", [graph.integer(0), graph.node("Size", [permutation]), graph.integer(1)]);
  return graph.node("ScatterElements", [permutation, permutation, range]);
}

/** [points] The slot that holds the point itself, not a duplicate. */
function slotOfPoint(graph: GraphBuilder, treeIdx: Value, treeMask: Value): Value {
  const slots = graph.reshape(graph.node("NonZero", [treeMask]), -1);
  return graph.node("ScatterElements", [slots, graph.gather(treeIdx, slots), slots]);
}
