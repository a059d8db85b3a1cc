// The model of the flow experiment: it maps the state of a frame to the change until the next frame.

import type { GivenConfig } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { concatenate } from "../../tensor/operators/sections.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";
import { NODE_KINDS, STATE } from "./trajectories.ts";

/** The same frame of several flows, concatenated. */
export interface FlowFrame {
  /** [N, 2] */
  positions: Float32Array;
  /** [N] */
  kinds: Int32Array;
  offsets: Int32Array;
  /** [2 M] */
  edgeIndex: Int32Array;
}

export interface PreparedFrame {
  /** [N, 9] 1 at the node's type, else 0. */
  kinds: Float32Array;
  geometry: PreparedGeometry;
}

/** The parts are `embedding_model`, `main_model`, `pred_head`. */
export class FlowModel extends Module {
  readonly #embedding: Linear;
  readonly #main: ErwinTransformer;
  readonly #head: Linear;

  constructor(config: GivenConfig) {
    super();
    const main = new ErwinTransformer(config);
    this.#embedding = this.child("embedding_model", new Linear(STATE + NODE_KINDS, main.config.cIn));
    this.#main = this.child("main_model", main);
    this.#head = this.child("pred_head", new Linear(main.config.cHidden[0], STATE));
  }

  /** Builds the frame's trees, without touching the device. */
  async prepare({ positions, kinds, offsets, edgeIndex }: FlowFrame): Promise<PreparedFrame> {
    const oneHot = new Float32Array(NODE_KINDS * kinds.length);
    kinds.forEach((kind, node) => {
      oneHot[NODE_KINDS * node + kind] = 1;
    });
    return {
      kinds: oneHot,
      geometry: await this.#main.prepareGeometry({ nodePositions: positions, offsets, edgeIndex }),
    };
  }

  /** Returns the state's change until the next frame, [N, 4], for the state [N, 4] of a frame. */
  async forward(state: Tensor, { kinds, geometry }: PreparedFrame): Promise<Tensor> {
    using nodeFeatures = scope(() => {
      const oneHot = Tensor.from(this.device, kinds, [geometry.points, NODE_KINDS]);
      return this.#embedding.forward(concatenate([state, oneHot], 1));
    });
    using nodes = await this.#main.forward({ ...geometry, nodeFeatures });
    return this.#head.forward(nodes);
  }

  override metadata(): Record<string, string> {
    return { ...this.#main.metadata(), experiment: "eagle" };
  }
}
