// The model of a folder's experiment: positions, inputs and globals in, the targets out.

import type { ErwinConfigInput } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { normal } from "../../nn/parameter.ts";
import { MLP } from "../../nn/sequential.ts";
import { cos, sin } from "../../tensor/operators/functions.ts";
import { concatenate } from "../../tensor/operators/sections.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";

/** The numbers of columns for each point. */
export interface FieldWidths {
  features: number;
  outputs: number;
}

/** A batch of clouds, one after the other. */
export interface FieldInput {
  /** [N, D] */
  positions: Float32Array;
  /** [N, features] */
  features: Float32Array;
  offsets: Int32Array;
  /** [2 E]; not needed where the main model passes no messages. */
  edgeIndex?: Int32Array;
}

/** A batch with its trees and its graph, ready for the device. */
export interface PreparedFields {
  /** [N, features] */
  features: Float32Array;
  geometry: PreparedGeometry;
}

/** The parts are `waves`, `embedding`, `main_model`, `head`. */
export class FieldModel extends Module {
  readonly widths: FieldWidths;
  readonly #waves: Linear;
  readonly #embedding: Linear;
  readonly #main: ErwinTransformer;
  readonly #head: MLP;
  readonly #description: Readonly<Record<string, string>>;

  /** @param description further entries of `metadata`, besides the main model's config */
  constructor(
    config: ErwinConfigInput | Readonly<Record<string, unknown>>,
    widths: FieldWidths,
    description: Readonly<Record<string, string>> = {},
  ) {
    super();
    const main = new ErwinTransformer(config);
    const { cIn, dimensionality, cHidden } = main.config;
    this.widths = widths;
    this.#description = description;
    // The model gets sine waves of the positions, as in the paper's cars: changes over short distances are hard to see from positions.
    this.#waves = this.child(
      "waves",
      new Linear(dimensionality, cIn, { bias: false, weightInitializer: normal(0, 1) }),
    );
    this.#embedding = this.child("embedding", new Linear(2 * cIn + dimensionality + widths.features, cIn));
    this.#main = this.child("main_model", main);
    this.#head = this.child("head", new MLP([cHidden[0], cHidden[0], widths.outputs]));
  }

  get dimensionality(): number {
    return this.#main.config.dimensionality;
  }

  /** Whether a graph is needed. */
  get passesMessages(): boolean {
    return this.#main.config.mpSteps > 0;
  }

  /** Builds the trees, without touching the device. */
  async prepare({ positions, features, offsets, edgeIndex }: FieldInput): Promise<PreparedFields> {
    return { features, geometry: await this.#main.prepareGeometry({ nodePositions: positions, offsets, edgeIndex }) };
  }

  /**
   * Returns outputs [N, outputs].
   */
  async forward({ features, geometry }: PreparedFields): Promise<Tensor> {
    const { points, nodePositions } = geometry;
    using nodeFeatures = scope(() => {
      const positions = Tensor.from(this.device, nodePositions, [points, this.dimensionality]);
      const angles = this.#waves.forward(positions);
      const seen = [positions, cos(angles), sin(angles)];

      if (this.widths.features > 0) seen.push(Tensor.from(this.device, features, [points, this.widths.features]));
      return this.#embedding.forward(concatenate(seen, 1));
    });
    using nodes = await this.#main.forward({ ...geometry, nodeFeatures });
    return this.#head.forward(nodes);
  }

  override metadata(): Record<string, string> {
    return { ...this.#main.metadata(), ...this.#description };
  }
}
