// A long-range task: each point's distance to the farthest point of its cloud, which lies outside its ball. The information about
// other points has to travel through the tree.

import { ErwinTransformer } from "../../erwin/model.ts";
import { Random } from "../../random.ts";
import { mse } from "../../tensor/operators/losses.ts";
import { slice } from "../../tensor/operators/sections.ts";
import { joinRows, offsetsOf } from "../../train/data/batches.ts";
import { supervised } from "../../train/task.ts";
import type { Experiment } from "../experiment.ts";
import { type OptionValues, paperOptions, trainingOptions } from "../options.ts";
import { columnsOf, readOutput, unscaled } from "../prediction.ts";
import { type WalkCloud, walkCloud } from "./clouds.ts";

const POINTS = 256;
const CHANNELS = 16;
/** The mean and the deviation of the farthest distances over many clouds, by which the target is standardised. */
const MEAN = 3.82;
const DEVIATION = 1.22;

const SIZES = { train: 8192, val: 64, test: 128 };

const options = {
  ...trainingOptions({ steps: 2000, batchSize: 16, lr: 2e-3, minLr: 1e-5, warmup: 50, validateEvery: 100 }),
  rotation: paperOptions.rotation,
};

export const farthest: Experiment<OptionValues<typeof options>, ErwinTransformer, WalkCloud> = {
  summary: "each point's distance to its cloud's farthest point: long range, on generated walks",
  options,
  readsFiles: false,
  config: ({ rotation }) => ({
    cIn: 3,
    cHidden: CHANNELS,
    ballSizes: [32, 32, 32],
    strides: [2, 2],
    encNumHeads: [2, 4, 4],
    encDepths: [2, 2, 2],
    decNumHeads: [2, 4],
    decDepths: [2, 2],
    rotate: rotation ? 45 : 0,
    mpSteps: 0,
  }),
  build: (config) => new ErwinTransformer(config),
  load: async (split, { seed }) => ({
    size: SIZES[split],
    load: (index) => walkCloud(POINTS, new Random(seed, `farthest ${split === "val" ? "validation" : split} ${index}`)),
    nameOf: (index) => `walk ${index}`,
  }),
  task: (model) =>
    supervised<WalkCloud>({
      model,
      collate(clouds) {
        const positions = joinRows(clouds.map((cloud) => cloud.positions));
        const offsets = offsetsOf(clouds.map(() => POINTS));
        return {
          input: { nodeFeatures: positions, nodePositions: positions, offsets },
          target: joinRows(clouds.map((cloud) => cloud.farthest)).map((distance) => (distance - MEAN) / DEVIATION),
          offsets,
        };
      },
      loss: (output, target) => mse(slice(output, 1, 0, 1), target),
    }),
  baselines: async () => ({ mean: 1 }),
  async predict(model, { positions, farthest }) {
    const output = await readOutput(await model.forward({ nodeFeatures: positions, nodePositions: positions }));
    const distance = unscaled(columnsOf(output, CHANNELS, 0, 1), { mean: [MEAN], deviation: [DEVIATION] });
    const field = { name: "farthest", channels: 1, prediction: distance, truth: farthest };
    return [{ positions, dimensionality: 3, fields: [field] }];
  },
};
