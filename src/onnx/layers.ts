// Erwin's layers as nodes of an ONNX graph, in evaluation mode. Each computes what the layer of the same name in src/nn does,
// by operators that runtimes have fast kernels and fusions for: no strided slices, no weights prepared at run time.

import type { GraphBuilder, Value, Weight } from "./graph.ts";

/** The nodes of one level in one order, such that each ball is contiguous. */
export interface NodeOrder {
  /** [nodes] which node stands where, and where each node stands; undefined for the tree's own order. */
  permutation: { order: Value; inverse: Value } | undefined;
  /** [nodes, D] from the mean of the node's ball. */
  offsets: Value;
  /** [balls, 1, m, m] between the nodes of a ball. */
  distances: Value;
}

export interface LevelGeometry {
  ball: number;
  /** Undefined where no block uses it. */
  straight: NodeOrder | undefined;
  /** Undefined where no block uses it. */
  rotated: NodeOrder | undefined;
}

export interface LayerShape {
  depth: number;
  width: number;
  heads: number;
}

/** y = x W^T + b, parameters `<name>.weight`, `<name>.bias`. */
export function linear(graph: GraphBuilder, name: string, x: Value): Value {
  return affine(graph, x, graph.parameter(`${name}.weight`), graph.parameter(`${name}.bias`));
}

/** y = x W^T + b, where b may also be a matrix of y's shape. */
function affine(graph: GraphBuilder, x: Value, weight: Value, bias?: Value): Value {
  return graph.node("Gemm", bias === undefined ? [x, weight] : [x, weight, bias], { transB: { i: 1 } });
}

/** In the order of operators that runtimes fuse into one. */
function rmsNorm(graph: GraphBuilder, name: string, x: Value): Value {
  const squares = graph.node("Pow", [x, graph.float(2)]);
  const mean = graph.node("ReduceMean", [squares], { axes: { ints: [-1] } });
  const root = graph.node("Sqrt", [graph.add(mean, graph.float(2 ** -23))]);
  return graph.multiply(graph.divide(x, root), graph.parameter(`${name}.weight`));
}

function layerNorm(graph: GraphBuilder, name: string, x: Value): Value {
  const parameters = [graph.parameter(`${name}.weight`), graph.parameter(`${name}.bias`)];
  return graph.node("LayerNormalization", [x, ...parameters], { epsilon: { f: 1e-5 } });
}

/** The exact one. */
function gelu(graph: GraphBuilder, x: Value): Value {
  const share = graph.add(graph.node("Erf", [graph.divide(x, graph.float(Math.SQRT2))]), graph.float(1));
  return graph.multiply(graph.multiply(x, share), graph.float(0.5));
}

/** `steps` message-passing steps: h [n, d], positions [n, D], edges [2, M] -> [n, d]. */
export function passMessages(
  graph: GraphBuilder,
  h: Value,
  positions: Value,
  edgeIndex: Value,
  { steps, width }: { steps: number; width: number },
): Value {
  const edges = edgeEnds(graph, positions, edgeIndex, width);
  for (let step = 0; step < steps; step++) h = messageStep(graph, step, h, edges, width);
  return h;
}

interface Edges {
  /** [M] */
  sources: Value;
  /** [M] */
  targets: Value;
  /** [M, D] source's position - target's. */
  offsets: Value;
  /** [n d] where the sums begin. */
  zeros: Value;
  /** [M d] which of the sums each number of the messages goes into. */
  destinations: Value;
  /** [n, 1] messages to each node, 1 where there are none. */
  counts: Value;
}

