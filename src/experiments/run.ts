// Puts the parts of a run together, in the same way for the command line, workers and pages: a model with its initial weights,
// samples, and the options of the training loop.

import { expectKind } from "../arguments/kinds.ts";
import { checkOptions, expectOption, expectParts } from "../arguments/options.ts";
import type { Device } from "../backends/device.ts";
import { CheckpointError, ConfigError } from "../errors.ts";
import { type ErwinConfigInput, resolveConfig, snakeCaseConfig } from "../erwin/config.ts";
import { type FileBytes, toBytes } from "../formats/bytes/bytes.ts";
import { isTorchFile } from "../formats/safetensors/safetensors.ts";
import type { Module } from "../nn/module.ts";
import { TorchCheckpoint } from "../train/checkpoints/torch.ts";
import type { FitOptions } from "../train/fit-options.ts";
import type { Task } from "../train/task.ts";
import { replacingBad, withoutBad } from "./bad-samples.ts";
import type { DataSource } from "./data-source.ts";
import type { Experiment, ExperimentOptions, OnBad, Split, SplitName } from "./experiment.ts";
import { restoreModel } from "./restore.ts";

/** A file with initial weights. */
export interface InitialWeights {
  bytes: FileBytes;
  /** The file's name in error messages. */
  file: string;
  /**
   * Whether to take only what fits by name and shape, of a model of any experiment: the rest, such as a head for other targets, has
   * initial values.
   */
  partial?: boolean;
  /** @internal What is in it, if PyTorch wrote it and it is read already. */
  torch?: TorchCheckpoint;
}

/** Everything that a run needs besides its options. */
export interface ExperimentRun {
  model: Module;
  task: Task<unknown, unknown>;
  trainData: Split<unknown>;
  validationData: Split<unknown> | undefined;
  testData: Split<unknown> | undefined;
}

/** The data and the options of a run. */
export interface RunOptions {
  device: Device;
  options: ExperimentOptions;
  /** The data set, for experiments that read files. */
  source?: DataSource;
  /** The weights of the whole wrapper; a config in the file's metadata decides the model's shape. */
  init?: InitialWeights;
  /** Receives damaged samples, which are skipped: those for evaluation at once, those for training when they are met. */
  onBad?: OnBad;
  /** Receives what is worth knowing about the weights: as `readModel` does. */
  onNote?: (note: string) => void;
}

/**
 * Builds the model and finds the samples. The caller has to dispose of the model.
 * @param name the experiment's name; a file of weights must belong to the same experiment
 * @throws FormatError naming a file that is missing or damaged; CheckpointError if the weights do not fit; ConfigError
 */
export async function openRun(name: string, experiment: Experiment, given: RunOptions): Promise<ExperimentRun> {
  checkOptions("openRun", given, { device: true, options: true, source: true, init: true, onBad: true, onNote: true });
  expectRun("openRun", experiment, given);
  const { device, options, source, init, onBad, onNote } = given;
  const load = (split: SplitName) => experiment.load(split, options, source, onBad);
  const all = await load("train");
  const trainData = all && onBad ? replacingBad(all, onBad) : all;
  if (!trainData) throw new ConfigError(`${name} has no samples to train on`, { field: "train" });
  const heldOut = async (split: SplitName) => {
    const data = await load(split);
    return data && onBad ? withoutBad(data, split, onBad) : data;
  };
  const [validationData, testData] = [await heldOut("val"), await heldOut("test")];
  const model = init
    ? readModel(experiment, init, { device, name, options, onNote })
    : experiment.build(experiment.config(options)).initialize({ device, seed: options.seed });
  return { model, task: experiment.task(model, options), trainData, validationData, testData };
}

const isObject = (value: unknown) => typeof value === "object" && value !== null;

/** @throws ConfigError for what is no experiment, device, or values of options */
function expectRun(of: string, experiment: Experiment, given: Pick<RunOptions, "device" | "options">): void {
  expectParts(of, { experiment }, "experiment.build");
  expectParts(of, given, "device.allocate");
  const { options } = given;
  expectOption("options", options, "what resolveOptions(experiment.options) returns", isObject(options));
}

/** Converts a file that PyTorch saved to safetensors. The experiment decides what the shapes of the tensors do not tell. */
function toSafetensors(
  { bytes, file, torch }: InitialWeights,
  usual: ErwinConfigInput,
  onNote?: (note: string) => void,
): FileBytes {
  const given = toBytes(bytes);
  if (!isTorchFile(given)) return bytes;
  const checkpoint = torch ?? new TorchCheckpoint(given, { file });
  try {
    return checkpoint.convert().bytes;
  } catch (error) {
    const missing = error instanceof CheckpointError ? (error.details.missing as string[] | undefined) : undefined;
    if (!missing) throw error;
    const config = Object.entries(snakeCaseConfig(resolveConfig(usual))).filter(([name]) => missing.includes(name));
    try {
      const converted = checkpoint.convert(Object.fromEntries(config)).bytes;
      const values = config.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
      onNote?.(`${file} does not say ${missing.join(" and ")}: the experiment's own are taken, ${values}`);
      return converted;
    } catch (cause) {
      const [problem, reason] = [error, cause].map((one) => (one as Error).message);
      const advice = "write them into a file and make a checkpoint with a config by erwin convert --config FILE";
      throw new CheckpointError(
        `${problem}; those of the experiment do not fit it (${reason}): ${advice}`,
        { file, missing },
        { cause },
      );
    }
  }
}

/**
 * Returns a model with a file's weights, of the shape that the file's config gives.
 * @param weights a safetensors file, or one of PyTorch's
 * @param given `options` decide the shape if the file has no config; of a file of PyTorch what its tensors do not tell, and `onNote` hears
 *   of it
 * @throws FormatError if the file is damaged; CheckpointError if it belongs to another experiment, or with a list of all tensors
 *   that are missing, unexpected or misshapen
 */
export function readModel(
  experiment: Experiment,
  weights: InitialWeights,
  given: Pick<RunOptions, "device" | "options" | "onNote"> & { name: string },
): Module {
  expectRun("readModel", experiment, given);
  expectKind("weights", weights, "the bytes of a file and its name, { bytes, file }", isObject(weights));
  const { device, name, options, onNote } = given;
  const bytes = toSafetensors(weights, experiment.config(options), onNote);
  return restoreModel(experiment, { ...weights, bytes }, { device, name, options, onNote });
}

/**
 * Returns the options of the training loop for an experiment's options.
 * @throws ConfigError for what is no object
 */
export function fitOptions(options: ExperimentOptions) {
  expectParts("fitOptions", options);
  const { steps, batchSize, accumulate, lr, minLr, warmup, weightDecay, maxGradNorm, ema, lossScale } = options;
  const { seed, shuffle, validateEvery, patience, saveEvery, logEvery } = options;
  return {
    steps,
    batchSize,
    accumulate,
    schedule: { kind: "cosine", lr, minLr, steps, warmup: Math.min(warmup, steps - 1) },
    optimizer: { weightDecay, averageDecay: ema, lossScale },
    maxNorm: maxGradNorm,
    seed,
    shuffle,
    validateEvery,
    patience,
    saveEvery,
    logEvery,
  } satisfies Partial<FitOptions<unknown, unknown>>;
}
