// Finds the samples of a folder, divides them into splits, reads them on demand, and converts them to the model's input.

import { ConfigError, FormatError } from "../../errors.ts";
import { lammpsExtensions } from "../../formats/clouds/lammps.ts";
import { pdbExtensions } from "../../formats/clouds/pdb.ts";
import { extensionOf } from "../../formats/extension.ts";
import { float32StepAt } from "../../formats/rounding.ts";
import { Opaque } from "../../inspect.ts";
import { type DataSource, locate } from "../data-source.ts";
import type { OnBad, Split, SplitName } from "../experiment.ts";
import { PREDICTION } from "../prediction.ts";
import { RecentValues } from "../recent.ts";
import { frameRule } from "./array-frames.ts";
import { turned, withNoise } from "./augment.ts";
import { cloudOf, expectAlike, type FieldCloud } from "./cloud.ts";
import type { FolderConfig } from "./config.ts";
import { findUnits } from "./files.ts";
import { FramesSource } from "./frames.ts";
import type { Layout } from "./layout.ts";
import { shareOf } from "./missing.ts";
import { gapIn } from "./numbering.ts";
import { readSample } from "./read-sample.ts";
import type { FieldSample } from "./sample.ts";
import { readSideTable, type SideTable } from "./side-table.ts";
import type { SplitRule } from "./split-rule.ts";
import { divide, type Unit } from "./splits.ts";
import { computeStatistics, type Pair, positionScaling, type Statistics } from "./statistics.ts";

/** The extensions of formats that are read as float32. */
const singleFormats = [...lammpsExtensions, ...pdbExtensions];
/** Whether a file's format is one of those. */
export const isReadAsSingle = (file: string) => singleFormats.includes(extensionOf(file));
/** What can be done where float32 rounds too much, besides subtracting a constant. */
export const elseAsDouble = "or write them as float64 in .vtu, .npz or .h5";
/** The number of steps of float32 in the deviation of values below which they count as coarse. */
const COARSE = 1000;

export class FolderData extends Opaque {
  readonly #config: FolderConfig;
  readonly #source: DataSource;
  readonly #table: SideTable | undefined;
  readonly #units: Record<SplitName, readonly Unit[]>;
  /** All files of all splits, and the numbers of each unit's files. */
  readonly #files: string[] = [];
  readonly #numbers = new Map<Unit, readonly number[]>();
  /** The samples of the training split that have predictions. */
  #predicted: string[] = [];
  readonly #samples: RecentValues<FieldSample>;

  private constructor(
    config: FolderConfig,
    source: DataSource,
    { units, table }: { units: Record<SplitName, readonly Unit[]>; table: SideTable | undefined },
  ) {
    super();
    this.#config = config;
    this.#source = source;
    this.#table = table;
    this.#units = units;
    for (const unit of new Set(Object.values(units).flat())) {
      this.#numbers.set(
        unit,
        unit.files.map((file) => this.#files.push(file) - 1),
      );
    }
    this.#samples = new RecentValues((number) => this.#read(this.#files[number]), bytesOf);
  }

  /**
   * Finds and divides the samples of a source, without reading them; reads the table beside them.
   * @param list a file in the source that lists samples (.txt), or the samples of each split (.json, .yaml)
   * @throws FormatError if there are none, or a split lists a sample that does not exist
   */
  static async find(config: FolderConfig, source: DataSource, list?: string): Promise<FolderData> {
    const { files, sequence } = config;
    const frames = new FramesSource(source, frameRule(config));
    const isSplit = list !== undefined && /\.(json|ya?ml)$/i.test(list);
    const rule: SplitRule | undefined = isSplit ? { kind: "file", file: list } : config.splits;
    const units = await findUnits(frames, {
      files,
      list: isSplit ? undefined : list,
      sequence: sequence !== undefined,
      table: config.table?.file,
    });
    const table = config.table && (await readSideTable(source, config.table));
    return new FolderData(config, frames, { units: await divide(units, rule, frames), table });
  }

