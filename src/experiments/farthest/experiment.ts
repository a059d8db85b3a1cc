// A task of long range: each point's distance to the farthest point of its cloud, which lies outside its ball. What a
// point has to know of the others travels through the tree.

import { ErwinTransformer } from "../../erwin/model.ts";
import { Random } from "../../random.ts";
import { mse } from "../../tensor/operators/losses.ts";
import { slice } from "../../tensor/operators/sections.ts";
import { joinRows, offsetsOf } from "../../train/batches.ts";
import { type DataSet, supervised } from "../../train/task.ts";
import type { Experiment } from "../experiment.ts";
import { type WalkCloud, walkCloud } from "./clouds.ts";

const POINTS = 256;
/** Of the farthest distances over many clouds: the target is standardised by them. */
const MEAN = 3.82;
const DEVIATION = 1.22;

const samples = (size: number, seed: number, split: string): DataSet<WalkCloud> => ({
  size,
  load: (index) => walkCloud(POINTS, new Random(seed, `farthest ${split} ${index}`)),
});

export const farthest: Experiment = {
  summary: "each point's distance to its cloud's farthest point: long range, on generated walks",
  defaults: { steps: 1000, batchSize: 16, lr: 1e-3, minLr: 1e-5, warmup: 50, validateEvery: 100 },
  trivialLoss: 1,
  async make({ device, seed, rotate }) {
    const model = await ErwinTransformer.create(
      {
        cIn: 3,
        cHidden: 16,
        ballSizes: [32, 32, 32],
        strides: [2, 2],
        encNumHeads: [2, 4, 4],
        encDepths: [2, 2, 2],
        decNumHeads: [2, 4],
        decDepths: [2, 2],
        rotate: rotate ? 45 : 0,
        mpSteps: 0,
      },
      { device, seed },
    );
    const task = supervised<WalkCloud>({
      model,
      collate: (clouds) => ({
        input: {
          nodeFeatures: joinRows(clouds.map(({ positions }) => positions)),
          nodePositions: joinRows(clouds.map(({ positions }) => positions)),
          offsets: offsetsOf(clouds.map(() => POINTS)),
        },
        target: joinRows(clouds.map((cloud) => cloud.farthest)).map((distance) => (distance - MEAN) / DEVIATION),
      }),
      loss: (output, target) => mse(slice(output, 1, 0, 1), target),
    });
    return {
      model,
      task,
      trainData: samples(8192, seed, "train"),
      validationData: samples(64, seed, "validation"),
      testData: samples(128, seed, "test"),
    };
  },
};
