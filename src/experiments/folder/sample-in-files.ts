// A sample or a sequence in files, and what a model predicts of it.

import { checkSignal, untilAborted } from "../../abort.ts";
import { checkOptions } from "../../arguments/options.ts";
import { FormatError } from "../../errors.ts";
import { formatNamed } from "../../formats/extension.ts";
import { Opaque } from "../../inspect.ts";
import { type DataSource, locate } from "../data-source.ts";
import type { PredictedField } from "../experiment.ts";
import { cloudOf } from "./cloud.ts";
import { isPositions } from "./config.ts";
import type { FilePrediction, FoundSample, SamplePredictionOptions } from "./found-samples.ts";
import { asLater, changedIn, checkSteps, withoutStrayTruth } from "./future.ts";
import { pathsOf, timeAt } from "./numbering.ts";
import { arraysOf, copyExtension, encode, labelsIn, noteOn } from "./prediction-file.ts";
import { readSample } from "./read-sample.ts";
import type { FieldSample } from "./sample.ts";
import type { SideTable } from "./side-table.ts";
import type { Unit } from "./splits.ts";
import type { TrainedFields } from "./trained.ts";

/** A file that was read. */
interface ReadFrame {
  path: string;
  bytes: Uint8Array;
  sample: FieldSample;
  /** Whether it stands for frames after it, of which there are no files. */
  isPast?: boolean;
}

export class SampleInFiles extends Opaque implements FoundSample {
  readonly name: string;
  readonly files: readonly string[];
  readonly #trained: TrainedFields;
  readonly #source: DataSource;
  readonly #times: readonly number[] | undefined;
  readonly #isSequence: boolean;
  readonly #table: SideTable | undefined;

  constructor(
    trained: TrainedFields,
    source: DataSource,
    { name, files, times }: Unit,
    { isSequence, table }: { isSequence: boolean; table: SideTable | undefined },
  ) {
    super();
    this.name = name;
    this.files = files;
    this.#trained = trained;
    this.#source = source;
    this.#times = times;
    this.#isSequence = isSequence;
    this.#table = table;
  }

  get frames(): number {
    return this.#given.length;
  }

  /** The files to which the model's stride leads. */
  get #given(): string[] {
    return this.files.filter((_, i) => i % this.#stride === 0);
  }

