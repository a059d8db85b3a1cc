// Message passing over a graph.

import type { LinearDestinations } from "../../backends/operators.ts";
import { expectNorm, expectOperands, expectShape, matrixShape, positionsShape } from "../shapes.ts";
import { record } from "../tape.ts";
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

/**
 * The mean over the edges (i -> j) of LayerNorm(GELU(W [h_i, h_j, p_i - p_j] + b)), or 0 if no edge arrives: h [n, d],
 * positions [n, D], W [d, 2 d + D] -> [n, d].
 */
export function messageMean(
  h: Tensor,
  positions: Tensor,
  parts: GraphPart[],
  message: LinearWeights,
  norm: LinearWeights,
): Tensor {
  const { device } = h;
  const [rows, width] = matrixShape("h", h);
  const [, dimensions] = positionsShape("positions", positions);
  expectShape("positions", positions, [rows, dimensions]);
  expectShape("message weight", message.weight, [width, 2 * width + dimensions]);
  expectShape("message bias", message.bias, [width]);
  expectNorm("norm", norm, width);
  expectOperands({ ...namedOf("message", message), h, positions, ...namedOf("norm", norm) });
  return scope(() => {
    const out = new Tensor(device, [rows, width]);
    const shape = { width, dimensions };
    for (const part of parts) {
      const { graph, nodes, firstTarget, targets, edges } = part;
      const members = membersOf(part, h, positions);
      device.operators.messageMean({
        ...shape,
        ...members.storages,
        graph: graph.storage,
        message: storageOf(message),
        norm: storageOf(norm),
        out: out.storage,
        firstTarget,
        nodes,
        targets,
        edges,
      });
      members.release();
    }
    const kept: Record<string, Tensor | undefined> = {
      h,
      positions,
      messageWeight: message.weight,
      messageBias: message.bias,
      normWeight: norm.weight,
      normBias: norm.bias,
    };
    parts.forEach(({ graph, arrived, members }, i) =>
      Object.assign(kept, { [`graph${i}`]: graph, [`arrived${i}`]: arrived, [`members${i}`]: members }),
    );
    return record(out, [h, message.weight, message.bias, norm.weight, norm.bias], kept, (gradient, gradients, kept) => {
      const into = { message: destinationsOf(gradients, message), norm: destinationsOf(gradients, norm) };
      let dh = destinationOf(gradients, h);
      parts.forEach((part, i) => {
        const { nodes, firstTarget, targets, edges } = part;
        const members = membersOf({ ...part, members: kept[`members${i}`] }, kept.h!, kept.positions!);
        // With members, the gradients of the part's nodes are computed separately and then added to those of all nodes.
        const local = dh && kept[`members${i}`] ? new Tensor(device, [nodes, width]) : undefined;
        device.operators.messageMeanBackward({
          ...shape,
          ...members.storages,
          gradient: gradient.storage,
          graph: kept[`graph${i}`]!.storage,
          arrived: kept[`arrived${i}`]!.storage,
          message: storageOf({ weight: kept.messageWeight!, bias: kept.messageBias! }),
          norm: storageOf({ weight: kept.normWeight!, bias: kept.normBias! }),
          into: { ...into, h: local ? { storage: local.storage, accumulate: false } : dh },
          firstTarget,
          nodes,
          targets,
          edges,
        });
        members.release();
        if (local && dh) {
          if (!dh.accumulate && i === 0) device.clear(dh.storage);
          device.operators.scatterRows({
            source: local.storage,
            index: kept[`members${i}`]!.storage,
            into: { ...dh, accumulate: true },
            rows: nodes,
            targets: rows,
            width,
          });
          local.dispose();
        }
        // Later parts add to what the first has written.
        dh = dh && { ...dh, accumulate: true };
        addFromNowOn(into.message);
        addFromNowOn(into.norm);
      });
    });
  });
}

/**
 * Returns the nodes of a part, which are gathered if they are not all nodes. They are tensors, which a scope frees if an operator
 * fails.
 */
function membersOf({ members, nodes }: GraphPart, h: Tensor, positions: Tensor) {
  const pick = (source: Tensor) => {
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
  };
  const own = [pick(h), pick(positions)] as const;
  return {
    storages: { h: own[0].storage, positions: own[1].storage },
    release: () => own.forEach((tensor) => tensor.dispose()),
  };
}

function addFromNowOn(destinations: LinearDestinations): void {
  if (destinations.weight) destinations.weight = { ...destinations.weight, accumulate: true };
  if (destinations.bias) destinations.bias = { ...destinations.bias, accumulate: true };
}
