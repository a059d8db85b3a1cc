// Predicts sequences step by step from their first frame, each step from the prediction before it.

import { Random } from "../../random.ts";
import type { DataSet } from "../../train/task.ts";
import { meanCurve } from "../baselines.ts";
import type { PredictedField } from "../experiment.ts";
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

/** Root mean square errors of each target at each step, for the model and for persistence of the first frame. */
type Curves = Record<string, number[]>;

/**
 * Returns error curves, averaged over the sequences that are long enough: `rmse_NAME` for the model, and `persistence_NAME` for the
 * first frame as the prediction of all. Points, inputs and globals come from each frame; only the targets are predicted.
 * @param data pairs of frames, sequence after sequence
 */
export async function rolloutErrors(
  model: FieldModel,
  data: DataSet<FieldCloud>,
  options: RolloutOptions,
): Promise<Curves> {
  const found: Curves[] = [];
  let run: SequenceRun | undefined;
  for (let i = 0; i < data.size; i++) {
    const cloud = await data.load(i, new Random(0, `rollout ${i}`));
    const { index, frame } = cloud.sequence as { index: number; frame: number };
    if (index !== run?.index) {
      run = new SequenceRun(index, cloud, options.layout);
      found.push(run.curves);
    }
    if (frame % options.stride === 0 && frame / options.stride < options.steps) await run.step(model, cloud, options);
  }
  const names = Object.keys(found[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, meanCurve(found.map((curves) => curves[name]))]));
}

class SequenceRun {
  readonly curves: Curves = {};
  readonly #first: readonly Columns[];
  /** The state in the file's units. */
  #state: readonly Columns[];

  constructor(
    readonly index: number,
    { pair }: FieldCloud,
    { targets }: Layout,
  ) {
    this.#first = pair.sample.targets as readonly Columns[];
    this.#state = this.#first;
    for (const { target } of targets) {
      this.curves[`rmse_${target.name}`] = [];
      this.curves[`persistence_${target.name}`] = [];
    }
  }

  async step(model: FieldModel, cloud: FieldCloud, { layout, graph }: RolloutOptions): Promise<void> {
    const { sample, next } = cloud.pair;
    const seen = cloudOf({ sample: withState(sample, this.#state, layout), next }, layout);
    this.#state = await nextState(model, seen, this.#state, { layout, graph });
    const truth = next?.targets as readonly Columns[];
    for (const [i, { target }] of layout.targets.entries()) {
      this.curves[`rmse_${target.name}`].push(rootMeanSquare(this.#state[i], truth[i]));
      this.curves[`persistence_${target.name}`].push(rootMeanSquare(this.#first[i], truth[i]));
    }
  }
}

/** Returns a frame in which the targets are replaced, among which may be the positions of points that move. */
function withState(frame: FieldSample, targets: readonly Columns[], layout: Layout): FieldSample {
  const moving = layout.targets.findIndex(({ target }) => isPositions(target));
  return { ...frame, targets, ...(moving >= 0 && { positions: targets[moving].data }) };
}

/** Returns the targets of the next frame: the current ones plus the change that the model predicts. */
async function nextState(
  model: FieldModel,
  cloud: FieldCloud,
  before: readonly Columns[],
  { layout, graph }: Pick<RolloutOptions, "layout" | "graph">,
): Promise<Columns[]> {
  const { input } = await prepareClouds(model, [cloud], layout, graph);
  using output = await model.forward(input);
  const rows = await output.data();
  return layout.targets.map(({ output: { first }, scaling, width }, i) => {
    const change = restore(rows, { first, stride: layout.outputs }, scaling);
    return { width, data: change.map((value, at) => before[i].data[at] + value) };
  });
}

/**
 * Predicts the frames of a sequence from its first one, each from the prediction before it; the first is that frame itself. Inputs and
 * globals come from each frame; fields have a truth where the frame has one.
 * @param model in evaluation mode
 * @param frames those that a step of the model takes each other to
 * @throws FormatError for a frame that does not fit, and if the first has no targets
 */
export async function* rollOut(
  model: FieldModel,
  frames: AsyncIterable<FieldSample>,
  options: Pick<RolloutOptions, "layout" | "graph">,
): AsyncGenerator<PredictedField[]> {
  const { targets } = options.layout;
  let reached: { frame: FieldSample; state: readonly Columns[] } | undefined;
  const seenFrom = ({ frame, state }: NonNullable<typeof reached>, next: FieldSample) =>
    cloudOf({ sample: withState(frame, state, options.layout), next }, options.layout);
  for await (const frame of frames) {
    const state = reached
      ? await nextState(model, seenFrom(reached, frame), reached.state, options)
      : targets.map(({ target }, i) => expectTarget(frame, i, target.name));
    yield targets.map(({ target: { name }, width }, i) => {
      const truth = frame.targets[i]?.data;
      return { name, channels: width, prediction: state[i].data, ...(truth && { truth }) };
    });
    reached = { frame, state };
  }
}

function rootMeanSquare({ data }: Columns, truth: Columns): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] - truth.data[i]) ** 2;
  return Math.sqrt(sum / data.length);
}