  /** The number of files from a frame of the model to the next. */
  get #stride(): number {
    return this.#trained.experiment.described.sequence?.stride ?? 1;
  }

  /** The number of frames that a rollout begins with. */
  get #needed(): number {
    return (this.#trained.experiment.described.sequence?.history ?? 0) + 1;
  }

  async *predict(options: SamplePredictionOptions = {}): AsyncGenerator<FilePrediction> {
    checkOptions("predict", options, { signal: true, steps: true });
    const { signal, steps } = options;
    checkSteps(steps, this.#trained.experiment.described);
    if (this.#isSequence || steps !== undefined) yield* this.#rollOut(steps, signal);
    else yield await this.#predictOnly(signal);
  }

  async #predictOnly(signal: AbortSignal | undefined): Promise<FilePrediction> {
    const { experiment, model } = this.#trained;
    const read = await this.#read(this.files[0], true, signal);
    const cloud = cloudOf({ sample: read.sample }, experiment.layout);
    const fields = await experiment.predictFields(model, cloud, { signal });
    return this.#predicted(read, fields, { path: read.path });
  }

  async *#rollOut(steps: number | undefined, signal: AbortSignal | undefined): AsyncGenerator<FilePrediction> {
    const { experiment, model } = this.#trained;
    const count = steps === undefined ? this.frames : this.#needed + steps;
    const given = this.#given.slice(0, count);
    if (steps !== undefined) this.#expectBeginning();
    // From the last frame one step can be made whatever it holds.
    if (count > given.length + 1) await this.#expectUnchanged(given, signal);
    const read = (path: string, i: number) => this.#read(path, i < this.#needed, signal);
    let latest: ReadFrame;
    async function* samples(): AsyncGenerator<FieldSample> {
      for (const [i, path] of given.entries()) {
        latest = await read(path, i);
        yield latest.sample;
      }
      latest = { ...latest, sample: asLater(latest.sample), isPast: true };
      for (let i = given.length; i < count; i++) yield latest.sample;
    }
    const pathAt = pathsOf(this.files);
    let frame = 0;
    for await (const fields of experiment.rollOut(model, samples(), { signal })) {
      checkSignal(signal);
      const place = this.#stride * frame;
      const step = frame - this.#needed + 1;
      yield this.#predicted(latest!, fields, { path: pathAt(place), time: timeAt(place, this.#times), step });
      frame++;
    }
  }

  /** @param isBeginning whether the model goes on from the targets in the file; of all others the truth may be unusable */
  async #read(path: string, isBeginning: boolean, signal: AbortSignal | undefined): Promise<ReadFrame> {
    checkSignal(signal);
    const { described } = this.#trained.experiment;
    const bytes = await untilAborted(this.#source.read(path), signal);
    const config = isBeginning ? described : { ...described, sequence: undefined };
    const options = { truth: false, table: this.#table, path };
    const sample = await readSample(bytes, locate(this.#source, path), config, options);
    return { path, bytes, sample: isBeginning ? sample : withoutStrayTruth(sample, described) };
  }

  /** @throws FormatError if there are fewer frames than a rollout begins with */
  #expectBeginning(): void {
    const [needed, found] = [this.#needed, this.frames];
    if (found >= needed) return;
    const { files } = this;
    const least = (needed - 1) * this.#stride + 1;
    const has = files.length === 1 ? "is one frame" : `has ${files.length} frames`;
    const problem = `${has}, but the model begins with the last of ${least} (history ${needed - 1}, stride ${this.#stride})`;
    const file = locate(this.#source, this.name);
    throw new FormatError(`${file}: ${problem}: give it a sequence of as many.`, {
      file,
      expected: least,
      found: files.length,
    });
  }

  /** @throws FormatError if what the model sees, but does not predict, changes: past the last frame it would not be known */
  async #expectUnchanged(given: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    let first: FieldSample | undefined;
    for (const [i, path] of given.entries()) {
      const { sample } = await this.#read(path, i < this.#needed, signal);
      first ??= sample;
      const changed = sample.points === first.points && changedIn(sample, first, this.#trained.experiment.described);
      if (!changed) continue;
      const most = given.length - this.#needed + 1;
      const problem = `${changed} differs from that in ${first.file}, and what it is after the last frame is not known`;
      const advice = `predict ${most === 1 ? "1 step" : `${most} steps`} at most, or add frames that have it; they need no targets`;
      throw new FormatError(`${sample.file}: ${problem}: ${advice}.`, { file: sample.file, expected: most });
    }
  }

  /** @param as what is known of the frame besides the file: the path that it would have, its time, and the step that leads to it */
  #predicted(
    { path, bytes, sample, isPast = false }: ReadFrame,
    fields: readonly PredictedField[],
    as: { path: string; time?: number; step?: number },
  ): FilePrediction {
    const { described, layout } = this.#trained.experiment;
    const { step, time } = as;
    const moved = layout.targets.findIndex(({ target }) => isPositions(target));
    const extension = copyExtension(path);
    const note = noteOn(sample);
    const positions = moved < 0 ? sample.positions : fields[moved].prediction;
    const points = moved < 0 ? undefined : { data: positions, dimensionality: sample.dimensions };
    const without = described.targets.filter((target) => !isPositions(target)).flatMap(({ from }) => from);
    const labels = labelsIn(sample, described);
    return {
      positions: Float32Array.from(positions),
      dimensionality: sample.dimensions,
      cells: sample.cells,
      corners: sample.corners,
      grid: sample.grid?.sizes,
      fields,
      file: path,
      copyName: as.path.endsWith(extension) ? as.path : as.path.replace(/(\.\w+)?$/, extension),
      copy: async (format = extension) => {
        const output = `.${formatNamed(format)}`;
        const arrays = arraysOf(fields, sample, output, step);
        return encode({ bytes, sample, arrays, labels, ...(isPast && { changes: { without, points } }) }, output);
      },
      ...(time !== undefined && { time }),
      ...(note !== undefined && { note }),
    };
  }
}
