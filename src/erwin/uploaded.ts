// An input on the device: what a pass needs besides the model, uploaded and computed once for many passes.

import type { Device } from "../backends/device.ts";
import { type BallTree, shapeOfLevels } from "../balltree/index.ts";
import { Resource } from "../disposable.ts";
import { DisposedError, InputError } from "../errors.ts";
import type { LevelGeometry } from "../nn/geometry.ts";
import type { GraphPart } from "../tensor/operators/messages.ts";
import type { RowIndex } from "../tensor/operators/rows.ts";
import type { Owner } from "../tensor/scopes.ts";
import { collect, Tensor } from "../tensor/tensor.ts";
import type { ErwinConfig } from "./config.ts";
import {
  addPlaces,
  computeGeometry,
  makeTreeTables,
  type TreeTables,
  type UploadedTree,
  uploadInverses,
  uploadTree,
} from "./geometry.ts";
import { makeGraphTables, type Passing, uploadGraph } from "./graph.ts";
import { checkFeatures, type PreparedGeometry, type PreparedInput } from "./input.ts";
import { kept } from "./kept.ts";

/** What a pass needs on the device, except the features. */
export interface PassInput {
  /** [N, D] */
  positions: Tensor;
  /** Empty if no messages are passed. */
  graph: GraphPart[];
  /** [slots] The point in each slot. */
  treeIdx: RowIndex;
  /** [N] The slot of each point. */
  slotOfPoint: RowIndex;
  levels: LevelGeometry[];
}

/** The fields that models must have in common to share an input. */
const layoutFields = ["dimensionality", "cIn", "strides", "ballSizes", "rotate"] as const;
type Layout = Readonly<Record<(typeof layoutFields)[number], unknown>> & Pick<ErwinConfig, "cHidden">;

/** The layout for which a tree was built, as far as it tells that: whether it was rotated, but not by which angle. */
const layoutOf = ({ dimensionality, levels, treeIdxRot }: BallTree, config: ErwinConfig): Layout => ({
  ...config,
  ...shapeOfLevels(levels),
  dimensionality,
  rotate: treeIdxRot.length > 0 ? config.rotate || "not 0" : 0,
});

/**
 * @param found for which the input was made
 * @throws InputError naming what differs from what a model of this config needs
 */
function expectFit(found: Layout, edges: PreparedInput["edges"], config: ErwinConfig): void {
  if (config.mpSteps > 0 && !edges) {
    throw new InputError(
      "this input was made without a graph, by a model that passes no messages, but this model does (mpSteps > 0): prepare or upload it by this model",
      { field: "mpSteps" },
    );
  }
  // How the graph is divided into parts depends on the width of the messages.
  const fields = [...layoutFields, ...(config.mpSteps > 0 ? (["cHidden"] as const) : [])];
  for (const field of fields) {
    const value = (of: Layout) => String(field === "cHidden" ? of.cHidden[0] : of[field]);
    const [has, expected] = [value(found), value(config)];
    if (has === expected) continue;
    throw new InputError(
      `this input was made by a model with ${field} ${has}, but this model has ${expected}: prepare or upload it by this model`,
      { field, found: has, expected },
    );
  }
}

/**
 * Computes in advance, on the host, what an upload needs, and stores it in the input.
 * @param training whether this includes what only backward passes need
 */
export function makeTables(device: Device, config: ErwinConfig, prepared: PreparedGeometry, training: boolean): void {
  const tables = tablesOf(prepared);
  if (!training) return;
  addPlaces(tables);
  if (prepared.edges) makeGraphTables(device, prepared.edges, passingOf(config, training));
}

const passingOf = ({ cHidden, dimensionality }: ErwinConfig, training: boolean): Passing => ({
  width: cHidden[0],
  dimensions: dimensionality,
  training,
});

const tablesOf = (prepared: PreparedGeometry): TreeTables =>
  kept(prepared, "tables", () => makeTreeTables(prepared.tree));

/**
 * An input on the device, with its tree, its graph and everything computed from the positions. `model.upload` creates
 * it.
 */
export class UploadedInput extends Resource {
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

  /**
   * @param training whether to upload what only backward passes need; else the first of them uploads it
   * @throws InputError naming what differs from the model that prepared it; OutOfMemoryError
   */
  constructor(device: Device, config: ErwinConfig, prepared: PreparedInput, training: boolean) {
    super();
    const { nodeFeatures, nodePositions, tree, edges, points } = prepared;
    expectFit(layoutOf(tree, config), edges, config);
    // Those of an array are counted where it is copied.
    if (nodeFeatures instanceof Tensor) checkFeatures(nodeFeatures, points, config.cIn);
    this.device = device;
    this.points = points;
    this.tree = tree;
    this.#config = config;
    this.#edges = edges;
    this.#training = training;
    const { result, tensors } = collect(() => {
      // All uploads come before the first kernel, so that a pass right after them is a single submission.
      const features =
        nodeFeatures instanceof Tensor ? nodeFeatures.view() : Tensor.from(device, nodeFeatures, [points, config.cIn]);
      const positions = Tensor.from(device, nodePositions, [points, config.dimensionality]);
      const graph = edges ? uploadGraph(device, edges, passingOf(config, training)) : [];
      const uploaded = uploadTree(device, tree, tablesOf(prepared));
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
   * @internal Returns what a pass needs.
   * @param training whether a backward pass may follow
   */
  forPass(training: boolean): PassInput {
    this.#checkUsable();
    if (training && !this.#training) this.#addForTraining();
    return this.#pass;
  }

  /** @throws InputError naming what differs from the model that uploaded it; DisposedError */
  checkFor(device: Device, config: ErwinConfig): void {
    this.#checkUsable();
    if (device !== this.device) {
      throw new InputError("this input is on another device than the model: upload it again", {});
    }
    expectFit(this.#config, this.#edges, config);
  }

  /** Frees its device memory. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of this.#owned.splice(0)) tensor.dispose();
  }

  #addForTraining(): void {
    const { device } = this;
    const old = this.#pass.graph;
    const { result, tensors } = collect(() => {
      uploadInverses(device, this.#uploaded);
      return this.#edges ? uploadGraph(device, this.#edges, passingOf(this.#config, true)) : [];
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
