// erwin predict for models of sequences: predicts each sequence from its first frame, step by step, and writes its frames back with
// the predictions added.

import { basename, dirname, extname, join, resolve, sep } from "node:path";
import type { FolderExperiment } from "../../experiments/folder/experiment.ts";
import { type FoundSample, findSamples } from "../../experiments/folder/found-samples.ts";
import { frameExtensions } from "../../experiments/folder/frames.ts";
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
import type { FieldsOptions } from "./fields.ts";
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
      const files = isFolder(input) ? undefined : basename(input);
      const found = await findSamples({ experiment, model }, new FolderSource(folder), { files, singleFrames: false });
      // Without earlier predictions.
      const isOutput = ({ files }: FoundSample) =>
        resolve(folder, files[0]).startsWith(join(resolve(outputFolder), sep));
      const sequences = found.filter((one) => (isFolder(input) ? !isOutput(one) : one.name === basename(input)));
      checkNames(sequences);
      makeFolder(outputFolder);
      for (const sequence of sequences) {
        const steps = await predictSequence({
          ...options,
          sequence,
          history: experiment.described.sequence.history ?? 0,
          tell: (file, note) => tell(join(folder, file), note),
        });
        if (steps === 0) console.log(noteOnLength(sequence, experiment));
        console.log(
          `${sequence.name}: ${formatPlural(steps, "step")} by ${describeDevice(device)}, into ${outputFolder}`,
        );
      }
    } finally {
      model.dispose();
    }
  });
}

function noteOnLength({ name, files }: FoundSample, { described: { sequence } }: FolderExperiment): string {
  const { stride = 1, history = 0 } = sequence ?? {};
  return `${name}: ${formatPlural(files.length, "frame")}, but the model predicts from frame ${(history + 1) * stride} on`;
}

/** The name under which a sequence's frames are written. */
const outputName = ({ name }: FoundSample) => name.replace(/\.pvd$/i, "").replaceAll("/", "_");

function checkNames(sequences: readonly FoundSample[]): void {
  const byName = new Map<string, FoundSample>();
  for (const sequence of sequences) {
    const name = outputName(sequence);
    const other = byName.get(name);
    if (other) {
      const problem = `The sequences "${other.name}" and "${sequence.name}" would both be written as "${name}"`;
      throw new InputError(`${problem}: rename one of them, or predict them into different folders.`, {
        file: sequence.name,
      });
    }
    byName.set(name, sequence);
  }
}

interface SequenceOptions extends SequencesOptions {
  sequence: FoundSample;
  /** The number of frames before the one from which the model predicts. */
  history: number;
  /** Receives the path of a frame's file in the folder, and a remark if there is one. */
  tell: ReturnType<typeof firstNote>;
}

/** @returns the number of steps */
async function predictSequence({ sequence, history, tell, outputFolder, steps }: SequenceOptions): Promise<number> {
  const frames = Math.min(sequence.frames, (steps ?? sequence.frames) + history + 1);
  const name = outputName(sequence);
  const digits = String(frames - 1).length;
  const written: { file: string; time: number }[] = [];
  await withProgress(`predicting ${sequence.name}`, async (report) => {
    for await (const frame of sequence.predict({ steps })) {
      tell(frame.file, frame.note);
      const file = `${name}.${String(written.length).padStart(digits, "0")}${extname(frame.copyName)}`;
      writeWhole(join(outputFolder, file), await frame.copy());
      written.push({ file, time: frame.time! });
      report(written.length, frames);
    }
  });
  if (written.every(({ file }) => /\.vt[upirs]$/i.test(file))) {
    writeWhole(join(outputFolder, `${name}.pvd`), savePvd(written));
  }
  return Math.max(0, written.length - 1 - history);
}
