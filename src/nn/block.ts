// Erwin's block: ball attention, then the gated feed-forward part, each on normalised input and added to it.

import { ballAttention, normPositionQkv } from "../tensor/operators/attention.ts";
import { feedForward } from "../tensor/operators/feedforward.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import type { LevelGeometry, NodeOrder } from "./geometry.ts";
import { Linear } from "./linear.ts";
import { type ParameterSource, within } from "./parameters.ts";

/** Ball multi-head self-attention with distance bias and relative positions (paper, section 3.2). Parameters `BMSA.*`. */
export class BallAttention {
  readonly position: Linear;
  readonly qkv: Linear;
  readonly output: Linear;
  /** [1, heads, 1, 1] how attention falls with distance. */
  readonly sigma: Tensor;

  constructor(source: ParameterSource, name: string, width: number, heads: number, dimensions: number) {
    const own = within(source, name);
    this.position = new Linear(own, "pe_proj", dimensions, width);
    this.qkv = new Linear(own, "qkv", width, 3 * width);
    this.output = new Linear(own, "proj", width, width);
    this.sigma = own.get("sigma_att", [1, heads, 1, 1], "sigma");
  }

  /** x + BMSA(RMSNorm(x; norm)), in the given order of the nodes: [n, d] -> [n, d]. */
  forward(x: Tensor, norm: Tensor, { index, positions, offsets }: NodeOrder, { balls }: LevelGeometry): Tensor {
    return scope(() => {
      const qkv = normPositionQkv(x, norm, offsets, this.position, this.qkv, index);
      const attended = ballAttention(qkv, positions, this.sigma, balls);
      return this.output.forward(attended, { residual: x, scatter: index });
    });
  }
}

/** SwiGLU feed-forward network. Parameters `swiglu.w1`, `.w2`, `.w3`. */
export class SwiGLU {
  readonly gate: Linear;
  readonly value: Linear;
  readonly output: Linear;

  constructor(source: ParameterSource, name: string, width: number, mlpRatio: number) {
    const own = within(source, name);
    this.gate = new Linear(own, "w1", width, width * mlpRatio);
    this.value = new Linear(own, "w2", width, width * mlpRatio);
    this.output = new Linear(own, "w3", width * mlpRatio, width);
  }

  /** x + W3 (W2 n * SiLU(W1 n)), n = RMSNorm(x; norm): [n, d] -> [n, d]. */
  forward(x: Tensor, norm: Tensor): Tensor {
    return feedForward(x, norm, this.gate, this.value, this.output);
  }
}

/** One transformer block (paper, section 3.2). */
export class ErwinBlock {
  readonly attentionNorm: Tensor;
  readonly feedForwardNorm: Tensor;
  readonly attention: BallAttention;
  readonly swiglu: SwiGLU;

  constructor(
    source: ParameterSource,
    name: string,
    width: number,
    heads: number,
    mlpRatio: number,
    dimensions: number,
  ) {
    const own = within(source, name);
    this.attentionNorm = own.get("norm1.weight", [width], "ones");
    this.feedForwardNorm = own.get("norm2.weight", [width], "ones");
    this.attention = new BallAttention(own, "BMSA", width, heads, dimensions);
    this.swiglu = new SwiGLU(own, "swiglu", width, mlpRatio);
  }

  forward(x: Tensor, order: NodeOrder, level: LevelGeometry): Tensor {
    return scope(() =>
      this.swiglu.forward(this.attention.forward(x, this.attentionNorm, order, level), this.feedForwardNorm),
    );
  }
}
