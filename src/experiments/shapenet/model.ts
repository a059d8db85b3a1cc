// The model of the ShapeNet-Car experiment: sine waves of the positions in, the pressure out.

import { ConfigError } from "../../errors.ts";
import type { GivenConfig } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { normal } from "../../nn/parameter.ts";
import { MLP } from "../../nn/sequential.ts";
import { cos, sin } from "../../tensor/operators/functions.ts";
import { concatenate } from "../../tensor/operators/sections.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";
import { type NeighbourInput, prepareNeighbours } from "../neighbours.ts";
import { DIMENSIONS } from "../space.ts";

/** The parts are `pos_enc.linear`, `main_model`, `pred_head`. */
export class PressureModel extends Module {
  readonly #waves: Linear;
  readonly #main: ErwinTransformer;
  readonly #head: MLP;

  constructor(config: GivenConfig) {
    super();
    const main = new ErwinTransformer(config);
    const {
      cIn,
      cHidden: [width],
    } = main.config;
    if (cIn % 2 !== 0) {
      throw new ConfigError(`cIn must be even, a cosine and a sine for each wave, not ${cIn}`, { field: "cIn" });
    }
    const waves = new Linear(DIMENSIONS, cIn / 2, { bias: false, weightInitializer: normal(0, 1) });
    this.#waves = this.child("pos_enc.linear", waves);
    this.#main = this.child("main_model", main);
    this.#head = this.child("pred_head", new MLP([width, width, 1]));
  }

  /** Builds trees and graph, without touching the device. */
  prepare(input: NeighbourInput): Promise<PreparedGeometry> {
    return prepareNeighbours(this.#main, input, { dimensionality: DIMENSIONS, loop: true });
  }

  /** Returns pressures [N, 1]. */
  async forward(geometry: PreparedGeometry): Promise<Tensor> {
    using nodeFeatures = scope(() => {
      const positions = Tensor.from(this.device, geometry.nodePositions, [geometry.points, DIMENSIONS]);
      const angles = this.#waves.forward(positions);
      return concatenate([cos(angles), sin(angles)], 1);
    });
    using nodes = await this.#main.forward({ ...geometry, nodeFeatures });
    return this.#head.forward(nodes);
  }

  override metadata(): Record<string, string> {
    return { ...this.#main.metadata(), experiment: "shapenet" };
  }
}
