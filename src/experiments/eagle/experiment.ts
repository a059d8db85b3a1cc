// The experiment eagle: flows over ground, in which the state of a frame is predicted from the previous one, step by step.

import { equalCells, kinds } from "../../formats/clouds/cells.ts";
import { Random } from "../../random.ts";
import type { BatchDetails, Task } from "../../train/task.ts";
import { meanCurve, meanOf, meanOfEach, meanOver, spreadOf } from "../baselines.ts";
import { expectSource } from "../data-source.ts";
import type { Experiment, PredictedField } from "../experiment.ts";
import { type OptionValues, paperOptions, rotationOf, trainingOptions, whole } from "../options.ts";
import { columnsOf, unscaled } from "../prediction.ts";
import { FlowModel } from "./model.ts";
import {
  type FlowGroup,
  frameOf,
  meanErrors,
  persistenceErrors,
  predictedStates,
  prepareGroup,
  rolloutErrors,
  rolloutLoss,
  type StepErrors,
} from "./rollout.ts";
import { type FlowWindow, loadFlows, STATE, STATE_DEVIATION, STATE_MEAN } from "./trajectories.ts";

const options = {
  ...trainingOptions({ steps: 200_000, batchSize: 12, lr: 8e-4, minLr: 1e-7, validateEvery: 500 }),
  ...paperOptions,
  rollout: whole(400, "steps that a test predicts from its first frame, as far as the trajectory goes"),
};

const sizes = {
  small: { cIn: 16, cHidden: 16 },
  medium: { cIn: 16, cHidden: 32 },
  large: { cIn: 32, cHidden: 64 },
};

export const eagle: Experiment<OptionValues<typeof options>, FlowModel, FlowWindow, FlowGroup[]> = {
  summary: "turbulent flow around a moving source, step by step (data: EAGLE)",
  options,
  readsFiles: true,
  fields: {
    inputs: [{ name: "state", channels: STATE, mean: STATE_MEAN, deviation: STATE_DEVIATION }],
    targets: [{ name: "state", channels: STATE, mean: STATE_MEAN, deviation: STATE_DEVIATION }],
  },
  config: ({ size, ...angle }) => ({
    ...sizes[size],
    ballSizes: [256, 256, 256, 128, 128],
    encNumHeads: [2, 4, 8, 16, 32],
    encDepths: [2, 2, 2, 6, 2],
    decNumHeads: [4, 4, 8, 16],
    decDepths: [2, 2, 2, 2],
    strides: [2, 2, 2, 2],
    dimensionality: 2,
    rotate: rotationOf(angle),
  }),
  build: (config) => new FlowModel(config),
  load: (split, { validation, ...windows }, source) =>
    loadFlows(expectSource("eagle", source), split === "val" ? validation : split, split, windows),
  task,
  async baselines(heldOut, train) {
    // The published test windows are too large to be in memory at the same time.
    const columns = STATE_MEAN.map((_, column) => column);
    const means = await spreadOf(train, ({ states }) =>
      columns.map((column) => meanOf([columnsOf(states, STATE, column, column + 1)])),
    );
    const mean = columns.map((column) => meanOver(means, (state) => state[column]));
    const losses = await spreadOf(heldOut, (window) => ({
      mean: numbersOf(meanErrors(window, mean)).loss,
      persistence: numbersOf(persistenceErrors(window)).loss,
    }));
    return meanOfEach(losses);
  },
  async rollout(model, data, _, onSample) {
    const curves: StepErrors[][] = [];
    const found: Numbers[] = [];
    for (let index = 0; index < data.size; index++) {
      const window = await data.load(index, new Random(0, `rollout, sample ${index}`));
      const [steps] = await rolloutErrors(model, await prepareGroup(model, [window]));
      curves.push(steps);
      found.push(numbersOf(steps));
      onSample?.(found[index]);
    }
    return {
      metrics: meanOfEach(found),
      curves: { velocity: averageCurve(curves, "velocity"), pressure: averageCurve(curves, "pressure") },
    };
  },
  async predict(model, window, _, mostFrames = MAX_SHOWN) {
    const frames = shownFrames(window.frames - 1, mostFrames);
    const states = await predictedStates(model, await prepareGroup(model, [window]), frames);
    return frames.map((frame, i) => ({
      positions: frameOf(window, window.positions, frame),
      dimensionality: 2,
      cells: equalCells(frameOf(window, window.triangles, frame), 3, kinds.triangle),
      fields: fieldsOf(states[i], frameOf(window, window.states, frame)),
      time: frame,
    }));
  },
};

