// The wrapper for halos: their positions in, their velocities out.

import type { ErwinConfigInput } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { MLP } from "../../nn/sequential.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { buildNeighbours, type NeighbourChoice } from "../neighbours.ts";

const DIMENSIONS = 3;

/** A batch of catalogues, one after the other. */
export interface HaloInput {
  /** [N, 3] normalised. */
  positions: Float32Array;
  offsets: Int32Array;
  neighbours: NeighbourChoice;
}

/** Parts `embedding_model.pos_embedding`, `main_model`, `pred_head`. */
export class VelocityModel extends Module {
  readonly #embedding: Linear;
  readonly #main: ErwinTransformer;
  readonly #head: MLP;

  constructor(config: ErwinConfigInput | Readonly<Record<string, unknown>>) {
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
  async prepare({ positions, offsets, neighbours }: HaloInput): Promise<PreparedGeometry> {
    const edgeIndex = await buildNeighbours(positions, neighbours, {
      dimensionality: DIMENSIONS,
      offsets,
      loop: false,
      threads: this.device.threads,
    });
    return this.#main.prepareGeometry({ nodePositions: positions, offsets, edgeIndex });
  }

  /** -> [N, 3] */
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
