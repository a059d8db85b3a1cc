// The computation on a batch of clouds with fields.

import type { AbortOptions } from "../../abort.ts";
import { knnGraph, radiusGraph } from "../../balltree/index.ts";
import { FormatError } from "../../errors.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { joinEdgeLists, joinRows, offsetsOf } from "../../train/data/batches.ts";
import type { BatchDetails, Task } from "../../train/task.ts";
import { meanOfEach } from "../baselines.ts";
import type { FieldCloud } from "./cloud.ts";
import type { GraphChoice } from "./config.ts";
import type { Layout } from "./layout.ts";
import { fieldLoss } from "./losses.ts";
import { measure, summarise } from "./metrics.ts";
import type { FieldModel, PreparedFields } from "./model.ts";

/** Clouds of a batch, ready for the model, and what it has to predict. */
export interface FieldBatch {
  readonly input: PreparedFields;
  /** [N, truths] NaN where a value is missing. */
  readonly truth: Float32Array;
  /** [clouds + 1] the first point of each cloud, then N. */
  readonly offsets: Int32Array;
}

/** Concatenates clouds and builds their trees and graph, without touching the device. @throws the signal's reason, once it is aborted */
export async function prepareClouds(
  model: FieldModel,
  clouds: readonly FieldCloud[],
  layout: Layout,
  graph: GraphChoice,
  { signal }: AbortOptions = {},
): Promise<Omit<FieldBatch, "truth">> {
  const offsets = offsetsOf(clouds.map(({ points }) => points));
  const positions = joinRows(clouds.map((cloud) => cloud.positions));
  const features = joinRows(clouds.map((cloud) => cloud.features));
  const edgeIndex = model.passesMessages
    ? await edgesBetween(model, clouds, { positions, offsets, layout, graph, signal })
    : undefined;
  return { input: await model.prepare({ positions, features, offsets, edgeIndex }, { signal }), offsets };
}

interface Points extends AbortOptions {
  positions: Float32Array;
  offsets: Int32Array;
  layout: Layout;
  graph: GraphChoice;
}

async function edgesBetween(
  { device: { threads } }: FieldModel,
  clouds: readonly FieldCloud[],
  { positions, offsets, layout, graph, signal }: Points,
): Promise<Int32Array | undefined> {
  if (graph.kind === "mesh") {
    return joinEdgeLists(
      clouds.map(({ edges }) => edges as Int32Array),
      offsets,
    );
  }
  const { dimensions: dimensionality } = layout;
  if (graph.kind === "knn")
    return knnGraph(positions, { dimensionality, offsets, threads, k: graph.k, loop: graph.loop, signal });
  if (graph.kind === "none") return undefined;
  const { maxNeighbors, loop } = graph;
  const radius = graph.radius / layout.positions.scale[0];
  return radiusGraph(positions, { dimensionality, offsets, threads, radius, maxNeighbors, loop, signal });
}

export function fieldTask(model: FieldModel, layout: Layout, graph: GraphChoice): Task<FieldCloud, FieldBatch> {
  const details = async ({ input, truth, offsets }: FieldBatch): Promise<BatchDetails> => {
    using output = await model.forward(input);
    const rows = await output.data();
    const samples = Array.from(offsets.subarray(1), (end, cloud) => {
      const own = (values: Float32Array, width: number) => values.subarray(offsets[cloud] * width, end * width);
      return measure(own(rows, layout.outputs), own(truth, layout.truths), layout);
    });
    return { batch: meanOfEach(samples), samples };
  };
  return {
    async prepare(clouds) {
      const truth = joinRows(clouds.map(truthOf));
      return { ...(await prepareClouds(model, clouds, layout, graph)), truth };
    },
    async loss({ input, truth, offsets }): Promise<Tensor> {
      using output = await model.forward(input);
      return fieldLoss(output, truth, offsets, layout);
    },
    points: ({ offsets }) => offsets.at(-1) as number,
    metrics: async (batch) => (await details(batch)).batch,
    details,
    summarise: (numbers) => summarise(numbers, layout),
  };
}

function truthOf({ truth, pair: { sample } }: FieldCloud): Float32Array {
  if (truth) return truth;
  throw new FormatError(`${sample.file}: has no truth to compare a prediction with.`, { file: sample.file });
}
