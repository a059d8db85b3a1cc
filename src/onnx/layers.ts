// Modules as nodes of an ONNX graph in evaluation mode, with operators for which runtimes have fast kernels and
// fusions: no strided slices, no weights prepared at run time. Sizes and parts are those of the modules.

import type { BallAttention, ErwinBlock, SwiGLU } from "../nn/block.ts";
import type { BallLayer } from "../nn/layer.ts";
import type { Linear } from "../nn/linear.ts";
import type { MPNN } from "../nn/messages.ts";
import type { BatchNorm, LayerNorm, RMSNorm } from "../nn/norms.ts";
import type { BallPooling, BallUnpooling } from "../nn/pooling.ts";
import { Descriptions, type GraphBuilder, type Value, type Weight } from "./graph.ts";

/** Descriptions of the layers that map one tensor to another. */
export const layerDescriptions = (nn: typeof import("../nn/index.ts")): Descriptions =>
  new Descriptions()
    .add(nn.Linear, linear)
    .add(nn.LayerNorm, layerNorm)
    .add(nn.RMSNorm, rmsNorm)
    .add(nn.BatchNorm, batchNorm)
    .add(nn.Dropout, (_graph, _layer, x) => x)
    .add(nn.GELU, (graph, _, x) => gelu(graph, x))
    .add(nn.ReLU, (graph, _, x) => graph.node("Relu", [x]))
    .add(nn.SiLU, (graph, _, x) => graph.multiply(x, graph.node("Sigmoid", [x])))
    .add(nn.Sequential, (graph, { layers }, x) => layers.reduce((value, layer) => graph.module(layer, value), x));

/** The nodes of one level in an order in which each ball is contiguous. */
export interface NodeOrder {
  /** [nodes] The node at each place, and the place of each node; undefined for the tree's own order. */
  permutation: { order: Value; inverse: Value } | undefined;
  /** [nodes, D] The offsets from the mean of the node's ball. */
  offsets: Value;
  /** [balls, 1, m, m] The distances between the nodes of a ball. */
  distances: Value;
}

export interface LevelGeometry {
  ball: number;
  /** Undefined if no block uses it. */
  straight: NodeOrder | undefined;
  /** Undefined if no block uses it. */
  rotated: NodeOrder | undefined;
}

/** y = x W^T + b. */
function linear(graph: GraphBuilder, { hasBias }: Linear, x: Value): Value {
  return affine(graph, x, graph.parameter("weight"), hasBias ? graph.parameter("bias") : undefined);
}

/** y = x W^T + b, where b may also be a matrix with y's shape. */
function affine(graph: GraphBuilder, x: Value, weight: Value, bias?: Value): Value {
  return graph.node("Gemm", bias === undefined ? [x, weight] : [x, weight, bias], { transB: { i: 1 } });
}

/** The operators are in the order that runtimes fuse into one. */
function rmsNorm(graph: GraphBuilder, _: RMSNorm, x: Value): Value {
  const squares = graph.node("Pow", [x, graph.float(2)]);
  const mean = graph.node("ReduceMean", [squares], { axes: { ints: [-1] } });
  const root = graph.node("Sqrt", [graph.add(mean, graph.float(2 ** -23))]);
  return graph.multiply(graph.divide(x, root), graph.parameter("weight"));
}

function layerNorm(graph: GraphBuilder, _: LayerNorm, x: Value): Value {
  const parameters = [graph.parameter("weight"), graph.parameter("bias")];
  return graph.node("LayerNormalization", [x, ...parameters], { epsilon: { f: 1e-5 } });
}

function batchNorm(graph: GraphBuilder, _: BatchNorm, x: Value): Value {
  const { scale, shift } = scaleAndShift(graph);
  const shape = [scale.length];
  const scaled = graph.multiply(x, graph.constant("scale", { shape, data: scale }));
  return graph.add(scaled, graph.constant("shift", { shape, data: shift }));
}

/** The scale and shift that BatchNorm applies to each channel with its running statistics. */
function scaleAndShift(norm: GraphBuilder): Record<"scale" | "shift", Float32Array> {
  const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(
    (name) => norm.weight(name).data,
  );
  const scale = weight.map((value, c) => value / Math.sqrt(variance[c] + 1e-5));
  return { scale, shift: bias.map((value, c) => value - mean[c] * scale[c]) };
}

/** The exact GELU. */
function gelu(graph: GraphBuilder, x: Value): Value {
  const share = graph.add(graph.node("Erf", [graph.divide(x, graph.float(Math.SQRT2))]), graph.float(1));
  return graph.multiply(graph.multiply(x, share), graph.float(0.5));
}

