// Message passing over a graph.

import { type Destination, type LinearDestinations, ofPart, pairOfPart } from "../../backends/operators.ts";
import { expectNorm, expectOperands, expectShape, matrixShape, positionsShape } from "../shapes.ts";
import { record, type Saved } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";
import { destinationOf, destinationsOf, type LinearWeights, namedOf, storageOf } from "./destinations.ts";

/** A part of a graph that fits a device's bindings: all edges that arrive at a range of nodes. */
export interface GraphPart {
  /**
   * u32: starts [nodes + 1], sources [edges], targets [edges], sorted by target, with indices within the part; for
   * training followed by source_starts [nodes + 1] and the edges [edges] that leave each node.
   */
  graph: Tensor;
  /** [targets] 1 if an edge arrives, else 0; for training only. */
  arrived: Tensor | undefined;
  /** The nodes that the part refers to, its targets first. Undefined if they are all nodes in order. */
  members: Tensor | undefined;
  nodes: number;
  firstTarget: number;
  targets: number;
  edges: number;
}

/** What messages are computed from. */
interface Messages {
  h: Tensor;
  positions: Tensor;
  parts: readonly GraphPart[];
  message: LinearWeights;
  norm: LinearWeights;
}

/**
 * The mean over the edges (i -> j) of LayerNorm(GELU(W [h_i, h_j, p_i - p_j] + b)), or 0 if no edge arrives: h [n, d],
 * positions [n, D], W [d, 2 d + D] -> [n, d].
 */
export function messageMean(
  h: Tensor,
  positions: Tensor,
  parts: readonly GraphPart[],
  message: LinearWeights,
  norm: LinearWeights,
): Tensor {
  const [rows, width] = matrixShape("h", h);
  const [, dimensions] = positionsShape("positions", positions);
  expectShape("positions", positions, [rows, dimensions]);
  expectShape("message weight", message.weight, [width, 2 * width + dimensions]);
  expectShape("message bias", message.bias, [width]);
  expectNorm("norm", norm, width);
  expectOperands({ ...namedOf("message", message), h, positions, ...namedOf("norm", norm) });
  return scope(() => {
    const given = { h, positions, parts, message, norm };
    const out = new Tensor(h.device, [rows, width]);
    overParts(given, (shared) => h.device.operators.messageMean({ ...shared, out: out.storage }));
    const inputs = [h, message.weight, message.bias, norm.weight, norm.bias];
    return record(out, inputs, keptOf(given), (gradient, gradients, kept) =>
      computeGradients(withKept(given, kept), gradient, {
        h: destinationOf(gradients, h),
        message: destinationsOf(gradients, message),
        norm: destinationsOf(gradients, norm),
      }),
    );
  });
}

/** The tensors that a backward pass needs, by names. */
function keptOf({ h, positions, parts, message, norm }: Messages): Saved {
  const ofParts = parts.map(({ graph, arrived, members }, i) => [
    [`graph${i}`, graph] as const,
    [`arrived${i}`, arrived] as const,
    [`members${i}`, members] as const,
  ]);
  return {
    ...{ h, positions, messageWeight: message.weight, messageBias: message.bias },
    ...{ normWeight: norm.weight, normBias: norm.bias },
    ...Object.fromEntries(ofParts.flat()),
  };
}

/** The same messages of the tensors that were kept. */
function withKept({ parts }: Messages, kept: Saved): Messages {
  return {
    h: kept.h!,
    positions: kept.positions!,
    message: { weight: kept.messageWeight!, bias: kept.messageBias! },
    norm: { weight: kept.normWeight!, bias: kept.normBias! },
    parts: parts.map((part, i) => ({
      ...part,
      graph: kept[`graph${i}`]!,
      arrived: kept[`arrived${i}`],
      members: kept[`members${i}`],
    })),
  };
}

function computeGradients(
  given: Messages,
  gradient: Tensor,
  into: { h?: Destination; message: LinearDestinations; norm: LinearDestinations },
): void {
  const { device } = gradient;
  const [rows, width] = matrixShape("h", given.h);
  overParts(given, (shared, { arrived, members }, i) => {
    const later = i > 0;
    // With members, the gradients of the part's nodes are computed separately and then added to those of all nodes.
    const local = into.h && members ? new Tensor(device, [shared.nodes, width]) : undefined;
    device.operators.messageMeanBackward({
      ...shared,
      gradient: gradient.storage,
      arrived: arrived!.storage,
      into: {
        h: local ? { storage: local.storage, accumulate: false } : ofPart(into.h, later),
        message: pairOfPart(into.message, later),
        norm: pairOfPart(into.norm, later),
      },
    });
    if (!local || !into.h || !members) return;
    if (!into.h.accumulate && !later) device.clear(into.h.storage);
    device.operators.scatterRows({
      source: local.storage,
      index: members.storage,
      into: { storage: into.h.storage, accumulate: true },
      rows: shared.nodes,
      targets: rows,
      width,
    });
    local.dispose();
  });
}

type SharedArguments = Omit<Parameters<Tensor["device"]["operators"]["messageMean"]>[0], "out">;

/**
 * Does work for each part, with the arguments that the forward and the backward operator share. The nodes of a part are gathered if
 * they are not all nodes.
 */
function overParts(
  { h, positions, parts, message, norm }: Messages,
  work: (shared: SharedArguments, part: GraphPart, index: number) => void,
): void {
  const [, width] = matrixShape("h", h);
  const [, dimensions] = positionsShape("positions", positions);
  parts.forEach((part, index) => {
    const { graph, members, nodes, firstTarget, targets, edges } = part;
    const shape = { nodes, firstTarget, targets, edges, width, dimensions };
    // They are tensors, which a scope frees if an operator fails.
    const [ownH, ownPositions] = [h, positions].map((source) => nodesOf(source, members, nodes));
    const storages = { h: ownH.storage, positions: ownPositions.storage, graph: graph.storage };
    work({ ...shape, ...storages, message: storageOf(message), norm: storageOf(norm) }, part, index);
    for (const tensor of [ownH, ownPositions]) tensor.dispose();
  });
}

function nodesOf(source: Tensor, members: Tensor | undefined, nodes: number): Tensor {
  if (!members) return source.detach();
  const [sources, width] = matrixShape("nodes", source);
  const gathered = source.empty([nodes, width]);
  source.device.operators.gatherRows({
    source: source.storage,
    index: members.storage,
    out: gathered.storage,
    sources,
    rows: nodes,
    width,
  });
  return gathered;
}
