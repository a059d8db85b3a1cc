// Learns a single sample by heart: the normals of the Stanford bunny at its vertices. A correct model and a correct training loop
// can make the loss of a fixed batch as small as desired.

import { vertexNormals } from "../../drawing/normals.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import { readmeModel } from "../../erwin/presets.ts";
import { mse } from "../../tensor/operators/losses.ts";
import { slice } from "../../tensor/operators/sections.ts";
import { supervised } from "../../train/task.ts";
import type { Experiment } from "../experiment.ts";
import { type OptionValues, paperOptions, trainingOptions } from "../options.ts";
import { columnsOf, readOutput } from "../prediction.ts";

const CHANNELS = 8;
const NEIGHBOUR_DISTANCE = 0.6;

interface Surface {
  /** [vertices, 3] */
  positions: Float32Array;
  normals: Float32Array;
}

const options = {
  ...trainingOptions({ steps: 1500, batchSize: 1, lr: 2e-3, minLr: 1e-5, warmup: 20, validateEvery: 1500 }),
  rotation: paperOptions.rotation,
};

export const overfit: Experiment<OptionValues<typeof options>, ErwinTransformer, Surface> = {
  summary: "the Stanford bunny's normals at its vertices, learnt by heart",
  options,
  readsFiles: false,
  config: ({ rotation }) => ({ ...readmeModel(CHANNELS), cIn: 3, rotate: rotation ? 45 : 0, mpSteps: 1 }),
  build: (config) => new ErwinTransformer(config),
  async load(split) {
    if (split !== "train") return undefined;
    const { default: bunny } = await import("bunny");
    const surface = { positions: Float32Array.from(bunny.positions.flat()), normals: vertexNormals(bunny) };
    return { size: 1, load: () => surface, nameOf: () => "bunny" };
  },
  task: (model) =>
    supervised<Surface>({
      model,
      collate: ([surface]) => ({
        input: inputOf(surface),
        target: surface.normals,
        offsets: Int32Array.of(0, surface.positions.length / 3),
      }),
      loss: (output, target) => mse(slice(output, 1, 0, 3), target),
    }),
  baselines: async () => ({ zero: 1 / 3 }),
  async predict(model, surface) {
    const output = await readOutput(await model.forward(inputOf(surface)));
    const prediction = columnsOf(output, CHANNELS, 0, 3);
    const field = { name: "normal", channels: 3, prediction, truth: surface.normals };
    return [{ positions: surface.positions, dimensionality: 3, fields: [field] }];
  },
};

const inputOf = ({ positions }: Surface) => ({
  nodeFeatures: positions,
  nodePositions: positions,
  radius: NEIGHBOUR_DISTANCE,
});