/** h [n, d], positions [n, D], edges [2, M] -> [n, d]. */
export function passMessages(
  graph: GraphBuilder,
  { steps, width }: MPNN,
  h: Value,
  positions: Value,
  edgeIndex: Value,
): Value {
  const edges = edgeEnds(graph, positions, edgeIndex, width);
  return steps.reduce((value, step) => messageStep(graph, step, value, edges, width), h);
}

interface Edges {
  /** [M] */
  sources: Value;
  /** [M] */
  targets: Value;
  /** [M, D] The source's position minus the target's. */
  offsets: Value;
  /** [n d] The initial value of the sums. */
  zeros: Value;
  /** [M d] The index of the sum to which each element of the messages is added. */
  destinations: Value;
  /** [n, 1] The number of messages to each node, or 1 if there are none. */
  counts: Value;
}

function edgeEnds(graph: GraphBuilder, positions: Value, edgeIndex: Value, width: number): Edges {
  const [sources, targets] = [0, 1].map((end) => graph.gather(edgeIndex, graph.integer(end))) as [Value, Value];
  const nodes = graph.node("Shape", [positions], { end: { i: 1 } });
  const filled = (value: number, size: Value) => graph.node("Expand", [graph.float(value), size]);
  const ones = filled(1, graph.node("Shape", [targets]));
  const counts = graph.node("Max", [sumInto(graph, filled(0, nodes), targets, ones), graph.float(1)]);
  // The long arrays of indices are int32, which GPUs can add.
  const firsts = graph.int32(graph.reshape(graph.multiply(targets, graph.integer(width)), -1, 1));
  const channels = graph.int32(graph.node("Range", [graph.integer(0), graph.integer(width), graph.integer(1)]));
  return {
    sources,
    targets,
    offsets: graph.subtract(graph.gather(positions, sources), graph.gather(positions, targets)),
    zeros: filled(0, graph.multiply(nodes, graph.integers(width))),
    destinations: graph.reshape(graph.add(firsts, channels), -1),
    counts: graph.reshape(counts, -1, 1),
  };
}

/**
 * Adds each element to the one at its index, where indices may repeat. It works on single elements, for which
 * onnxruntime takes a fraction of the time that rows take. It does not use ScatterND, whose threads lose sums there by
 * overwriting each other.
 */
function sumInto(graph: GraphBuilder, zeros: Value, index: Value, numbers: Value): Value {
  return graph.node("ScatterElements", [zeros, index, numbers], { reduction: { s: "add" } });
}

/** h_j += LayerNorm(Linear([h_j, mean over edges i -> j of LayerNorm(GELU(Linear([h_i, h_j, p_i - p_j])))])). */
function messageStep(
  graph: GraphBuilder,
  { message, messageNorm, update, updateNorm }: MPNN["steps"][number],
  h: Value,
  edges: Edges,
  width: number,
): Value {
  // The linear map of each end is computed once per node, not once per edge.
  const map = graph.at(message);
  const weight = map.weight("weight");
  const ofSource = map.constant("weight.source", columns(weight, 0, width));
  const ofTarget = map.constant("weight.target", columns(weight, width, 2 * width));
  const ofOffset = map.constant("weight.offset", columns(weight, 2 * width));
  const fromSources = map.gather(affine(map, h, ofSource), edges.sources);
  const fromTargets = map.gather(affine(map, h, ofTarget, map.parameter("bias")), edges.targets);
  const sums = affine(map, edges.offsets, ofOffset, map.add(fromSources, fromTargets));
  const messages = graph.module(messageNorm, gelu(map, sums));

  const total = sumInto(graph, edges.zeros, edges.destinations, graph.reshape(messages, -1));
  const mean = graph.divide(graph.reshape(total, -1, width), edges.counts);
  return graph.add(h, graph.module(updateNorm, graph.module(update, graph.concatenate(h, mean))));
}

/** The blocks of one level: [n, d] -> [n, d]. */
export function ballLayer(graph: GraphBuilder, { blocks }: BallLayer, x: Value, level: LevelGeometry): Value {
  return blocks.reduce((value, block, b) => {
    const order = (b % 2 === 1 && level.rotated) || (level.straight as NodeOrder);
    return erwinBlock(graph.at(block), block, value, order, level.ball);
  }, x);
}

function erwinBlock(graph: GraphBuilder, block: ErwinBlock, x: Value, order: NodeOrder, ball: number): Value {
  const { attention, attentionNorm, feedForwardNorm, swiglu } = block;
  const { permutation } = order;
  const entered = permutation ? graph.gather(x, permutation.order) : x;
  const normalised = graph.module(attentionNorm, entered);
  const attended = graph.add(entered, ballAttention(graph.at(attention), attention, normalised, order, ball));
  const left = graph.add(attended, feedForward(graph.at(swiglu), swiglu, graph.module(feedForwardNorm, attended)));
  return permutation ? graph.gather(left, permutation.inverse) : left;
}

