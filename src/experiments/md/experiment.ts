// The molecular dynamics experiment: predicts the distribution of each bead's acceleration in a polymer from its last 15 velocities.

import { type Cells, equalCells, kinds } from "../../formats/clouds/cells.ts";
import { gaussianNegativeLogLikelihood, mse } from "../../tensor/operators/losses.ts";
import { slice } from "../../tensor/operators/sections.ts";
import { joinEdgeLists, joinIntegers, joinRows, offsetsOf } from "../../train/data/batches.ts";
import { type SupervisedBatch, supervised } from "../../train/task.ts";
import { gaussianLoss, spread } from "../baselines.ts";
import { expectSource } from "../data-source.ts";
import type { Experiment } from "../experiment.ts";
import { type OptionValues, onOff, paperOptions, rotationOf, trainingOptions } from "../options.ts";
import { columnsOf, readOutput, unscaled } from "../prediction.ts";
import { DIMENSIONS } from "../space.ts";
import { type ChainInput, DynamicsModel, type PreparedChains } from "./model.ts";
import {
  ACCELERATION_SCALE,
  type ChainSample,
  lastAcceleration,
  loadWindows,
  POSITION_SCALE,
  VELOCITIES,
  VELOCITY_SCALE,
} from "./windows.ts";

const options = {
  ...trainingOptions({ steps: 100_000, batchSize: 32, lr: 5e-4, minLr: 1e-7, validateEvery: 5000 }),
  ...paperOptions,
  noise: onOff(
    false,
    "whether noise is added to the frames in training (the reference's script means to, but does not)",
  ),
};

const sizes = {
  small: { cIn: 16, cHidden: 16 },
  medium: { cIn: 16, cHidden: 32 },
  large: { cIn: 32, cHidden: 64 },
};

export const md: Experiment<
  OptionValues<typeof options>,
  DynamicsModel,
  ChainSample,
  SupervisedBatch<PreparedChains>
> = {
  summary: "accelerations of a polymer's beads from their last velocities (data: Zenodo 6764836)",
  options,
  readsFiles: true,
  fields: {
    inputs: [
      { name: "positions", channels: DIMENSIONS, deviation: POSITION_SCALE },
      {
        name: "velocities",
        channels: VELOCITIES * DIMENSIONS,
        deviation: Array(VELOCITIES).fill(VELOCITY_SCALE).flat(),
      },
    ],
    targets: [{ name: "acceleration", channels: DIMENSIONS, deviation: ACCELERATION_SCALE }],
  },
  config: ({ size, ...angle }) => ({
    ...sizes[size],
    ballSizes: [128, 128, 128, 64, 32],
    encNumHeads: [2, 4, 8, 16, 32],
    encDepths: [2, 2, 2, 6, 2],
    decNumHeads: [4, 4, 8, 16],
    decDepths: [2, 2, 2, 2],
    strides: [2, 2, 2, 2],
    rotate: rotationOf(angle),
  }),
  build: (config) => new DynamicsModel(config),
  load: (split, { noise, validation }, source, onBad) =>
    loadWindows(expectSource("md", source), split === "val" ? validation : split, {
      noise: noise && split === "train",
      onBad,
    }),
  task: (model) =>
    supervised<ChainSample, ChainInput, PreparedChains>({
      model,
      collate,
      loss: gaussianNegativeLogLikelihood,
      metrics: { mse: (output, target) => mse(slice(output, 1, 0, DIMENSIONS), target) },
    }),
  async baselines(heldOut, train) {
    const [known, unknown] = [await spread(train), await spread(heldOut)];
    const loss = (predict: (sample: ChainSample) => Float32Array | undefined) => {
      const residuals = (samples: ChainSample[]) =>
        samples.map((sample) => {
          const predicted = predict(sample);
          return sample.acceleration.map((value, i) => value - (predicted?.[i] ?? 0));
        });
      return gaussianLoss(residuals(unknown), residuals(known), DIMENSIONS);
    };
    return { mean: loss(() => undefined), persistence: loss(lastAcceleration) };
  },
  async predict(model, sample) {
    const output = await readOutput(await model.forward(await model.prepare(collate([sample]).input)));
    const scaling = { deviation: ACCELERATION_SCALE };
    return [
      {
        // The sample is from the middle of the trajectory.
        positions: unscaled(sample.positions, { deviation: POSITION_SCALE }),
        dimensionality: DIMENSIONS,
        cells: bondsOf(sample.edges),
        fields: [
          {
            name: "acceleration",
            channels: DIMENSIONS,
            prediction: unscaled(columnsOf(output, 2 * DIMENSIONS, 0, DIMENSIONS), scaling),
            truth: unscaled(sample.acceleration, scaling),
          },
        ],
      },
    ];
  },
};

function collate(samples: ChainSample[]): { input: ChainInput; target: Float32Array; offsets: Int32Array } {
  const offsets = offsetsOf(samples.map(({ beads }) => beads));
  return {
    input: {
      velocities: joinRows(samples.map(({ velocities }) => velocities)),
      types: joinIntegers(samples.map(({ types }) => types)),
      positions: joinRows(samples.map(({ positions }) => positions)),
      offsets,
      edgeIndex: joinEdgeLists(
        samples.map(({ edges }) => edges),
        offsets,
      ),
    },
    target: joinRows(samples.map(({ acceleration }) => acceleration)),
    offsets,
  };
}

/** Returns a line for each bond, which the edges contain in both directions. */
function bondsOf(edges: Int32Array): Cells {
  const count = edges.length / 2;
  const ends: number[] = [];
  for (let e = 0; e < count; e++) if (edges[e] < edges[count + e]) ends.push(edges[e], edges[count + e]);
  return equalCells(Int32Array.from(ends), 2, kinds.line);
}