/** The max number of frames of a sequence that are shown: a published trajectory has hundreds. */
const MAX_SHOWN = 16;

/** Returns the steps that are shown: evenly spread, and including the last one. */
function shownFrames(steps: number, most: number): number[] {
  const count = Math.min(steps, most);
  return Array.from({ length: count }, (_, i) => Math.round(((i + 1) * steps) / count));
}

/** The columns of a state, by the names of the fields. */
const FIELDS = [
  { name: "velocity", first: 0, end: 2 },
  { name: "static_pressure", first: 2, end: 3 },
  { name: "dynamic_pressure", first: 3, end: STATE },
];

/** Returns the fields of normalised states [nodes, 4]. */
function fieldsOf(predicted: Float32Array, known: Float32Array): PredictedField[] {
  const [prediction, truth] = [predicted, known].map((state) =>
    unscaled(state, { mean: STATE_MEAN, deviation: STATE_DEVIATION }),
  );
  return FIELDS.map(({ name, first, end }) => ({
    name,
    channels: end - first,
    prediction: columnsOf(prediction, STATE, first, end),
    truth: columnsOf(truth, STATE, first, end),
  }));
}

/** The test's windows are predicted one by one, all others together with their batch. */
function task(model: FlowModel): Task<FlowWindow, FlowGroup[]> {
  const details = async (groups: FlowGroup[]): Promise<BatchDetails> => {
    const found: { weight: number; numbers: Numbers }[] = [];
    for (const group of groups) {
      const errors = await rolloutErrors(model, group);
      // A batch's metrics are means over its nodes.
      const nodes = group.offsets.at(-1)!;
      errors.forEach((steps, i) => {
        found.push({ weight: group.windows[i].nodes / (nodes * groups.length), numbers: numbersOf(steps) });
      });
    }
    const total = (name: keyof Numbers) => found.reduce((sum, { weight, numbers }) => sum + weight * numbers[name], 0);
    const batch = { loss: total("loss"), loss_velocity: total("loss_velocity"), loss_presure: total("loss_presure") };
    return { batch, samples: found.map(({ numbers }) => numbers) };
  };
  return {
    prepare: (windows) => {
      const groups = windows[0].alone ? windows.map((window) => [window]) : [windows];
      return Promise.all(groups.map((group) => prepareGroup(model, group)));
    },
    points: (groups) => groups.reduce((sum, { offsets, frames }) => sum + offsets.at(-1)! * (frames - 1), 0),
    loss: ([group]) => rolloutLoss(model, group),
    metrics: async (groups) => (await details(groups)).batch,
    details,
  };
}

/** The metrics, with the reference's names. */
type Numbers = Record<"loss" | "loss_velocity" | "loss_presure", number>;

const numbersOf = (steps: readonly StepErrors[]): Numbers => ({
  loss: meanOver(steps, ({ loss }) => loss),
  loss_velocity: meanOver(steps, ({ velocity }) => velocity),
  loss_presure: meanOver(steps, ({ pressure }) => pressure),
});

/** Returns the running mean of an error over the steps, averaged over the trajectories that have so many steps. */
function averageCurve(curves: readonly StepErrors[][], name: "velocity" | "pressure"): number[] {
  const running = curves.map((steps) => {
    let sum = 0;
    return steps.map((errors, i) => {
      sum += errors[name];
      return sum / (i + 1);
    });
  });
  return meanCurve(running);
}
