// The model of the cosmology experiment: positions of halos in, their velocities out.

import type { GivenConfig } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { MLP } from "../../nn/sequential.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { type NeighbourInput, prepareNeighbours } from "../neighbours.ts";
import { DIMENSIONS } from "../space.ts";

/** The parts are `embedding_model.pos_embedding`, `main_model`, `pred_head`. */
export class VelocityModel extends Module {
  readonly #embedding: Linear;
  readonly #main: ErwinTransformer;
  readonly #head: MLP;

  constructor(config: GivenConfig) {
    super();
    const main = new ErwinTransformer(config);
    const {
      cIn,
      cHidden: [width],
    } = main.config;
    this.#embedding = this.child("embedding_model.pos_embedding", new Linear(DIMENSIONS, cIn));
    this.#main = this.child("main_model", main);
    this.#head = this.child("pred_head", new MLP([width, width, DIMENSIONS]));
  }

  /** Builds trees and graph, without touching the device. */
  prepare(input: NeighbourInput): Promise<PreparedGeometry> {
    return prepareNeighbours(this.#main, input, { dimensionality: DIMENSIONS, loop: false });
  }

  /** Returns velocities [N, 3]. */
  async forward(geometry: PreparedGeometry): Promise<Tensor> {
    using positions = Tensor.from(this.device, geometry.nodePositions, [geometry.points, DIMENSIONS]);
    using nodeFeatures = this.#embedding.forward(positions);
    using nodes = await this.#main.forward({ ...geometry, nodeFeatures });
    return this.#head.forward(nodes);
  }

  override metadata(): Record<string, string> {
    return { ...this.#main.metadata(), experiment: "cosmology" };
  }
}
