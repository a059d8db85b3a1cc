// An input that lives on the device: what a pass needs besides the model, uploaded and worked out once for many passes.

import type { Device } from "../backends/device.ts";
import type { BallTree } from "../balltree/index.ts";
import { DisposedError, InputError } from "../errors.ts";
import type { LevelGeometry } from "../nn/geometry.ts";
import type { GraphPart } from "../tensor/operators/messages.ts";
import type { RowIndex } from "../tensor/operators/rows.ts";
import type { Owner } from "../tensor/scopes.ts";
import { collect, Tensor } from "../tensor/tensor.ts";
import type { ErwinConfig } from "./config.ts";
import { computeGeometry, makeTreeTables, type UploadedTree, uploadInverses, uploadTree } from "./geometry.ts";
import { makeGraphTables, uploadGraph } from "./graph.ts";
import type { PreparedInput } from "./input.ts";

/** What a pass finds on the device, the features aside. */
export interface PassInput {
  /** [N, D] */
  positions: Tensor;
  /** None where no messages are passed. */
  graph: GraphPart[];
  /** [slots] point in each slot. */
  treeIdx: RowIndex;
  /** [N] the slot of each point. */
  slotOfPoint: RowIndex;
  levels: LevelGeometry[];
}

/** What models must have in common to share an input. */
const layoutFields = ["dimensionality", "cIn", "strides", "ballSizes", "rotate"] as const;

/**
 * Works out on the host, in advance, what an upload needs.
 * @param training whether what only backward passes need is wanted too
 */
export function makeTables(
  device: Device,
  config: ErwinConfig,
  { tree, edges }: PreparedInput,
  training: boolean,
): void {
  makeTreeTables(tree, training);
  if (training && edges) makeGraphTables(device, edges, config.cHidden[0]);
}

/** An input on the device, with its tree, its graph and all that follows from the positions. `model.upload` makes it. */
export class UploadedInput {
  readonly device: Device;
  readonly points: number;
  readonly tree: BallTree;
  /** [N, cIn] */
  readonly nodeFeatures: Tensor;
  readonly #config: ErwinConfig;
  readonly #edges: PreparedInput["edges"];
  readonly #uploaded: UploadedTree;
  readonly #pass: PassInput;
  readonly #owned: Owner[];
  #training: boolean;
  #disposed = false;

  /** @param training whether what only backward passes need is uploaded too; else the first of them brings it */
  constructor(device: Device, config: ErwinConfig, prepared: PreparedInput, training: boolean) {
    const { nodeFeatures, nodePositions, tree, edges, points } = prepared;
    this.device = device;
    this.points = points;
    this.tree = tree;
    this.#config = config;
    this.#edges = edges;
    this.#training = training;
    const { result, tensors } = collect(() => {
      // All uploads come before the first kernel, so that a pass right after them is one submission.
      const features =
        nodeFeatures instanceof Tensor ? nodeFeatures.view() : Tensor.from(device, nodeFeatures, [points, config.cIn]);
      const positions = Tensor.from(device, nodePositions, [points, config.dimensionality]);
      const graph = edges ? uploadGraph(device, edges, config.cHidden[0], training) : [];
      const uploaded = uploadTree(device, tree);
      if (training) uploadInverses(device, uploaded);
      return { features, positions, graph, uploaded, levels: computeGeometry(uploaded, positions) };
    });
    const { features, uploaded, positions, graph, levels } = result;
    const { treeIdx, slotOfPoint } = uploaded;
    this.nodeFeatures = features;
    this.#uploaded = uploaded;
    this.#pass = { positions, graph, treeIdx, slotOfPoint, levels };
    this.#owned = [...tensors];
  }

  /**
   * What a pass of a model of such a config finds here.
   * @param training whether a backward pass may follow
   */
  forPass(training: boolean): PassInput {
    this.#checkUsable();
    if (training && !this.#training) this.#addForTraining();
    return this.#pass;
  }

  /** @throws InputError naming what differs from the model it was uploaded by; DisposedError */
  checkFor(device: Device, config: ErwinConfig): void {
    this.#checkUsable();
    if (device !== this.device) {
      throw new InputError("this input was uploaded to another device than the model's: upload it again", {});
    }
    if (config.mpSteps > 0 && !this.#edges) {
      throw new InputError(
        "this input was uploaded without a graph, by a model that passes no messages, but this model does (mpSteps > 0): upload it by this model",
        { field: "mpSteps" },
      );
    }
    // How the graph is divided into parts depends on the width of what is sent along it.
    const fields = [...layoutFields, ...(config.mpSteps > 0 ? (["cHidden"] as const) : [])];
    for (const field of fields) {
      const value = (of: ErwinConfig) => String(field === "cHidden" ? of.cHidden[0] : of[field]);
      const [found, expected] = [value(this.#config), value(config)];
      if (found === expected) continue;
      throw new InputError(
        `this input was uploaded by a model with ${field} ${found}, but this model has ${expected}: upload it by this model`,
        { field, found, expected },
      );
    }
  }

  /** Frees its device memory. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of this.#owned.splice(0)) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #addForTraining(): void {
    const { device } = this;
    const old = this.#pass.graph;
    const { result, tensors } = collect(() => {
      uploadInverses(device, this.#uploaded);
      return this.#edges ? uploadGraph(device, this.#edges, this.#config.cHidden[0], true) : [];
    });
    this.#owned.push(...tensors);
    this.#pass.graph = result;
    this.#training = true;
    for (const { graph, members } of old) {
      graph.dispose();
      members?.dispose();
    }
  }

  #checkUsable(): void {
    if (this.#disposed) throw new DisposedError("this input has been disposed: upload it again");
  }
}