  async #read(path: string): Promise<FieldSample> {
    const options = { table: this.#table, path };
    return readSample(await this.#source.read(path), locate(this.#source, path), this.#config, options);
  }

  /** Returns the samples of a split: their units, and the frames within these from which the model predicts the next. */
  #places(split: SplitName): { unit: Unit; index: number; frame: number }[] {
    const { stride = 0, history = 0 } = this.#config.sequence ?? {};
    const first = history * stride;
    return this.#units[split].flatMap((unit, index) => {
      const count = Math.max(0, unit.files.length - first - stride);
      return Array.from({ length: count }, (_, i) => ({ unit, index, frame: first + i }));
    });
  }

  async #pair(unit: Unit, frame: number): Promise<Pair> {
    const numbers = this.#numbers.get(unit) as readonly number[];
    const read = (at: number) => this.#samples.get(numbers[at]);
    if (!this.#config.sequence) return { sample: await read(frame) };
    const { stride, history = 0 } = this.#config.sequence;
    const earlier: FieldSample[] = [];
    for (let step = 1; step <= history; step++) earlier.push(await read(frame - step * stride));
    const pair = { sample: await read(frame), next: await read(frame + stride) };
    return history > 0 ? { ...pair, earlier } : pair;
  }

  /**
   * Computes the statistics of the training split, whose samples are read once, one after the other.
   * @param onBad receives damaged samples, which are skipped; without it they are errors
   * @throws FormatError for a sample that does not fit the config; ConfigError if there is none
   */
  async statistics(onBad?: OnBad): Promise<Statistics> {
    this.#predicted = [];
    const statistics = await computeStatistics(this.#trainingPairs(onBad), this.#config);
    if (statistics.samples > 0) return statistics;
    throw this.#nothingToTrainOn();
  }

  #nothingToTrainOn(): ConfigError {
    const { stride = 0, history = 0 } = this.#config.sequence ?? {};
    const longest = Math.max(0, ...this.#units.train.map(({ files }) => files.length));
    const needed = (history + 1) * stride + 1;
    const advice =
      longest > 0
        ? `: its sequences have at most ${longest} frames, but ${needed} are needed with a stride of ${stride} and a history of ${history}`
        : "";
    const problem = `${locate(this.#source, "")}: no sample is in the split train${advice}`;
    return new ConfigError(problem, { field: longest > 0 ? "sequence" : "splits" });
  }

  async *#trainingPairs(onBad?: OnBad): AsyncGenerator<Pair> {
    let first: Pair | undefined;
    for (const { unit, frame } of this.#places("train")) {
      try {
        const pair = await this.#pair(unit, frame);
        first ??= pair;
        expectAlike(pair, first, this.#config);
        if (pair.sample.isPredicted) this.#predicted.push(this.#nameOf(unit, frame));
        yield pair;
      } catch (error) {
        if (!onBad || !(error instanceof FormatError)) throw first ? amongOthers(error) : error;
        onBad({ split: "train", sample: this.#nameOf(unit, frame), problem: error.message });
      }
    }
  }

  #nameOf({ name }: Unit, frame: number): string {
    return this.#config.sequence ? `${name}, frame ${frame}` : name;
  }

  /** Returns a remark if values are so far from zero, such as coordinates of maps, that float32 rounds them to a coarse grid. */
  #noteOnRounding({ positions, changes, ...fields }: Statistics): string | undefined {
    const file = this.#files.find(isReadAsSingle);
    if (file === undefined) return undefined;
    const [scale] = positionScaling(positions, "standard").scale;
    const columns = [{ values: "coordinates", far: Math.max(...positions.mean.map(Math.abs)), deviation: scale }];
    for (const kind of ["inputs", "targets", "globals"] as const) {
      for (const [name, { mean, deviation }] of Object.entries(fields[kind])) {
        const changed = kind === "targets" ? changes?.[name] : undefined;
        // Changes that are no more than rounding have the deviation 0, and still deserve the remark.
        const deviations = changed?.deviation.map((value, i) => value || Math.abs(changed.mean[i])) ?? deviation;
        mean.forEach((value, i) => {
          columns.push({ values: `the values of "${name}"`, far: Math.abs(value), deviation: deviations[i] });
        });
      }
    }
    const coarse = columns.find(({ far, deviation }) => deviation > 0 && float32StepAt(far) > deviation / COARSE);
    if (!coarse) return undefined;
    const { values, far, deviation } = coarse;
    const found = `${values} are around ${far.toPrecision(3)} and deviate by ${deviation.toPrecision(3)}`;
    const advice = `subtract a constant from them, ${elseAsDouble}`;
    return `${found}, but .${extensionOf(file)} is read as float32, in steps of ${float32StepAt(far)}: ${advice}`;
  }

  /** Returns remarks on how many of the targets' values are missing. */
  #notesOnMissing({ targets, points, samples }: Statistics): string[] {
    return this.#config.targets.flatMap(({ name, whole }) => {
      const { missing = 0, mean } = targets[name];
      if (missing === 0) return [];
      const all = (whole ? samples : points) * mean.length;
      const share = shareOf(missing / all);
      return [`${missing} of the ${all} values of "${name}" in the split train are missing (${share}), and left out`];
    });
  }

  /** Returns a remark if frames are missing in numbered files: the model would take what is further apart for one step. */
  #noteOnGaps(): string | undefined {
    if (!this.#config.sequence) return undefined;
    const gaps = this.#units.train.flatMap(({ files, times }) => (times ? [] : (gapIn(files) ?? [])));
    const [first] = gaps;
    if (!first) return undefined;
    const { before, after, step } = first;
    const found = `${gaps.length} of the ${this.#units.train.length} sequences in the split train`;
    return `${found} have gaps: ${after} follows ${before}, others ${step} apart; each is learnt as one step`;
  }

  /** Returns a remark if samples have predictions: such a copy of a sample may be trained on, and the sample tested. */
  #noteOnPredicted({ samples }: Statistics): string | undefined {
    const predicted = this.#predicted;
    if (predicted.length === 0) return undefined;
    const found = `${predicted.length} of the ${samples} samples in the split train`;
    return `${found} have an array "${PREDICTION}", as erwin predict writes it: ${firstOf(predicted)}. If they are copies of samples, leave them out`;
  }

  /** Returns a remark if a held-out split shares samples with the training split, as lists of patterns may by mistake. */
  #noteOnShared(split: SplitName): string | undefined {
    const trained = new Set(this.#units.train);
    const units = this.#units[split];
    const shared = units.filter((unit) => trained.has(unit));
    if (shared.length === 0) return undefined;
    const kind = this.#config.sequence ? "sequences" : "samples";
    const names = firstOf(shared.map(({ name }) => name));
    return `${shared.length} of the ${units.length} ${kind} in the split ${split} are in the split train, too: ${names}`;
  }

  /** @returns undefined if the split has no samples */
  split(split: SplitName, layout: Layout, statistics: Statistics): Split<FieldCloud> | undefined {
    const places = this.#places(split);
    if (places.length === 0) return undefined;
    const { sequence, augmentation } = this.#config;
    const notes =
      split === "train"
        ? [
            this.#noteOnRounding(statistics),
            ...this.#notesOnMissing(statistics),
            this.#noteOnPredicted(statistics),
            this.#noteOnGaps(),
          ]
        : [this.#noteOnShared(split)];
    const note = notes.filter((one) => one !== undefined).join("\n");
    return {
      size: places.length,
      ...(note !== "" && { note }),
      nameOf: (i) => this.#nameOf(places[i].unit, places[i].frame),
      load: async (i, random, epoch) => {
        const { unit, index, frame } = places[i];
        const pair = await this.#pair(unit, frame);
        const place = sequence && { sequence: { index, frame } };
        // Training augments its samples, an evaluation of the same split measures them as they are.
        if (split !== "train" || epoch === undefined) return { ...cloudOf(pair, layout), ...place };
        const cloud = cloudOf(turned(pair, this.#config, random), layout);
        return { ...withNoise(cloud, layout, augmentation.noise, random), ...place };
      },
    };
  }
}

/** Returns the first of names, and whether there are more. */
const firstOf = ([first, ...others]: readonly string[]) => `${first}${others.length > 0 ? ", ..." : ""}`;

/**
 * What is wrong with a sample after others that were read is so in its file alone: `found` in place of what was expected, which tells of a
 * config that fits no file, is left out.
 */
function amongOthers(error: unknown): unknown {
  if (!(error instanceof FormatError) || !Array.isArray(error.details.found)) return error;
  const { found: _, ...details } = error.details;
  return new FormatError(`${error.message} Samples before it fit the config.`, details, { cause: error });
}

function bytesOf({ positions, inputs, targets, globals, edges, cells, corners }: FieldSample): number {
  const columns = [...inputs, ...targets, ...globals].reduce((sum, column) => sum + (column?.data.byteLength ?? 0), 0);
  const mesh = (edges?.byteLength ?? 0) + (cells?.connectivity.byteLength ?? 0) + (cells?.offsets.byteLength ?? 0);
  const ofCorners = corners?.data.byteLength ?? 0;
  return columns + positions.byteLength + mesh + ofCorners;
}
