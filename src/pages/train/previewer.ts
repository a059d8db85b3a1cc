// Predicts a held-out sample with a model in training: from time to time between its steps, and at the end.

import type { Experiment, ExperimentOptions, ExperimentRun, Split } from "erwin/experiments";
import { Random } from "../../random.ts";
import { makePreview } from "../shared/prediction/preview.ts";
import type { Preview } from "../shared/prediction/protocol.ts";

/** Previews take at most this share of the time, and are no more frequent than can be seen. */
const SHARE = 0.1;
const MIN_PAUSE = 1000;
/** The max number of frames of a sequence at the end. */
const MAX_FRAMES = 120;

export class Previewer {
  readonly #experiment: Experiment;
  readonly #run: ExperimentRun;
  readonly #options: ExperimentOptions;
  readonly #tell: (preview: Preview) => void;
  #due = 0;

  /** @param tell receives each preview */
  constructor(
    experiment: Experiment,
    run: ExperimentRun,
    options: ExperimentOptions,
    tell: (preview: Preview) => void,
  ) {
    this.#experiment = experiment;
    this.#run = run;
    this.#options = options;
    this.#tell = tell;
  }

  /** Must be called before each step. */
  async ifDue(step: number): Promise<void> {
    const begun = performance.now();
    if (begun < this.#due) return;
    const { validationData, testData, trainData } = this.#run;
    await this.#show([validationData, testData, trainData], step, 1);
    const now = performance.now();
    this.#due = now + Math.max(MIN_PAUSE, (now - begun) * (1 / SHARE - 1));
  }

  /** Predicts with the best weights; if samples are sequences, a whole one. */
  async atEnd(step: number): Promise<void> {
    const { validationData, testData, trainData } = this.#run;
    const isSequence = this.#experiment.rollout !== undefined;
    const heldOut = isSequence ? [testData, validationData] : [validationData, testData];
    await this.#show([...heldOut, trainData], step, MAX_FRAMES);
  }

  /** @param splits the first one that contains a sample supplies it */
  async #show(splits: readonly (Split<unknown> | undefined)[], step: number, mostFrames: number): Promise<void> {
    const { predict } = this.#experiment;
    const data = splits.find((split) => split && split.size > 0);
    if (!predict || !data) return;
    const { model } = this.#run;
    const sample = await data.load(0, new Random(this.#options.seed, "preview"));
    model.eval();
    const frames = await predict(model, sample, this.#options, mostFrames);
    this.#tell(await makePreview(frames, { step, sample: data.nameOf(0) }));
  }
}
