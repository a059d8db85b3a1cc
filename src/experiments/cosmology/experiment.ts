// The cosmology experiment: predicts the velocities of halos in a simulated universe from their positions.

import type { PreparedGeometry } from "../../erwin/input.ts";
import { mse } from "../../tensor/operators/losses.ts";
import { joinRows, offsetsOf } from "../../train/data/batches.ts";
import { type SupervisedBatch, supervised } from "../../train/task.ts";
import { meanOf, meanOver, spread } from "../baselines.ts";
import { expectSource } from "../data-source.ts";
import type { Experiment } from "../experiment.ts";
import { type NeighbourInput, neighbourOptions } from "../neighbours.ts";
import { type OptionValues, paperOptions, rotationOf, trainingOptions, whole } from "../options.ts";
import { readOutput, unscaled } from "../prediction.ts";
import { type HaloSample, loadCatalogues, POSITION, VELOCITY } from "./catalogues.ts";
import { VelocityModel } from "./model.ts";

const options = {
  ...trainingOptions({ steps: 3000, batchSize: 16, lr: 5e-4, minLr: 1e-6, validateEvery: 500 }),
  ...paperOptions,
  ...neighbourOptions(10),
  trainSamples: whole(8192, "catalogues to train on; where fewer are there, all of them"),
  heldOutSamples: whole(512, "catalogues to validate and to test on; where fewer are there, all of them"),
};

const widths = { small: 32, medium: 64, large: 128 };

export const cosmology: Experiment<
  OptionValues<typeof options>,
  VelocityModel,
  HaloSample,
  SupervisedBatch<PreparedGeometry>
> = {
  summary: "velocities of a universe's halos from their positions (data: Zenodo 11479419)",
  options,
  readsFiles: true,
  fields: {
    inputs: [{ name: "positions", channels: 3, mean: POSITION.mean, deviation: POSITION.deviation }],
    targets: [{ name: "velocity", channels: 3, mean: VELOCITY.mean, deviation: VELOCITY.deviation }],
  },
  config: ({ size, ...angle }) => ({
    cIn: widths[size],
    cHidden: widths[size],
    ballSizes: [256, 256, 256, 256],
    encNumHeads: [2, 4, 8, 16],
    encDepths: [2, 2, 6, 2],
    decNumHeads: [2, 4, 8],
    decDepths: [2, 2, 2],
    strides: [2, 2, 2],
    rotate: rotationOf(angle),
  }),
  build: (config) => new VelocityModel(config),
  load: (split, { trainSamples, heldOutSamples, validation }, source, onBad) =>
    loadCatalogues(
      expectSource("cosmology", source),
      split === "val" ? validation : split,
      split === "train" ? trainSamples : heldOutSamples,
      onBad,
    ),
  task: (model, neighbours) =>
    supervised<HaloSample, NeighbourInput, PreparedGeometry>({
      model,
      collate(samples) {
        const offsets = offsetsOf(samples.map(({ halos }) => halos));
        const positions = joinRows(samples.map((sample) => sample.positions));
        return {
          input: { positions, offsets, neighbours },
          target: joinRows(samples.map(({ velocities }) => velocities)),
          offsets,
        };
      },
      loss: mse,
    }),
  async baselines(heldOut, train) {
    const known = (await spread(train)).map(({ velocities }) => velocities);
    const samples = await spread(heldOut);
    const means = [0, 1, 2].map((axis) => meanOf(known.map((values) => values.filter((_, i) => i % 3 === axis))));
    const lossOf = (predicted: readonly number[]) =>
      meanOver(samples, ({ velocities }) => meanOf([velocities.map((value, i) => (value - predicted[i % 3]) ** 2)]));
    return { mean: lossOf(means), zero: lossOf([0, 0, 0]) };
  },
  async predict(model, { halos, positions, velocities }, neighbours) {
    const geometry = await model.prepare({ positions, offsets: offsetsOf([halos]), neighbours });
    const output = await readOutput(await model.forward(geometry));
    return [
      {
        positions: unscaled(positions, POSITION),
        dimensionality: 3,
        fields: [
          {
            name: "velocity",
            channels: 3,
            prediction: unscaled(output, VELOCITY),
            truth: unscaled(velocities, VELOCITY),
          },
        ],
      },
    ];
  },
};
