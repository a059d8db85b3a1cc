// Erwin's input embedding: a linear map, then message passing over the graph.

import { expectWhole } from "../arguments/options.ts";
import { type GraphPart, messageMean } from "../tensor/operators/messages.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { erwinLinear, Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./norms.ts";

export interface MPNNShape {
  width: number;
  /** The number of message-passing steps. */
  steps: number;
  /** The number of spatial dimensions, 1 to 3. */
  dimensions: number;
}

/**
 * Message passing over the graph of the points (paper, section 3.1); each step i computes
 *
 *     m_j  = mean over the edges (i -> j) of LayerNorm(GELU(Linear([h_i, h_j, pos_i - pos_j]))), 0 if none arrives
 *     h_j += LayerNorm(Linear([h_j, m_j]))
 *
 * Parts `message_fns.<i>.0`, `message_fns.<i>.2`, `update_fns.<i>.0`, `update_fns.<i>.1`.
 */
export class MPNN extends Module {
  readonly width: number;
  readonly steps: readonly { message: Linear; messageNorm: LayerNorm; update: Linear; updateNorm: LayerNorm }[];

  /** @throws ConfigError naming a size that is not whole, or too small */
  constructor(shape: MPNNShape) {
    super();
    const { width, steps, dimensions } = { ...shape };
    expectWhole("steps", steps, 0);
    this.width = width;
    this.steps = Array.from({ length: steps }, (_, i) => ({
      message: this.child(`message_fns.${i}.0`, new Linear(2 * width + dimensions, width, erwinLinear)),
      messageNorm: this.child(`message_fns.${i}.2`, new LayerNorm(width)),
      update: this.child(`update_fns.${i}.0`, new Linear(2 * width, width, erwinLinear)),
      updateNorm: this.child(`update_fns.${i}.1`, new LayerNorm(width)),
    }));
  }

  /** h [n, width], positions [n, D] -> [n, width]. */
  forward(h: Tensor, positions: Tensor, graph: GraphPart[]): Tensor {
    return this.passMessages(h.view(), positions, graph);
  }

  /** Like `forward`, but consumes h: it is disposed as soon as it has been used. */
  passMessages(h: Tensor, positions: Tensor, graph: GraphPart[]): Tensor {
    for (const { message, messageNorm, update, updateNorm } of this.steps) {
      const next = scope(() => {
        const arrived = messageMean(h, positions, graph, message, messageNorm);
        return updateNorm.afterLinear(update, h, { second: arrived }, h);
      });
      h.dispose();
      h = next;
    }
    return h;
  }
}

/** Linear embedding and message passing (paper, section 3.1). Parts `embed_fn`, `mpnn`. */
export class ErwinEmbedding extends Module {
  readonly linear: Linear;
  readonly mpnn: MPNN;

  /**
   * @param inputs the number of channels of the points' features
   * @throws ConfigError naming a size that is not whole, or too small
   */
  constructor(inputs: number, shape: MPNNShape) {
    super();
    const mpnn = new MPNN(shape);
    this.linear = this.child("embed_fn", new Linear(inputs, mpnn.width, erwinLinear));
    this.mpnn = this.child("mpnn", mpnn);
  }

  /** features [n, inputs], positions [n, D] -> [n, width]. */
  forward(features: Tensor, positions: Tensor, graph: GraphPart[]): Tensor {
    return scope(() => this.mpnn.passMessages(this.linear.forward(features), positions, graph));
  }
}
