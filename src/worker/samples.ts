// Converts a page's samples to the data of the fit loop. All are checked before the first step, so that an error names
// the sample.

import { toEdges } from "../arguments/indices.ts";
import { expectKind } from "../arguments/kinds.ts";
import { checkFinite, type Numbers, toNumbers, toRows } from "../arguments/numbers.ts";
import { checkOptions, expectOption } from "../arguments/options.ts";
import { cloudOffsets, treeLevels } from "../balltree/index.ts";
import { ConfigError, InputError } from "../errors.ts";
import type { ErwinConfig } from "../erwin/config.ts";
import { sortEdges } from "../erwin/graph.ts";
import type { ErwinTransformer } from "../erwin/model.ts";
import { crossEntropy } from "../tensor/operators/classes.ts";
import { gaussianNegativeLogLikelihood, huber, l1, mse, relativeL2 } from "../tensor/operators/losses.ts";
import { slice } from "../tensor/operators/sections.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { joinEdgeLists, joinRows, offsetsOf } from "../train/data/batches.ts";
import { plainFitOptionNames } from "../train/fit-options.ts";
import { type DataSet, type Measure, type SupervisedBatch, supervised, type Task } from "../train/task.ts";
import type { WorkerLoss, WorkerSample, WorkerTrainingOptions } from "./protocol.ts";

/** For each loss, the number of output channels per target channel, and the function. */
const losses: Record<
  WorkerLoss,
  { channels: number; measure: (found: Tensor, target: Tensor, clouds: Int32Array) => Tensor }
> = {
  mse: { channels: 1, measure: mse },
  l1: { channels: 1, measure: l1 },
  huber: { channels: 1, measure: (found, target) => huber(found, target) },
  relativeL2: { channels: 1, measure: relativeL2 },
  gaussian: { channels: 2, measure: gaussianNegativeLogLikelihood },
  crossEntropy: { channels: 1, measure: (logits, target) => crossEntropy(logits, target) },
};

const known: Readonly<Record<keyof WorkerTrainingOptions, true>> = {
  ...plainFitOptionNames,
  samples: true,
  validation: true,
  test: true,
  radius: true,
  maxNeighbors: true,
  loss: true,
  checkpoint: true,
};

/** A sample as it is trained on. */
interface Sample {
  nodeFeatures: Float32Array;
  nodePositions: Float32Array;
  target: Float32Array;
  /** Where the model passes messages, and no radius is given. */
  edgeIndex?: Int32Array;
}

/** The page's data in the form that the fit loop needs. */
export interface TrainingData {
  task: Task<Sample, SupervisedBatch>;
  trainData: DataSet<Sample>;
  validationData: DataSet<Sample> | undefined;
  testData: DataSet<Sample> | undefined;
}

/**
 * @throws ConfigError if there is no such loss, or a list is empty; InputError naming the sample, the tensor and, if there is one,
 *   the row
 */
export function trainingData(model: ErwinTransformer, options: WorkerTrainingOptions): TrainingData {
  checkOptions("train", options, known);
  const { config } = model;
  const { samples, validation, test, radius, maxNeighbors, loss: name = "mse" } = options;
  expectOption("loss", name, `one of ${Object.keys(losses).join(", ")}`, Object.hasOwn(losses, name));
  const loss = losses[name];
  const graphs = config.mpSteps > 0 && radius === undefined;
  const channels = config.decode ? config.cHidden[0] : config.cHidden.at(-1)!;
  const maxWidth = Math.floor(channels / loss.channels);
  /** The width of the target; that of the first sample applies to all. */
  let width: number | undefined;

  function read(sample: WorkerSample): Sample {
    expectKind("the sample", sample, "an object", typeof sample === "object" && sample !== null);
    const { cIn, dimensionality } = config;
    const { length } = toNumbers("nodePositions", sample.nodePositions).data;
    const points = Math.ceil(length / dimensionality);
    if (points === 0) {
      throw new InputError(`nodePositions is empty, expected ${dimensionality} numbers for each point`, {
        tensor: "nodePositions",
      });
    }
    const rows = outputRows(config, points);
    width ??= Math.max(1, Math.min(maxWidth, Math.floor(toNumbers("target", sample.target).data.length / rows)));
    const own: Sample = {
      nodeFeatures: readRows("nodeFeatures", sample.nodeFeatures, points, cIn),
      nodePositions: readRows("nodePositions", sample.nodePositions, points, dimensionality),
      target: readRows("target", sample.target, rows, width),
    };
    if (!graphs) return own;
    if (sample.edgeIndex === undefined) {
      throw new InputError(
        "the model passes messages (mpSteps > 0), so it needs a graph: give each sample an edgeIndex, or the training a radius",
        { tensor: "edgeIndex" },
      );
    }
    own.edgeIndex = toEdges("edgeIndex", sample.edgeIndex);
    sortEdges(own.edgeIndex, points);
    return own;
  }

  function dataSet(list: string, samples: readonly WorkerSample[]): DataSet<Sample> {
    if (!Array.isArray(samples) || samples.length === 0) {
      throw new ConfigError(`${list} must be a list of at least one sample`, { field: list });
    }
    const own = samples.map((sample, i) => {
      try {
        return read(sample);
      } catch (cause) {
        if (!(cause instanceof InputError)) throw cause;
        throw new InputError(`${list}[${i}]: ${cause.message}`, { ...cause.details, list, sample: i }, { cause });
      }
    });
    return { size: samples.length, load: (index) => own[index] };
  }

  const measure: Measure = (output, target) => {
    const found = slice(output, 1, 0, loss.channels * target.shape[1]);
    return loss.measure(found, target, cloudOffsets(output.shape[0], { batchIdx: output.batchIdx! }));
  };
  return {
    task: supervised({
      model,
      collate: (clouds) => collate(clouds, config, graphs, { radius, maxNeighbors }),
      loss: measure,
    }),
    trainData: dataSet("samples", samples),
    validationData: validation && dataSet("validation", validation),
    testData: test && dataSet("test", test),
  };
}

function collate(
  samples: readonly Sample[],
  { dimensionality }: ErwinConfig,
  graphs: boolean,
  built: Pick<WorkerTrainingOptions, "radius" | "maxNeighbors">,
) {
  const nodePositions = samples.map((sample) => sample.nodePositions);
  const offsets = offsetsOf(nodePositions.map(({ length }) => length / dimensionality));
  return {
    input: {
      nodeFeatures: joinRows(samples.map(({ nodeFeatures }) => nodeFeatures)),
      nodePositions: joinRows(nodePositions),
      offsets,
      edgeIndex: graphs
        ? joinEdgeLists(
            samples.map(({ edgeIndex }) => edgeIndex!),
            offsets,
          )
        : undefined,
      ...built,
    },
    target: joinRows(samples.map(({ target }) => target)),
  };
}

/** The number of rows of the output for a cloud of a given number of points. */
function outputRows({ decode, strides, ballSizes }: ErwinConfig, points: number): number {
  return decode ? points : treeLevels(Int32Array.of(0, points), strides, ballSizes).at(-1)!.nodes;
}

/** @throws InputError unless there are `rows` rows of `width` finite numbers */
function readRows(tensor: string, given: Numbers, rows: number, width: number): Float32Array {
  const values = toRows(tensor, given, width);
  if (values.length !== rows * width) {
    throw new InputError(
      `${tensor} holds ${values.length} numbers, expected ${rows * width}: ${width} in each of ${rows} rows`,
      { tensor, expected: rows * width, found: values.length },
    );
  }
  checkFinite(tensor, values, width);
  return values;
}
