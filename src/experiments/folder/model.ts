// The model of a folder's experiment: positions, inputs and globals in, the targets out.

import type { AbortOptions } from "../../abort.ts";
import { cloudOfEach } from "../../balltree/index.ts";
import type { ErwinConfig, GivenConfig } from "../../erwin/config.ts";
import type { PreparedGeometry } from "../../erwin/input.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { normal } from "../../nn/parameter.ts";
import { MLP } from "../../nn/sequential.ts";
import type { OnnxGraph, OnnxValue } from "../../onnx/index.ts";
import { divide } from "../../tensor/operators/arithmetic.ts";
import { cos, sin } from "../../tensor/operators/functions.ts";
import { cloudSums } from "../../tensor/operators/groups.ts";
import { embeddingLookup } from "../../tensor/operators/lookup.ts";
import { concatenate, split } from "../../tensor/operators/sections.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";
import type { Layout } from "./layout.ts";
import { fieldGraph } from "./onnx.ts";

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
  readonly #layout: Layout;
  readonly #waves: Linear;
  readonly #embedding: Linear;
  readonly #main: ErwinTransformer;
  readonly #head: MLP;
  readonly #description: Readonly<Record<string, string>>;

  /** @internal @param description further entries of `metadata`, besides the main model's config */
  constructor(config: GivenConfig, layout: Layout, description: Readonly<Record<string, string>> = {}) {
    super();
    const main = new ErwinTransformer(config);
    const { cIn, dimensionality, cHidden } = main.config;
    this.#layout = layout;
    this.#description = description;
    // The model gets sine waves of the positions, as in the paper's cars: changes over short distances are hard to see from positions.
    this.#waves = this.child(
      "waves",
      new Linear(dimensionality, cIn, { bias: false, weightInitializer: normal(0, 1) }),
    );
    this.#embedding = this.child("embedding", new Linear(2 * cIn + dimensionality + layout.features, cIn));
    this.#main = this.child("main_model", main);
    this.#head = this.child("head", new MLP([cHidden[0], cHidden[0], layout.outputs]));
  }

  /** The config of the main model. */
  get config(): ErwinConfig {
    return this.#main.config;
  }

  get dimensionality(): number {
    return this.config.dimensionality;
  }

  /** Whether a graph is needed. */
  get passesMessages(): boolean {
    return this.config.mpSteps > 0;
  }

  /** Builds the trees, without touching the device. @throws the signal's reason, once it is aborted */
  async prepare(
    { positions, features, offsets, edgeIndex }: FieldInput,
    { signal }: AbortOptions = {},
  ): Promise<PreparedFields> {
    return {
      features,
      offsets,
      geometry: await this.#main.prepareGeometry({ nodePositions: positions, offsets, edgeIndex }, { signal }),
    };
  }

  /**
   * Returns outputs [N, outputs]. Those of the whole are the means over a cloud's points, in each of its rows.
   * @throws DisposedError after `dispose`, also while it computes
   */
  async forward({ features, offsets, geometry }: PreparedFields): Promise<Tensor> {
    this.expectUsable();
    const { points, nodePositions } = geometry;
    const { features: columns, outputs, wholes } = this.#layout;
    using nodeFeatures = scope(() => {
      const positions = Tensor.from(this.device, nodePositions, [points, this.dimensionality]);
      const angles = this.#waves.forward(positions);
      const seen = [positions, cos(angles), sin(angles)];
      if (columns > 0) seen.push(Tensor.from(this.device, features, [points, columns]));
      return this.#embedding.forward(concatenate(seen, 1));
    });
    using nodes = await this.#main.forward({ ...geometry, nodeFeatures });
    this.expectUsable();
    if (wholes === 0) return this.#head.forward(nodes);
    return scope(() => {
      const rows = this.#head.forward(nodes);
      if (wholes === outputs) return ownCloudMeans(rows, offsets);
      const [ofPoints, ofWhole] = split(rows, [outputs - wholes, wholes], 1);
      return concatenate([ofPoints, ownCloudMeans(ofWhole, offsets)], 1);
    });
  }

  /** Adds the model to an ONNX graph, from fields in the units of the files to predictions in these. */
  onnx(graph: OnnxGraph): OnnxValue {
    const [waves, embedding, main, head] = [this.#waves, this.#embedding, this.#main, this.#head];
    return fieldGraph(graph, { waves, embedding, main, head }, this.#layout);
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
