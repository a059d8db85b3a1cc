// The model of the molecular dynamics experiment: velocities and types of beads in, mean and deviation of their accelerations out.

import type { GivenConfig } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Embedding } from "../../nn/embedding.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { MLP } from "../../nn/sequential.ts";
import { add } from "../../tensor/operators/arithmetic.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";
import { DIMENSIONS } from "../space.ts";
import { BEAD_TYPES } from "./trajectories.ts";
import { VELOCITIES } from "./windows.ts";

/** A batch of chains, one after the other. */
export interface ChainInput {
  /** [N, 45] */
  velocities: Float32Array;
  /** [N] */
  types: Int32Array;
  /** [N, 3] */
  positions: Float32Array;
  offsets: Int32Array;
  /** [2 M] */
  edgeIndex: Int32Array;
}

export interface PreparedChains {
  velocities: Float32Array;
  types: Int32Array;
  geometry: PreparedGeometry;
}

/** The parts are `embedding_model.seq_embedding`, `embedding_model.ptype_embedding`, `dynamics_model`, `proj_model`. */
export class DynamicsModel extends Module {
  readonly #velocities: Linear;
  readonly #types: Embedding;
  readonly #dynamics: ErwinTransformer;
  readonly #projection: MLP;

  constructor(config: GivenConfig) {
    super();
    const dynamics = new ErwinTransformer(config);
    const {
      cIn,
      cHidden: [width],
    } = dynamics.config;
    this.#velocities = this.child("embedding_model.seq_embedding", new Linear(VELOCITIES * DIMENSIONS, cIn));
    this.#types = this.child("embedding_model.ptype_embedding", new Embedding(BEAD_TYPES, cIn));
    this.#dynamics = this.child("dynamics_model", dynamics);
    this.#projection = this.child("proj_model", new MLP([width, width, 2 * DIMENSIONS]));
  }

  /** Builds the chains' trees, without touching the device. */
  async prepare({ velocities, types, positions, offsets, edgeIndex }: ChainInput): Promise<PreparedChains> {
    const geometry = await this.#dynamics.prepareGeometry({ nodePositions: positions, offsets, edgeIndex });
    return { velocities, types, geometry };
  }

  /** Returns [N, 6]: means, and the values from which `gaussianNegativeLogLikelihood` computes deviations. */
  async forward({ velocities, types, geometry }: PreparedChains): Promise<Tensor> {
    using nodeFeatures = scope(() => {
      const seen = Tensor.from(this.device, velocities, [geometry.points, VELOCITIES * DIMENSIONS]);
      return add(this.#velocities.forward(seen), this.#types.forward(types));
    });
    using nodes = await this.#dynamics.forward({ ...geometry, nodeFeatures });
    return this.#projection.forward(nodes);
  }

  override metadata(): Record<string, string> {
    return { ...this.#dynamics.metadata(), experiment: "md" };
  }
}
