// A model as an ONNX file, for other runtimes.

import { type AbortOptions, checkAbortable } from "../abort.ts";
import { expectParts } from "../arguments/options.ts";
import { ErwinTransformer } from "../erwin/model.ts";
import * as nn from "../nn/index.ts";
import type { Module } from "../nn/module.ts";
import { readTensors } from "../tensor/read.ts";

/** The graph to which a module's own method `onnx` adds its nodes, the type of the values in it, and that of constants. */
export type { GraphBuilder as OnnxGraph, Value as OnnxValue, Weight as OnnxWeight } from "./graph.ts";

/** What the exported file is for. */
export interface OnnxOptions extends AbortOptions {
  /**
   * For clouds that are smaller than the model's balls: the number of points of each. The file is then only for clouds
   * whose trees have as many slots as the tree of such a cloud (the next power of two).
   */
  points?: number;
}

/**
 * Exports the model in evaluation mode as an ONNX file: operator set 17, float32, any number of points, clouds and
 * edges.
 *
 * Inputs, named as in the files of the command line (`erwin tree` writes all but the first two, integers as int32):
 * - `node_features` float32 [points, cIn], `node_positions` float32 [points, D]
 * - `edge_index` int64 [2, edges], if mpSteps > 0
 * - `tree_idx` int64 [slots], `tree_mask` uint8 [slots] (the latter if the model decodes)
 * - `tree_idx_rot.<level>` int64 [nodes], for the levels that have rotated blocks
 *
 * Output: `out` float32 [points, cHidden[0]] in the order of the points; without decoder the bottleneck's nodes.
 *
 * The graph does not know about clouds, so all balls of a level have the same size. Every cloud must fill at least one
 * ball at each level: the file's metadata "clouds" says how many points that needs. With smaller clouds a runtime
 * fails, or lets points of different clouds attend to each other. For those use `ErwinTransformer` itself or, if all
 * clouds have trees of the same size, a separate file with the option `points`.
 *
 * A custom module, such as a wrapper around Erwin, is exported by its method `onnx`, beside its `forward`. If it is the
 * whole model it declares inputs and outputs; if it is a part it returns its value:
 *
 * ```ts
 * onnx(graph: OnnxGraph): OnnxValue {
 *   const positions = graph.input("node_positions", "float32", ["points", 3], "positions of the points");
 *   const nodes = graph.module(this.erwin, graph.module(this.embedding, positions));
 *   const pressure = graph.module(this.head, nodes);
 *   graph.output(pressure, "pressure", ["points", 1], "in the order of the points");
 *   return pressure;
 * }
 * ```
 * @throws ConfigError for a number of `points` for which no graph is possible, and for modules without a description;
 *   InputError for a weight or a part that a method `onnx` asks for and the model does not have; FormatError if the file would be
 *   larger than 2 GiB; DisposedError, DeviceLostError; the signal's reason, once it is aborted
 */
export async function exportOnnx(model: Module, options: OnnxOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  expectParts("exportOnnx", { model }, "model.state");
  checkAbortable("exportOnnx", options, { points: true });
  const { points, signal } = options;
  // The exporter is loaded on demand: pages that never export need not download it.
  const { onnxModel } = await import("./exporter.ts");
  const weights = await readTensors(model.state(), { signal });
  return onnxModel({ nn, ErwinTransformer }, model, weights, points);
}
