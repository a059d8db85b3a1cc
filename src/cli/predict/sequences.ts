// erwin predict for models of sequences: predicts each sequence from its first frame, step by step, and writes its frames back with
// the predictions added.

import { basename, dirname, join, resolve, sep } from "node:path";
import type { DataSource } from "../../experiments/data-source.ts";
import { frameRule } from "../../experiments/folder/array-frames.ts";
import type { FolderExperiment } from "../../experiments/folder/experiment.ts";
import { findUnits } from "../../experiments/folder/files.ts";
import { FramesSource, frameExtensions } from "../../experiments/folder/frames.ts";
import type { FieldModel } from "../../experiments/folder/model.ts";
import { readSample } from "../../experiments/folder/read-sample.ts";
import type { FieldSample } from "../../experiments/folder/sample.ts";
import type { Unit } from "../../experiments/folder/splits.ts";
import { readTrained } from "../../experiments/folder/trained.ts";
import { extensionOf } from "../../formats/extension.ts";
import { savePvd } from "../../formats/vtk/pvd.ts";
import { InputError } from "../../index.ts";
import { UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { isFolder, makeFolder, placeOf, writeWhole } from "../files/files.ts";
import { FolderSource } from "../files/folder-source.ts";
import { withProgress } from "../process/progress.ts";
import { formatPlural } from "../text.ts";
import { arraysOf, copyExtension, encode, type FieldsOptions, noteOn } from "./fields.ts";
import { firstNote } from "./notes.ts";

/** Whether a path is that of a collection of frames. */
export const isCollection = (path: string): boolean => extensionOf(path) === "pvd";
/** Whether a file is a sequence of its own: a collection, or one that may hold several frames. */
const isSequence = (path: string) => isCollection(path) || frameExtensions.includes(extensionOf(path));

export interface SequencesOptions extends FieldsOptions {
  /** A collection (.pvd), a file of several frames, or a folder of sequences. */
  input: string;
  outputFolder: string;
  /** The largest number of steps; by default all that a sequence has frames for. */
  steps?: number;
}

/**
 * Predicts sequences. Each gets its frames and a collection of them in the output folder, under its own name.
 * @throws UsageError for an input or a model that is none of sequences; FormatError for a frame that does not fit
 */
export async function predictSequences(options: SequencesOptions): Promise<void> {
  const { input, outputFolder, weights } = options;
  if (!isSequence(input) && !isFolder(input)) {
    const known = ["pvd", ...frameExtensions].map((extension) => `.${extension}`).join(", ");
    throw new UsageError(`--rollout is for sequences: --input is "${input}", expected a folder or a file (${known})`);
  }
  const folder = isFolder(input) ? input : dirname(resolve(input));
  if (placeOf(folder) === (placeOf(outputFolder) ?? resolve(outputFolder))) {
    throw new InputError(`"${outputFolder}" holds the input: choose another folder for the output.`, { file: input });
  }
  await withDevice(options.device, async (device) => {
    const { experiment, model } = readTrained(weights, options.metadata, device);
    try {
      if (!experiment.described.sequence) {
        throw new UsageError(
          `${weights.file} holds a model of single samples: sequences are for one with sequence: true`,
        );
      }
      const tell = firstNote();
      const { files } = experiment.described;
      const source = new FramesSource(new FolderSource(folder), frameRule(experiment.described));
      const found = await findUnits(source, { files: isFolder(input) ? files : basename(input), sequence: true });
      // Without earlier predictions.
      const isOutput = ({ files }: Unit) => resolve(folder, files[0]).startsWith(join(resolve(outputFolder), sep));
      const units = found.filter((unit) => (isFolder(input) ? !isOutput(unit) : unit.name === basename(input)));
      checkNames(units);
      makeFolder(outputFolder);
      for (const unit of units) {
        const steps = await predictSequence({ ...options, experiment, model, source, unit, tell });
        if (steps === 0) console.log(noteOnLength(unit, experiment));
        console.log(`${unit.name}: ${formatPlural(steps, "step")} by ${describeDevice(device)}, into ${outputFolder}`);
      }
    } finally {
      model.dispose();
    }
  });
}

function noteOnLength({ name, files }: Unit, { described: { sequence } }: FolderExperiment): string {
  const { stride = 1, history = 0 } = sequence ?? {};
  return `${name}: ${formatPlural(files.length, "frame")}, but the model predicts from frame ${(history + 1) * stride} on`;
}

/** The name under which a sequence's frames are written. */
const outputName = ({ name }: Unit) => name.replace(/\.pvd$/i, "").replaceAll("/", "_");

function checkNames(units: readonly Unit[]): void {
  const byName = new Map<string, Unit>();
  for (const unit of units) {
    const name = outputName(unit);
    const other = byName.get(name);
    if (other) {
      const problem = `The sequences "${other.name}" and "${unit.name}" would both be written as "${name}"`;
      throw new InputError(`${problem}: rename one of them, or predict them into different folders.`, {
        file: unit.name,
      });
    }
    byName.set(name, unit);
  }
}

interface SequenceOptions extends SequencesOptions {
  experiment: FolderExperiment;
  model: FieldModel;
  source: DataSource;
  unit: Unit;
  tell: ReturnType<typeof firstNote>;
}

/** @returns the number of steps */
async function predictSequence(options: SequenceOptions): Promise<number> {
  const { experiment, model, source, unit, tell, outputFolder, steps = Number.POSITIVE_INFINITY } = options;
  const { described } = experiment;
  const { stride = 1, history = 0 } = described.sequence ?? {};
  const frames = unit.files
    .map((file, i) => ({ file, time: unit.times?.[i] ?? i }))
    .filter((_, i) => i % stride === 0 && i / stride <= steps + history);
  let bytes: Uint8Array = new Uint8Array();
  let sample: FieldSample;
  async function* samples(): AsyncGenerator<FieldSample> {
    for (const { file } of frames) {
      bytes = await source.read(file);
      sample = await readSample(bytes, join(source.name, file), described, { truth: false });
      tell(sample.file, noteOn(sample));
      yield sample;
    }
  }
  const name = outputName(unit);
  const digits = String(frames.length - 1).length;
  const written: { file: string; time: number }[] = [];
  await withProgress(`predicting ${unit.name}`, async (report) => {
    for await (const fields of experiment.rollOut(model, samples())) {
      const { file, time } = frames[written.length];
      const output = `${name}.${String(written.length).padStart(digits, "0")}${copyExtension(file)}`;
      writeWhole(join(outputFolder, output), await encode(bytes, output, sample!, arraysOf(fields, file, output)));
      written.push({ file: output, time });
      report(written.length, frames.length);
    }
  });
  if (written.every(({ file }) => /\.vt[upirs]$/i.test(file))) {
    writeWhole(join(outputFolder, `${name}.pvd`), savePvd(written));
  }
  return Math.max(0, written.length - 1 - history);
}
