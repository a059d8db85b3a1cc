// The input embedding: a linear map, then message passing over the graph.

import { type GraphPart, messageMean } from "../tensor/operators/messages.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { Linear } from "./linear.ts";
import { LayerNorm } from "./norms.ts";
import { type ParameterSource, within } from "./parameters.ts";

/** One step: h_j += LayerNorm(Linear([h_j, mean of the messages to j])). */
class MessageStep {
  readonly message: Linear;
  readonly messageNorm: LayerNorm;
  readonly update: Linear;
  readonly updateNorm: LayerNorm;

  constructor(source: ParameterSource, step: number, width: number, dimensions: number) {
    this.message = new Linear(source, `message_fns.${step}.0`, 2 * width + dimensions, width);
    this.messageNorm = new LayerNorm(source, `message_fns.${step}.2`, width);
    this.update = new Linear(source, `update_fns.${step}.0`, 2 * width, width);
    this.updateNorm = new LayerNorm(source, `update_fns.${step}.1`, width);
  }

  forward(h: Tensor, positions: Tensor, graph: GraphPart[]): Tensor {
    return scope(() => {
      const arrived = messageMean(h, positions, graph, this.message, this.messageNorm);
      return this.updateNorm.forward(this.update.forward(h, { second: arrived }), h);
    });
  }
}

/** Linear embedding and `mpSteps` message-passing steps (paper, section 3.1). Parameters `embed_fn.*`, `mpnn.*`. */
export class Embedding {
  readonly linear: Linear;
  readonly steps: MessageStep[];

  constructor(
    source: ParameterSource,
    name: string,
    inputs: number,
    width: number,
    mpSteps: number,
    dimensions: number,
  ) {
    const own = within(source, name);
    this.linear = new Linear(own, "embed_fn", inputs, width);
    this.steps = Array.from(
      { length: mpSteps },
      (_, step) => new MessageStep(within(own, "mpnn"), step, width, dimensions),
    );
  }

  /** features [n, cIn], positions [n, D] -> [n, d]. */
  forward(features: Tensor, positions: Tensor, graph: GraphPart[]): Tensor {
    return scope(() => {
      let h = this.linear.forward(features);
      for (const step of this.steps) {
        const next = step.forward(h, positions, graph);
        h.dispose();
        h = next;
      }
      return h;
    });
  }
}