function edgeEnds(graph: GraphBuilder, positions: Value, edgeIndex: Value, width: number): Edges {
  const [sources, targets] = [0, 1].map((end) => graph.gather(edgeIndex, graph.integer(end))) as [Value, Value];
  const nodes = graph.node("Shape", [positions], { end: { i: 1 } });
  const filled = (value: number, size: Value) => graph.node("Expand", [graph.float(value), size]);
  const ones = filled(1, graph.node("Shape", [targets]));
  const counts = graph.node("Max", [sumInto(graph, filled(0, nodes), targets, ones), graph.float(1)]);
  // In int32 from where these get long, which GPUs can add.
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
 * Adds each number to the one at its index, where others may go too. By single numbers, which onnxruntime does in a fraction of
 * the time that rows take; not by ScatterND, whose threads lose sums there as they write over each other.
 */
function sumInto(graph: GraphBuilder, zeros: Value, index: Value, numbers: Value): Value {
  return graph.node("ScatterElements", [zeros, index, numbers], { reduction: { s: "add" } });
}

/** h_j += LayerNorm(Linear([h_j, mean over edges i -> j of LayerNorm(GELU(Linear([h_i, h_j, p_i - p_j])))])). */
function messageStep(graph: GraphBuilder, step: number, h: Value, edges: Edges, width: number): Value {
  const [message, update] = [graph.within(`message_fns.${step}`), graph.within(`update_fns.${step}`)];
  // The linear map of each end is taken once a node, not once an edge.
  const weight = message.weight("0.weight");
  const ofSource = message.constant("0.weight.source", columns(weight, 0, width));
  const ofTarget = message.constant("0.weight.target", columns(weight, width, 2 * width));
  const ofOffset = message.constant("0.weight.offset", columns(weight, 2 * width));
  const fromSources = message.gather(affine(message, h, ofSource), edges.sources);
  const fromTargets = message.gather(affine(message, h, ofTarget, message.parameter("0.bias")), edges.targets);
  const sums = affine(message, edges.offsets, ofOffset, message.add(fromSources, fromTargets));
  const messages = layerNorm(message, "2", gelu(message, sums));

  const total = sumInto(update, edges.zeros, edges.destinations, update.reshape(messages, -1));
  const mean = update.divide(update.reshape(total, -1, width), edges.counts);
  return update.add(h, layerNorm(update, "1", linear(update, "0", update.concatenate(h, mean))));
}

/** The blocks of one level: [n, d] -> [n, d]. */
export function ballLayer(
  graph: GraphBuilder,
  x: Value,
  level: LevelGeometry,
  { depth, width, heads }: LayerShape,
): Value {
  for (let b = 0; b < depth; b++) {
    const block = graph.within(`blocks.${b}`);
    const order = (b % 2 === 1 && level.rotated) || level.straight!;
    const shape = { width, heads, ball: level.ball };
    const { permutation } = order;
    const entered = permutation ? block.gather(x, permutation.order) : x;
    const attended = block.add(entered, ballAttention(block, rmsNorm(block, "norm1", entered), order, shape));
    const left = block.add(attended, swiglu(block.within("swiglu"), rmsNorm(block, "norm2", attended)));
    x = permutation ? block.gather(left, permutation.inverse) : left;
  }
  return x;
}

function ballAttention(
  block: GraphBuilder,
  x: Value,
  { offsets, distances }: NodeOrder,
  { width, heads, ball }: { width: number; heads: number; ball: number },
): Value {
  const graph = block.within("BMSA");
  const y = graph.add(x, linear(graph, "pe_proj", offsets));
  const packed = affine(
    graph,
    y,
    graph.constant("qkv.weight", unpackedQkv(graph.weight("qkv.weight"), heads)),
    graph.constant("qkv.bias", unpackedQkv(graph.weight("qkv.bias"), heads)),
  );
  const [q, k, v] = graph
    .nodes("Split", [packed], 3, { axis: { i: 1 } })
    .map((rows) => graph.reshape(rows, -1, ball, heads, width / heads)) as [Value, Value, Value];
  const scores = graph.node("MatMul", [graph.transpose(q, 0, 2, 1, 3), graph.transpose(k, 0, 2, 3, 1)]);
  const biased = graph.add(scores, graph.multiply(distances, graph.parameter("sigma_att")));
  const weights = graph.node("Softmax", [biased], { axis: { i: -1 } });
  const attended = graph.node("MatMul", [weights, graph.transpose(v, 0, 2, 1, 3)]);
  return linear(graph, "proj", graph.reshape(graph.transpose(attended, 0, 2, 1, 3), -1, width));
}

function swiglu(graph: GraphBuilder, x: Value): Value {
  const gate = linear(graph, "w1", x);
  const silu = graph.multiply(gate, graph.node("Sigmoid", [gate]));
  return linear(graph, "w3", graph.multiply(linear(graph, "w2", x), silu));
}

/** BatchNorm(Linear([the group's nodes, their offsets from its centre])): [g s, d] -> [g, d']. */
export function ballPooling(
  graph: GraphBuilder,
  x: Value,
  offsets: Value,
  { stride, width }: { stride: number; width: number },
): Value {
  const { weight, bias } = normalised(graph, 1);
  return affine(graph, graph.concatenate(graph.reshape(x, -1, stride * width), offsets), weight, bias);
}

/** BatchNorm(skip + Linear([coarse node, offsets of its children])): [g, d], [g s, d'] -> [g s, d']. */
export function ballUnpooling(
  graph: GraphBuilder,
  x: Value,
  skip: Value,
  offsets: Value,
  { stride, width }: { stride: number; width: number },
): Value {
  const { weight, bias, scale } = normalised(graph, stride);
  const children = graph.reshape(affine(graph, graph.concatenate(x, offsets), weight, bias), -1, width);
  return graph.add(graph.multiply(skip, graph.constant("norm.scale", scale)), children);
}

/**
 * A linear map `proj` with the BatchNorm `norm` after it, by its running statistics, as one linear map. Its rows are
 * `repeats` times the norm's channels.
 */
function normalised(graph: GraphBuilder, repeats: number) {
  const norm = graph.within("norm");
  const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(
    (name) => norm.weight(name).data,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const channels = weight.length;
  const scale = weight.map((value, c) => value / Math.sqrt(variance[c]! + 1e-5));
  const shift = bias.map((value, c) => value - mean[c]! * scale[c]!);
  const proj = graph.weight("proj.weight");
  const columns = proj.data.length / (repeats * channels);
  const ofRow = (values: Float32Array, row: number) => values[row % channels]!;
  return {
    weight: graph.constant("proj.weight", {
      shape: proj.shape,
      data: proj.data.map((value, i) => value * ofRow(scale, Math.floor(i / columns))),
    }),
    bias: graph.constant("proj.bias", {
      shape: [repeats * channels],
      data: graph.weight("proj.bias").data.map((value, row) => value * ofRow(scale, row) + ofRow(shift, row)),
    }),
    scale: { shape: [channels], data: scale },
  };
}

/** The columns from `first` to before `end` of a matrix. */
function columns({ shape, data }: Weight, first: number, end = shape[1]!): Weight {
  const [rows, all] = shape as [number, number];
  const width = end - first;
  const chosen = Float32Array.from(
    { length: rows * width },
    (_, i) => data[Math.floor(i / width) * all + first + (i % width)]!,
  );
  return { shape: [rows, width], data: chosen };
}

/**
 * Rows of qkv, which checkpoints keep in the order [head, element, q | k | v], in the order [q | k | v, head, element], those
 * of q with the attention's factor 1 / sqrt(E).
 */
function unpackedQkv({ shape, data }: Weight, heads: number): Weight {
  const rows = shape[0]!;
  const columns = data.length / rows;
  const channels = rows / 3;
  const factor = 1 / Math.sqrt(channels / heads);
  const unpacked = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const [channel, part] = [Math.floor(row / 3), row % 3];
    for (let c = 0; c < columns; c++) {
      unpacked[(part * channels + channel) * columns + c] = data[row * columns + c]! * (part === 0 ? factor : 1);
    }
  }
  return { shape, data: unpacked };
}
