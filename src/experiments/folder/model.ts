// The model of a folder's experiment: positions, inputs and globals in, the targets out.

import { cloudOfEach } from "../../balltree/index.ts";
import type { ErwinConfigInput } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { normal } from "../../nn/parameter.ts";
import { MLP } from "../../nn/sequential.ts";
import { divide } from "../../tensor/operators/arithmetic.ts";
import { cos, sin } from "../../tensor/operators/functions.ts";
import { cloudSums } from "../../tensor/operators/groups.ts";
import { embeddingLookup } from "../../tensor/operators/lookup.ts";
import { concatenate, split } from "../../tensor/operators/sections.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";

/** The numbers of columns for each point. */
export interface FieldWidths {
  features: number;
  outputs: number;
  /** How many of the outputs, the last ones, are of the whole cloud (default 0). */
  wholes?: number;
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
  /** [clouds + 1] the first point of each cloud, then N. */
  offsets: Int32Array;
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
    return {
      features,
      offsets,
      geometry: await this.#main.prepareGeometry({ nodePositions: positions, offsets, edgeIndex }),
    };
  }

  /** Returns outputs [N, outputs]. Those of the whole are the means over a cloud's points, in each of its rows. */
  async forward({ features, offsets, geometry }: PreparedFields): Promise<Tensor> {
    const { points, nodePositions } = geometry;
    using nodeFeatures = scope(() => {
      const positions = Tensor.from(this.device, nodePositions, [points, this.dimensionality]);
      const angles = this.#waves.forward(positions);
      const seen = [positions, cos(angles), sin(angles)];

      if (this.widths.features > 0) seen.push(Tensor.from(this.device, features, [points, this.widths.features]));
      return this.#embedding.forward(concatenate(seen, 1));
    });
    using nodes = await this.#main.forward({ ...geometry, nodeFeatures });
    const { outputs: columns, wholes = 0 } = this.widths;
    if (wholes === 0) return this.#head.forward(nodes);
    return scope(() => {
      const outputs = this.#head.forward(nodes);
      if (wholes === columns) return ownCloudMeans(outputs, offsets);
      const [ofPoints, ofWhole] = split(outputs, [columns - wholes, wholes], 1);
      return concatenate([ofPoints, ownCloudMeans(ofWhole, offsets)], 1);
    });
  }

  override metadata(): Record<string, string> {
    return { ...this.#main.metadata(), ...this.#description };
  }
}

/** Returns in each row the mean over the rows of its cloud: x [N, width] -> [N, width]. */
function ownCloudMeans(x: Tensor, offsets: Int32Array): Tensor {
  const clouds = offsets.length - 1;
  const counts = Float32Array.from({ length: clouds }, (_, cloud) => offsets[cloud + 1] - offsets[cloud]);
  const means = divide(cloudSums(x, offsets), Tensor.from(x.device, counts, [clouds, 1]));
  return embeddingLookup(means, cloudOfEach(offsets));
}
