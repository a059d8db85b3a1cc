// Learning one thing by heart: the normals of the Stanford bunny at its vertices. A model and a training that are right
// bring the loss of a fixed batch as low as one likes.

import { ErwinTransformer } from "../../erwin/model.ts";
import { readmeModel } from "../../erwin/presets.ts";
import { mse } from "../../tensor/operators/losses.ts";
import { slice } from "../../tensor/operators/sections.ts";
import { supervised } from "../../train/task.ts";
import type { Experiment } from "../experiment.ts";
import { vertexNormals } from "./normals.ts";

const CHANNELS = 8;
const NEIGHBOUR_DISTANCE = 0.6;

export const overfit: Experiment = {
  summary: "the Stanford bunny's normals at its vertices, learnt by heart",
  defaults: { steps: 1500, batchSize: 1, lr: 2e-3, minLr: 1e-5, warmup: 20, validateEvery: 1500 },
  trivialLoss: 1 / 3,
  async make({ device, seed, rotate }) {
    const { default: bunny } = await import("bunny");
    const positions = Float32Array.from(bunny.positions.flat());
    const normals = vertexNormals(bunny);
    const model = await ErwinTransformer.create(
      { ...readmeModel(CHANNELS), cIn: 3, rotate: rotate ? 45 : 0, mpSteps: 1 },
      { device, seed },
    );
    const task = supervised<number>({
      model,
      collate: () => ({
        input: { nodeFeatures: positions, nodePositions: positions, radius: NEIGHBOUR_DISTANCE },
        target: normals,
      }),
      loss: (output, target) => mse(slice(output, 1, 0, 3), target),
    });
    return { model, task, trainData: { size: 1, load: (index) => index } };
  },
};
