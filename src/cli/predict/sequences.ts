// erwin predict for models of sequences: predicts each sequence, or a single frame, step by step, and writes its frames back with the
// predictions added.

import { basename, dirname, join, resolve } from "node:path";
import type { FolderExperiment } from "../../experiments/folder/experiment.ts";
import { type FoundSample, findSamples } from "../../experiments/folder/found-samples.ts";
import { sampleExtensions } from "../../experiments/folder/read.ts";
import { readTrained } from "../../experiments/folder/trained.ts";
import { toBytes } from "../../formats/bytes/bytes.ts";
import { extensionOf } from "../../formats/extension.ts";
import { ErwinError, InputError } from "../../index.ts";
import { type Recipe, sha256 } from "../../jobs/job.ts";
import { UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { isFolder, makeFolder, placeOf } from "../files/files.ts";
import { FolderSource } from "../files/folder-source.ts";
import { describeFailure } from "../process/failure.ts";
import { interrupted, untilInterrupted } from "../process/interruption.ts";
import { printError, withProgress } from "../process/progress.ts";
import { formatPlural } from "../text.ts";
import { expectFieldOutput, type FieldsOptions } from "./fields.ts";
import { listingOnly } from "./listing.ts";
import { firstNote } from "./notes.ts";
import { outputName, SequenceFiles } from "./sequence-files.ts";
import { findTable } from "./table.ts";

/** Whether a path is that of a collection of frames. */
export const isCollection = (path: string): boolean => extensionOf(path) === "pvd";
/** The extensions of files that can be predicted, without dots. */
const known = ["pvd", ...sampleExtensions];

export interface SequencesOptions extends FieldsOptions {
  /** A collection (.pvd), a file of one frame or several, or a folder of such or of sequences. */
  input: string;
  outputFolder: string;
  /** The number of steps; by default all that a sequence has frames for. */
  steps?: number;
  /** The extension of the frames, with its dot; by default that of their copies. */
  format?: string;
  /** Whether predictions that are there are computed again. */
  overwrite: boolean;
}

/**
 * Predicts sequences. Each gets its frames and a collection of them in the output folder, under its own name. What is there from the same
 * model, files and options is skipped, unless it is to be overwritten.
 * @throws UsageError for an input or a model that is none of sequences; FormatError for a frame that does not fit; ErwinError at the end,
 *   if one of several sequences could not be predicted, or was not reached
 */
export async function predictSequences(options: SequencesOptions): Promise<void> {
  const { input, outputFolder, steps, format, weights } = options;
  if (!known.includes(extensionOf(input)) && !isFolder(input)) {
    const extensions = known.map((extension) => `.${extension}`).join(", ");
    throw new UsageError(
      `--rollout is for sequences: --input is "${input}", expected a folder or a file (${extensions})`,
    );
  }
  const folder = isFolder(input) ? input : dirname(resolve(input));
  if (placeOf(folder) === (placeOf(outputFolder) ?? resolve(outputFolder))) {
    throw new InputError(`"${outputFolder}" holds the input: choose another folder for the output.`, { file: input });
  }
  // Of a folder all but earlier predictions.
  const isListed = (path: string) =>
    isFolder(input) ? resolve(folder, path) !== resolve(outputFolder) : path === basename(input);
  const beside = await findTable([input], options);
  const recipe = {
    model: await sha256(toBytes(weights.bytes)),
    options: {
      ...{ rollout: steps ?? "all", format, precision: options.device.precision ?? "float32" },
      ...(beside && { table: beside.hash }),
    },
  };
  await withDevice(options.device, async (device) => {
    const { experiment, model } = readTrained(weights, options.metadata, device);
    try {
      if (!experiment.described.sequence) {
        throw new UsageError(
          `${weights.file} holds a model of single samples: sequences are for one with sequence: true`,
        );
      }
      const found = await findSamples({ experiment, model }, listingOnly(new FolderSource(folder), isListed), {
        ...(!isFolder(input) && { files: basename(input) }),
        singleFrames: steps !== undefined,
        table: beside?.table,
      });
      checkNames(found);
      for (const one of format === undefined ? [] : found)
        expectFieldOutput(one.files[0], join(outputFolder, outputName(one) + format));
      makeFolder(outputFolder);
      await predictAll(found, { ...options, experiment, folder, recipe, by: describeDevice(device) });
    } finally {
      model.dispose();
    }
  });
}

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

interface AllOptions extends SequencesOptions {
  experiment: FolderExperiment;
  folder: string;
  recipe: Recipe;
  /** The device in words. */
  by: string;
}

async function predictAll(found: readonly FoundSample[], options: AllOptions): Promise<void> {
  const tell = firstNote();
  let [failed, left] = [0, found.length];
  await untilInterrupted("stopping after this step", async (signal) => {
    for (const sequence of found) {
      try {
        await predictSequence({ ...options, sequence, tell, signal });
      } catch (error) {
        if (signal.aborted && error === signal.reason) return;
        if (found.length === 1 || !(error instanceof ErwinError)) throw error;
        printError(describeFailure(sequence.name, error));
        failed++;
      }
      left--;
    }
  });
  if (left > 0) throw interrupted(left, "sequence");
  if (failed > 0) throw new ErwinError(`${failed} of ${formatPlural(found.length, "sequence")} failed.`, { failed });
}

interface SequenceOptions extends AllOptions {
  sequence: FoundSample;
  /** Receives the path of a frame's file, and a remark if there is one. */
  tell: ReturnType<typeof firstNote>;
  signal: AbortSignal;
}

async function predictSequence(options: SequenceOptions): Promise<void> {
  const { sequence, experiment, folder, outputFolder, steps, format, recipe, overwrite, tell, signal, by } = options;
  const { stride = 1, history = 0 } = experiment.described.sequence ?? {};
  const count = steps === undefined ? sequence.frames : steps + history + 1;
  const output = new SequenceFiles({ sequence, stride, folder, outputFolder, count, format });
  const record = await output.record(recipe);
  if (!overwrite && output.has(record)) return console.log(`${sequence.name}: skipped, it is in ${outputFolder}`);
  output.begin();
  try {
    await withProgress(`predicting ${sequence.name}`, async (report) => {
      for await (const frame of sequence.predict({ steps, signal })) {
        tell(join(folder, frame.file), frame.note);
        report(output.add(await frame.copy(format), frame.time!), count);
      }
    });
  } finally {
    // What there is of an interrupted prediction, or of one that diverged, can be looked at.
    output.collect();
  }
  output.end(record);
  const made = Math.max(0, count - 1 - history);
  const { name, files } = sequence;
  if (made === 0) {
    const first = (history + 1) * stride;
    const advice = count > history ? "; --rollout N goes on past the last" : "";
    console.log(
      `${name}: ${formatPlural(files.length, "frame")}, but the model predicts from frame ${first} on${advice}`,
    );
  }
  console.log(`${name}: ${formatPlural(made, "step")} by ${by}, into ${outputFolder}`);
}