function ballAttention(
  graph: GraphBuilder,
  { position, qkv, output, heads }: BallAttention,
  x: Value,
  { offsets, distances }: NodeOrder,
  ball: number,
): Value {
  const y = graph.add(x, graph.module(position, offsets));
  const packed = graph.at(qkv);
  const [weight, bias] = ["weight", "bias"].map((name) => unpackedQkv(packed.weight(name), heads));
  const unpacked = affine(packed, y, packed.constant("weight", weight), packed.constant("bias", bias));
  const width = qkv.inputs;
  const [q, k, v] = graph
    .nodes("Split", [unpacked], 3, { axis: { i: 1 } })
    .map((rows) => graph.reshape(rows, -1, ball, heads, width / heads));
  const scores = graph.node("MatMul", [graph.transpose(q, 0, 2, 1, 3), graph.transpose(k, 0, 2, 3, 1)]);
  const biased = graph.add(scores, graph.multiply(distances, graph.parameter("sigma_att")));
  const weights = graph.node("Softmax", [biased], { axis: { i: -1 } });
  const attended = graph.node("MatMul", [weights, graph.transpose(v, 0, 2, 1, 3)]);
  return graph.module(output, graph.reshape(graph.transpose(attended, 0, 2, 1, 3), -1, width));
}

function feedForward(graph: GraphBuilder, { gate, value, output }: SwiGLU, x: Value): Value {
  const opened = graph.module(gate, x);
  const silu = graph.multiply(opened, graph.node("Sigmoid", [opened]));
  return graph.module(output, graph.multiply(graph.module(value, x), silu));
}

/** BatchNorm(Linear([the group's nodes, their offsets from its centre])): [g s, d] -> [g, d']. */
export function ballPooling(graph: GraphBuilder, pooling: BallPooling, x: Value, offsets: Value): Value {
  const { stride, fineWidth } = pooling;
  const { weight, bias } = normalised(graph, pooling);
  return affine(graph, graph.concatenate(graph.reshape(x, -1, stride * fineWidth), offsets), weight, bias);
}

/** BatchNorm(skip + Linear([coarse node, offsets of its children])): [g, d], [g s, d'] -> [g s, d']. */
export function ballUnpooling(
  graph: GraphBuilder,
  unpooling: BallUnpooling,
  x: Value,
  skip: Value,
  offsets: Value,
): Value {
  const { weight, bias, scale } = normalised(graph, unpooling);
  const children = graph.reshape(affine(graph, graph.concatenate(x, offsets), weight, bias), -1, unpooling.fineWidth);
  return graph.add(graph.multiply(skip, graph.at(unpooling.norm).constant("scale", scale)), children);
}

/**
 * Merges a linear map and the BatchNorm after it, with its running statistics, into one linear map. It may have several
 * times as many rows as the norm has channels.
 */
function normalised(graph: GraphBuilder, { projection, norm }: { projection: Linear; norm: BatchNorm }) {
  const { scale, shift } = scaleAndShift(graph.at(norm));
  const channels = scale.length;
  const map = graph.at(projection);
  const weight = map.weight("weight");
  const bias = map.weight("bias");
  const scaled = weight.data.map((value, i) => value * scale[Math.floor(i / projection.inputs) % channels]);
  const shifted = bias.data.map((value, row) => value * scale[row % channels] + shift[row % channels]);
  return {
    weight: map.constant("weight", { shape: weight.shape, data: scaled }),
    bias: map.constant("bias", { shape: bias.shape, data: shifted }),
    scale: { shape: [channels], data: scale },
  };
}

/** Returns columns [first, end) of a matrix. */
function columns({ shape, data }: Weight, first: number, end = shape[1]): Weight {
  const [rows, all] = shape as [number, number];
  const width = end - first;
  const chosen = Float32Array.from(
    { length: rows * width },
    (_, i) => data[Math.floor(i / width) * all + first + (i % width)],
  );
  return { shape: [rows, width], data: chosen };
}

/**
 * Reorders the rows of qkv from the order of checkpoints, [head, element, q | k | v], to [q | k | v, head, element],
 * and multiplies those of q by the attention's factor 1 / sqrt(E).
 */
function unpackedQkv({ shape, data }: Weight, heads: number): Weight {
  const rows = shape[0];
  const columns = data.length / rows;
  const channels = rows / 3;
  const factor = 1 / Math.sqrt(channels / heads);
  const unpacked = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const [channel, part] = [Math.floor(row / 3), row % 3];
    for (let c = 0; c < columns; c++) {
      unpacked[(part * channels + channel) * columns + c] = data[row * columns + c] * (part === 0 ? factor : 1);
    }
  }
  return { shape, data: unpacked };
}
