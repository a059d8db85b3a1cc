// The device memory that a pass needs, found by a dry run on a device that only counts.

import { type Indices, toEdges, toIndices } from "../arguments/indices.ts";
import { describe } from "../arguments/kinds.ts";
import { toRows } from "../arguments/numbers.ts";
import type { DryRunDevice } from "../backends/dry-run.ts";
import { BLOCK, layOut } from "../backends/optimizer.ts";
import { cloudOffsets, treeLevels } from "../balltree/index.ts";
import { InputError } from "../errors.ts";
import { limits } from "../limits.ts";
import { backward } from "../tensor/backward.ts";
import { moveGradient } from "../tensor/tape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { ErwinConfig } from "./config.ts";
import { type ErwinInput, type GeometryInArrays, isPrepared, type PreparedInput } from "./input.ts";
import type { ErwinTransformer } from "./model.ts";

/** A batch, described by its sizes alone. */
export interface MemoryQuestion {
  /** The number of points of all clouds together. Optional if `offsets` is given. */
  points?: number;
  /** [B + 1] The first point of each cloud, then the number of points. Default: one cloud. */
  offsets?: Indices;
  /** The number of edges of the graph; required if the model passes messages. */
  edges?: number;
  /**
   * True: forward and backward pass with AdamW's memory; false: a forward pass in evaluation mode. Default: the model's
   * mode.
   */
  training?: boolean;
  /** Whether the optimiser keeps an average of the weights. Default false. */
  average?: boolean;
}

/**
 * Returns the sizes of a batch that is prepared, or has its edges, or is described by its sizes.
 * @throws InputError if the model passes messages and the batch's graph has not been built yet
 */
export function sizesOf(
  { dimensionality, mpSteps }: ErwinConfig,
  batch: MemoryQuestion | ErwinInput | PreparedInput,
): MemoryQuestion {
  if (typeof batch !== "object" || batch === null) {
    throw new InputError("a batch is an object: { points, edges }, or what forward takes", { found: typeof batch });
  }
  if (!("nodePositions" in batch)) return batch;
  if (isPrepared(batch)) return { offsets: batch.tree.cloudOffsets, edges: batch.edges?.sources.length ?? 0 };
  // An estimate does not wait for the device: of the tensors that hold indices it needs the values.
  const { batchIdx, offsets, edgeIndex } = batch as GeometryInArrays;
  const { nodePositions } = batch;
  const numbers =
    nodePositions instanceof Tensor
      ? nodePositions.size
      : toRows("nodePositions", nodePositions, dimensionality).length;
  if (mpSteps > 0 && !edgeIndex) {
    throw new InputError(
      "how many edges this batch has is known once its graph is built: estimateMemory(await model.prepare(batch))",
      { tensor: "edgeIndex" },
    );
  }
  return {
    offsets: cloudOffsets(numbers / dimensionality, { batchIdx, offsets }),
    edges: mpSteps > 0 && edgeIndex ? toEdges("edgeIndex", edgeIndex).length / 2 : 0,
  };
}

/** Bytes of device memory. */
export interface MemoryEstimate {
  /** Weights and running statistics. */
  parameters: number;
  gradients: number;
  /** AdamW's two moments, and the average if there is one. */
  moments: number;
  /** What the forward pass keeps: the batch, its tree, and what the backward pass will need. */
  activations: number;
  /** What is allocated temporarily in addition at the pass's peak. */
  temporaries: number;
  /** The maximum at any time: the sum of the above. */
  peak: number;
  /** The largest tensors at that time, in descending order. */
  largest: readonly { shape: readonly number[]; bytes: number }[];
}

/** Edges are numbered by signed integers of 32 bits. */
const MAX_EDGES = 2 ** 31 - 1;

/**
 * Moves parameters and their gradients to where AdamW has them: in an allocation each, every one from a block on. Returns the bytes
 * of each of the two allocations.
 */
