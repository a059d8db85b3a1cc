// Predicts sequences step by step from their first frame, each step from the prediction before it.

import type { AbortOptions } from "../../abort.ts";
import { Random } from "../../random.ts";
import type { DataSet } from "../../train/task.ts";
import { meanCurve } from "../baselines.ts";
import type { PredictedField } from "../experiment.ts";
import { readOutput } from "../prediction.ts";
import { cloudOf, expectTarget, type FieldCloud } from "./cloud.ts";
import { type GraphChoice, isPositions } from "./config.ts";
import type { Layout } from "./layout.ts";
import type { FieldModel } from "./model.ts";
import type { Columns, FieldSample } from "./sample.ts";
import { restore } from "./statistics.ts";
import { prepareClouds } from "./task.ts";

export interface RolloutOptions {
  layout: Layout;
  graph: GraphChoice;
  /** The number of frames in a step. */
  stride: number;
  /** The largest number of steps. */
  steps: number;
}

type StepOptions = Pick<RolloutOptions, "layout" | "graph"> & AbortOptions;

/** Root mean square errors of each target at each step, for the model and for persistence of the first frame; undefined without truth. */
type Curves = Record<string, (number | undefined)[]>;

/** Frames from the latest on: what the model sees of a sequence. The targets of some are predicted. */
type Window = readonly FieldSample[];

/**
 * Returns error curves, averaged over the sequences that are long enough: `rmse_NAME` for the model, and `persistence_NAME` for the
 * first frame as the prediction of all; with a history, the first frame is the one after it. Points, inputs and globals come from
 * each frame; only the targets are predicted.
 * @param data pairs of frames, sequence after sequence
 */
export async function rolloutErrors(
  model: FieldModel,
  data: DataSet<FieldCloud>,
  options: RolloutOptions,
): Promise<Record<string, number[]>> {
  const found: Curves[] = [];
  let run: SequenceRun | undefined;
  for (let i = 0; i < data.size; i++) {
    const cloud = await data.load(i, new Random(0, `rollout ${i}`));
    const { index, frame } = cloud.sequence as { index: number; frame: number };
    if (index !== run?.index) {
      run = new SequenceRun(index, frame, cloud, options.layout);
      found.push(run.curves);
    }
    const step = (frame - run.first) / options.stride;
    if (Number.isInteger(step) && step < options.steps) await run.step(model, cloud, options);
  }
  const names = Object.keys(found[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, meanCurve(found.map((curves) => curves[name]))]));
}

class SequenceRun {
  readonly curves: Curves = {};
  readonly #beginning: readonly Columns[];
  #window: Window;

  /** @param first the number of the frame from which it is predicted */
  constructor(
    readonly index: number,
    readonly first: number,
    { pair: { sample, earlier = [] } }: FieldCloud,
    { targets }: Layout,
  ) {
    this.#window = [sample, ...earlier];
    this.#beginning = sample.targets as readonly Columns[];
    for (const { target } of targets) {
      this.curves[`rmse_${target.name}`] = [];
      this.curves[`persistence_${target.name}`] = [];
    }
  }

  async step(model: FieldModel, cloud: FieldCloud, { layout, graph }: RolloutOptions): Promise<void> {
    const next = cloud.pair.next as FieldSample;
    const state = await nextState(model, this.#window, next, { layout, graph });
    this.#window = [withState(next, state, layout), ...this.#window.slice(0, -1)];
    const truth = next.targets as readonly Columns[];
    for (const [i, { target }] of layout.targets.entries()) {
      const beginning = this.#beginning[i];
      this.curves[`rmse_${target.name}`].push(rootMeanSquare(state[i], truth[i], beginning));
      this.curves[`persistence_${target.name}`].push(rootMeanSquare(beginning, truth[i], beginning));
    }
  }
}

/** Returns a frame in which the targets are replaced, among which may be the positions of points that move. */
function withState(frame: FieldSample, targets: readonly Columns[], layout: Layout): FieldSample {
  const moving = layout.targets.findIndex(({ target }) => isPositions(target));
  return { ...frame, targets, ...(moving >= 0 && { positions: targets[moving].data }) };
}

/** Returns the targets of the next frame: those of the latest plus the change that the model predicts. */
async function nextState(
  model: FieldModel,
  [sample, ...earlier]: Window,
  next: FieldSample,
  { layout, graph, signal }: StepOptions,
): Promise<Columns[]> {
  const cloud = cloudOf({ sample, earlier, next }, layout);
  const { input } = await prepareClouds(model, [cloud], layout, graph, { signal });
  const rows = await readOutput(await model.forward(input), { signal });
  const before = sample.targets as readonly Columns[];
  return layout.targets.map(({ output: { first }, scaling, width }, i) => {
    const change = restore(rows, { first, stride: layout.outputs }, scaling);
    return { width, data: change.map((value, at) => before[i].data[at] + value) };
  });
}

/**
 * Predicts the frames of a sequence from its first one, each from the prediction before it; the first is that frame itself, and with a
 * history so are those after it that the model has to see. Inputs and globals come from each frame; fields have a truth where the frame
 * has one.
 * @param model in evaluation mode
 * @param frames those that a step of the model takes each other to
 * @throws FormatError for a frame that does not fit, and if one of the first has no targets; the signal's reason, once it is aborted
 */
export async function* rollOut(
  model: FieldModel,
  frames: AsyncIterable<FieldSample>,
  options: StepOptions,
): AsyncGenerator<PredictedField[]> {
  const { layout } = options;
  const { targets } = layout;
  const seen = (layout.history.at(-1)?.back ?? 0) + 1;
  let window: Window = [];
  for await (const frame of frames) {
    const isGiven = window.length < seen;
    const state = isGiven
      ? targets.map(({ target }, i) => expectTarget(frame, i, target.name))
      : await nextState(model, window, frame, options);
    const before = isGiven ? state : (window[0].targets as readonly Columns[]);
    yield targets.map(({ target: { name, missing }, width }, i) => {
      const truth = frame.targets[i]?.data;
      const prediction = { name, channels: width, prediction: state[i].data, ...(truth && { truth }) };
      return missing ? { ...prediction, state: before[i].data } : prediction;
    });
    window = [withState(frame, state, layout), ...window].slice(0, seen);
  }
}

/** Of what is neither missing in the truth nor in the first frame, from which all others go on; undefined if that is nothing. */
function rootMeanSquare({ data }: Columns, truth: Columns, beginning: Columns): number | undefined {
  let [sum, known] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    if (Number.isNaN(truth.data[i]) || Number.isNaN(beginning.data[i])) continue;
    sum += (data[i] - truth.data[i]) ** 2;
    known++;
  }
  return known > 0 ? Math.sqrt(sum / known) : undefined;
}
