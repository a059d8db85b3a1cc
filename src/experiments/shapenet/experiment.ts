// The ShapeNet-Car experiment: predicts the pressure on the surface of a car from the points of the surface.

import type { PreparedGeometry } from "../../erwin/input.ts";
import { scale } from "../../tensor/operators/functions.ts";
import { mse } from "../../tensor/operators/losses.ts";
import { joinRows, offsetsOf } from "../../train/data/batches.ts";
import { type SupervisedBatch, supervised } from "../../train/task.ts";
import { meanOf, meanOver, spread } from "../baselines.ts";
import { expectSource } from "../data-source.ts";
import type { Experiment } from "../experiment.ts";
import { type NeighbourInput, neighbourOptions } from "../neighbours.ts";
import { type OptionValues, paperOptions, rotationOf, trainingOptions } from "../options.ts";
import { readOutput, unscaled } from "../prediction.ts";
import { type CarSample, loadCars, POSITION_SCALING, PRESSURE_DEVIATION, PRESSURE_SCALING } from "./cars.ts";
import { PressureModel } from "./model.ts";

const options = {
  ...trainingOptions({ steps: 100_000, batchSize: 2, lr: 1e-3, minLr: 5e-5, validateEvery: 100 }),
  ...paperOptions,
  ...neighbourOptions(8),
};

const widths = { small: 64, medium: 128, large: 256 };

export const shapenet: Experiment<
  OptionValues<typeof options>,
  PressureModel,
  CarSample,
  SupervisedBatch<PreparedGeometry>
> = {
  summary: "pressure on the surfaces of cars in the wind (data: ShapeNet-Car with its simulations)",
  options,
  readsFiles: true,
  fields: {
    inputs: [{ name: "positions", channels: 3, ...POSITION_SCALING }],
    targets: [{ name: "pressure", channels: 1, ...PRESSURE_SCALING }],
  },
  config: ({ size, ...angle }) => ({
    cIn: 64,
    cHidden: [widths[size], widths[size]],
    ballSizes: [256, 256],
    encNumHeads: [8, 8],
    encDepths: [6, 6],
    decNumHeads: [8],
    decDepths: [6],
    strides: [1],
    rotate: rotationOf(angle),
  }),
  build: (config) => new PressureModel(config),
  load: (split, { validation }, source) => loadCars(expectSource("shapenet", source), split, validation),
  task: (model, neighbours) =>
    supervised<CarSample, NeighbourInput, PreparedGeometry>({
      model,
      collate(cars) {
        const offsets = offsetsOf(cars.map(({ pressure }) => pressure.length));
        return {
          input: { positions: joinRows(cars.map(({ positions }) => positions)), offsets, neighbours },
          target: joinRows(cars.map(({ pressure }) => pressure)),
          offsets,
        };
      },
      loss: mse,
      // The metric is that of the pressure in Pa.
      metrics: { mse: (output, target) => scale(mse(output, target), PRESSURE_DEVIATION ** 2) },
    }),
  async baselines(heldOut, train) {
    const pressures = async (data: typeof train) => (await spread(data)).map(({ pressure }) => pressure);
    const [known, unknown] = [await pressures(train), await pressures(heldOut)];
    const loss = (guess: number) =>
      meanOver(unknown, (pressure) => meanOf([pressure.map((value) => (value - guess) ** 2)]));
    return { mean: loss(meanOf(known)), zero: loss(0) };
  },
  async predict(model, { positions, pressure }, neighbours) {
    const geometry = await model.prepare({ positions, offsets: offsetsOf([pressure.length]), neighbours });
    const output = await readOutput(await model.forward(geometry));
    return [
      {
        positions: unscaled(positions, POSITION_SCALING),
        dimensionality: 3,
        fields: [
          {
            name: "pressure",
            channels: 1,
            prediction: unscaled(output, PRESSURE_SCALING),
            truth: unscaled(pressure, PRESSURE_SCALING),
          },
        ],
      },
    ];
  },
};
