// Erwin's block: ball attention and the gated feed-forward part, each applied to normalised input and added to it.

import { expectWhole } from "../arguments/options.ts";
import { ballAttention, normPositionQkv } from "../tensor/operators/attention.ts";
import { type AttentionOutput, attendedFeedForward, feedForward } from "../tensor/operators/feedforward.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import type { LevelGeometry, NodeOrder } from "./geometry.ts";
import { erwinLinear, Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { RMSNorm } from "./norms.ts";
import { normal, type Parameter } from "./parameter.ts";

export interface BlockShape {
  /** The number of channels, a multiple of heads. */
  width: number;
  /** The number of attention heads. */
  heads: number;
  /** The width of the feed-forward's hidden layer, as a multiple of the block's width. */
  mlpRatio: number;
  /** The number of spatial dimensions, 1 to 3. */
  dimensions: number;
}

/**
 * Ball multi-head self-attention with distance bias and relative positions (paper, section 3.2), within each ball:
 *
 *     y = x + Linear(pos - the ball's mean);  q, k, v = Linear(y) per head
 *     softmax_j(q_i . k_j / sqrt(E) + sigma ||pos_i - pos_j||) v_j, then Linear on all heads together
 *
 * Parts `pe_proj`, `qkv`, `proj`; parameter `sigma_att` [1, heads, 1, 1].
 */
export class BallAttention extends Module {
  readonly heads: number;
  readonly position: Linear;
  readonly qkv: Linear;
  readonly output: Linear;
  readonly #sigma: Parameter;

  /** @throws ConfigError naming a size that is not whole, or too small, and for a width that the heads do not divide */
  constructor({ width, heads, dimensions }: Omit<BlockShape, "mlpRatio">) {
    super();
    expectWhole("width / heads", width / heads, 1);
    this.heads = heads;
    this.position = this.child("pe_proj", new Linear(dimensions, width, erwinLinear));
    this.qkv = this.child("qkv", new Linear(width, 3 * width, erwinLinear));
    this.output = this.child("proj", new Linear(width, width, erwinLinear));
    this.#sigma = this.parameter("sigma_att", [1, heads, 1, 1], normal(-1, 0.01));
  }

  /** [1, heads, 1, 1] How attention falls off with distance. */
  get sigma(): Tensor {
    return this.#sigma.tensor;
  }

  /** x + BMSA(norm(x)), in the given order of the nodes: [n, width] -> [n, width]. */
  forward(x: Tensor, norm: RMSNorm, order: NodeOrder, level: LevelGeometry): Tensor {
    return scope(() => {
      const { attended, projection, scatter } = this.attend(x, norm, order, level);
      return projection.forward(attended, { residual: x, scatter });
    });
  }

  /** The same without its last map and sum, which the block's next part can compute on the way. */
  attend(
    x: Tensor,
    norm: RMSNorm,
    order: NodeOrder,
    { balls }: LevelGeometry,
  ): AttentionOutput & { projection: Linear } {
    const { index, positions, offsets } = order;
    const attended = scope(() => {
      const qkv = normPositionQkv(x, norm.weight, offsets, this.position, this.qkv, index);
      return ballAttention(qkv, positions, this.sigma, balls);
    });
    return { attended, projection: this.output, scatter: index };
  }
}

/** SwiGLU feed-forward network: W3 (W2 x * SiLU(W1 x)). Parts `w1`, `w2` [r d, d], `w3` [d, r d], with biases. */
export class SwiGLU extends Module {
  readonly gate: Linear;
  readonly value: Linear;
  readonly output: Linear;

  constructor({ width, mlpRatio }: Pick<BlockShape, "width" | "mlpRatio">) {
    super();
    this.gate = this.child("w1", new Linear(width, width * mlpRatio, erwinLinear));
    this.value = this.child("w2", new Linear(width, width * mlpRatio, erwinLinear));
    this.output = this.child("w3", new Linear(width * mlpRatio, width, erwinLinear));
  }

  /** x + SwiGLU(norm(x)): [n, width] -> [n, width]. */
  forward(x: Tensor, norm: RMSNorm): Tensor {
    return feedForward(x, norm.weight, this.gate, this.value, this.output);
  }

  /** y + SwiGLU(norm(y)), where y is x with attention's output, which is consumed: [n, width] -> [n, width]. */
  afterAttention(attention: AttentionOutput, x: Tensor, norm: RMSNorm): Tensor {
    return attendedFeedForward(attention, x, norm.weight, this.gate, this.value, this.output);
  }
}

/** One transformer block (paper, section 3.2). Parts `norm1`, `norm2`, `BMSA`, `swiglu`. */
export class ErwinBlock extends Module {
  readonly attentionNorm: RMSNorm;
  readonly feedForwardNorm: RMSNorm;
  readonly attention: BallAttention;
  readonly swiglu: SwiGLU;

  /** @throws ConfigError naming a size that is not whole, or too small, and for a width that the heads do not divide */
  constructor(shape: BlockShape) {
    super();
    this.attentionNorm = this.child("norm1", new RMSNorm(shape.width));
    this.feedForwardNorm = this.child("norm2", new RMSNorm(shape.width));
    this.attention = this.child("BMSA", new BallAttention(shape));
    this.swiglu = this.child("swiglu", new SwiGLU(shape));
  }

  /** [n, width] -> [n, width]. */
  forward(x: Tensor, order: NodeOrder, level: LevelGeometry): Tensor {
    const attention = this.attention.attend(x, this.attentionNorm, order, level);
    return this.swiglu.afterAttention(attention, x, this.feedForwardNorm);
  }
}