function packParameters(tensors: readonly Tensor[], { memory }: DryRunDevice): number {
  const { ranges, blocks } = layOut(tensors.map(({ size }) => size));
  const bytes = blocks * BLOCK * 4;
  const [weights, gradients] = [memory.allocate(bytes), memory.allocate(bytes)];
  tensors.forEach((tensor, i) => {
    const first = ranges[i].firstBlock * BLOCK * 4;
    tensor.moveTo(weights.slice(first, tensor.size * 4));
    moveGradient(tensor, gradients.slice(first, tensor.size * 4));
  });
  return bytes;
}

/**
 * Runs a pass on a device that only counts.
 * @param model a model on such a device, with nothing else on it
 * @param run its forward pass
 * @throws InputError if the number of points or edges is missing
 */
export function dryRunPass(
  model: ErwinTransformer,
  run: (input: PreparedInput) => Tensor,
  question: MemoryQuestion,
): MemoryEstimate {
  const device = model.device as DryRunDevice;
  device.notesTensors = true;
  const { memory } = device;
  const { training = true, average = false } = question;
  const estimate = { parameters: memory.current, gradients: 0, moments: 0 };
  if (training) {
    model.train();
    const moments = average ? 3 : 2;
    const bytes = packParameters([...model.parameters().values()], device);
    for (let kept = 0; kept < moments; kept++) memory.allocate(bytes);
    estimate.gradients = bytes;
    estimate.moments = moments * bytes;
    estimate.parameters = memory.current - estimate.gradients - estimate.moments;
  }
  const before = memory.current;
  const output = run(blankInput(model.config, question));
  const activations = memory.current - before;
  // Where all is frozen, nothing was recorded.
  if (training && output.requiresGrad) backward(output, new Tensor(device, output.shape));
  const temporaries = memory.peak - before - activations;
  return { ...estimate, activations, temporaries, peak: memory.peak, largest: device.largestAtPeak };
}

/** Returns an input of the given sizes; a device that only counts ignores its content. */
export function blankInput(
  { dimensionality, cIn, mpSteps, strides, ballSizes, rotate }: ErwinConfig,
  question: MemoryQuestion,
): PreparedInput {
  const given = question.offsets && toIndices("offsets", question.offsets);
  const points = question.points ?? given?.at(-1);
  if (points === undefined)
    throw new InputError("the number of points is missing: give points or offsets", { tensor: "offsets" });
  if (mpSteps > 0 && question.edges === undefined) {
    throw new InputError("the model passes messages (mpSteps > 0): give the number of edges", { tensor: "edgeIndex" });
  }
  expectSize("points", points, 1, limits.points);
  expectSize("edges", question.edges ?? 0, 0, MAX_EDGES);
  const offsets = cloudOffsets(points, { offsets: given });
  const levels = treeLevels(offsets, strides, ballSizes);
  const slots = levels[0].nodes;
  return {
    nodeFeatures: new Float32Array(points * cIn),
    nodePositions: new Float32Array(points * dimensionality),
    points,
    tree: {
      dimensionality,
      treeIdx: new Int32Array(slots),
      treeMask: new Uint8Array(slots),
      treeIdxRot: rotate ? levels.map(({ nodes }) => new Int32Array(nodes)) : [],
      offsets: levels[0].offsets,
      cloudOffsets: offsets,
      levels,
    },
    edges: mpSteps > 0 ? evenEdges(question.edges!, points) : undefined,
  };
}

function expectSize(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new InputError(`${field} is ${describe(value)}, expected a whole number from ${least} to ${most}`, { field });
}

/** Distributes `edges` edges evenly among the nodes; each goes from a node to itself. */
function evenEdges(edges: number, nodes: number): PreparedInput["edges"] {
  const starts = Uint32Array.from({ length: nodes + 1 }, (_, node) => Math.floor((edges * node) / nodes));
  const targets = new Uint32Array(edges);
  for (let node = 0; node < nodes; node++) targets.fill(node, starts[node], starts[node + 1]);
  return { starts, sources: targets, targets };
}
