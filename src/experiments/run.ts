// The parts of a run put together, the same for the command line, workers and pages: a model with its first weights, the
// samples, and what the fit loop has to know.

import type { Device } from "../backends/device.ts";
import { CheckpointError, ConfigError } from "../errors.ts";
import { type ErwinConfigInput, resolveConfig, snakeCaseConfig } from "../erwin/config.ts";
import { type FileBytes, toBytes } from "../formats/bytes.ts";
import { isTorchFile, loadSafetensors } from "../formats/safetensors.ts";
import type { Module } from "../nn/module.ts";
import type { FitOptions } from "../train/fit.ts";
import type { Task } from "../train/task.ts";
import { fromTorch } from "../train/torch.ts";
import { replacingBad, withoutBad } from "./bad-samples.ts";
import type { DataSource } from "./data-source.ts";
import type { Experiment, ExperimentOptions, OnBad, Split, SplitName } from "./experiment.ts";

/** A file of weights to begin with. */
export interface InitialWeights {
  bytes: FileBytes;
  /** Its name in error messages. */
  file: string;
}

/** All that a run needs besides its options. */
export interface ExperimentRun {
  model: Module;
  task: Task<unknown, unknown>;
  trainData: Split<unknown>;
  validationData: Split<unknown> | undefined;
  testData: Split<unknown> | undefined;
}

/** What to train an experiment on, and how. */
export interface RunOptions {
  device: Device;
  options: ExperimentOptions;
  /** Of experiments that read files. */
  source?: DataSource;
  /** The whole wrapper's weights; where the file carries a config in its metadata, that decides the model's shape. */
  init?: InitialWeights;
  /** Hears of damaged samples, which are left out: at once of what is measured on, in training when they are met. */
  onBad?: OnBad;
}

/**
 * Makes the model and finds the samples. The model must be disposed.
 * @param name the experiment's, which a file of weights must be of
 * @throws FormatError naming a file that is missing or damaged; CheckpointError where the weights do not fit; ConfigError
 */
export async function openRun(
  name: string,
  experiment: Experiment,
  { device, options, source, init, onBad }: RunOptions,
): Promise<ExperimentRun> {
  const load = (split: SplitName) => experiment.load(split, options, source, onBad);
  const all = await load("train");
  const trainData = all && onBad ? replacingBad(all, "train", onBad) : all;
  if (!trainData) throw new ConfigError(`${name} has no samples to train on`, { field: "train" });
  const heldOut = async (split: SplitName) => {
    const data = await load(split);
    return data && onBad ? withoutBad(data, split, onBad) : data;
  };
  const [validationData, testData] = [await heldOut("val"), await heldOut("test")];
  const model = init
    ? readModel(experiment, init, { device, name, options })
    : experiment.build(experiment.config(options)).initialize({ device, seed: options.seed });
  return { model, task: experiment.task(model, options), trainData, validationData, testData };
}

/** A safetensors file of what PyTorch saved; what its shapes do not tell of the model is as the options say. */
function toSafetensors({ bytes, file }: InitialWeights, usual: ErwinConfigInput): FileBytes {
  const given = toBytes(bytes);
  if (!isTorchFile(given)) return bytes;
  try {
    return fromTorch(given, { file }).bytes;
  } catch (error) {
    const missing = error instanceof CheckpointError ? (error.details.missing as string[] | undefined) : undefined;
    if (!missing) throw error;
    const config = Object.entries(snakeCaseConfig(resolveConfig(usual))).filter(([name]) => missing.includes(name));
    try {
      return fromTorch(given, { file, config: Object.fromEntries(config) }).bytes;
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
 * A model with a file's weights, of the shape that the file's config says.
 * @param weights a safetensors file, or one of PyTorch's
 * @param options decide the shape where the file carries no config
 * @throws FormatError when the file is damaged; CheckpointError when it is another experiment's, or lists every tensor that is
 *   missing, unexpected or misshapen
 */
export function readModel(
  experiment: Experiment,
  { bytes, file }: InitialWeights,
  { device, name, options }: { device: Device; name: string; options: ExperimentOptions },
): Module {
  const { tensors, metadata } = loadSafetensors(toSafetensors({ bytes, file }, experiment.config(options)), { file });
  const found = metadata.experiment;
  if (found !== undefined && found !== name) {
    throw new CheckpointError(`${file} holds a model of the experiment ${found}, not of ${name}`, {
      file,
      expected: name,
      found,
    });
  }
  const model = experiment.build(
    metadata.config === undefined ? experiment.config(options) : parseConfig(metadata.config, file),
  );
  model.restore(tensors, file, device);
  return model;
}

function parseConfig(text: string, file: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new CheckpointError(
      `${file} carries a config that is no JSON: ${(cause as Error).message}`,
      { file },
      { cause },
    );
  }
}

/** How an experiment's options are said to the fit loop. */
export function fitOptions(options: ExperimentOptions) {
  const { steps, batchSize, lr, minLr, warmup, weightDecay, maxGradNorm, seed, shuffle } = options;
  const { validateEvery, saveEvery, logEvery } = options;
  return {
    steps,
    batchSize,
    schedule: { kind: "cosine", lr, minLr, steps, warmup: Math.min(warmup, steps - 1) },
    optimizer: { weightDecay },
    maxNorm: maxGradNorm,
    seed,
    shuffle,
    validateEvery,
    saveEvery,
    logEvery,
  } satisfies Partial<FitOptions<unknown, unknown>>;
}
