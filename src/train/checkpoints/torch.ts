// Converts PyTorch's checkpoints to the engine's and back: state_dicts, and the reference's training checkpoints with their AdamW.

import { sizeOf } from "../../arguments/numbers.ts";
import { CheckpointError } from "../../errors.ts";
import { configFields, type ErwinConfig, referenceName, resolveConfig } from "../../erwin/config.ts";
import { findErwins, inferConfig } from "../../erwin/inferred-config.ts";
import { ErwinTransformer } from "../../erwin/model.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import { loadSafetensors, saveSafetensors } from "../../formats/safetensors/safetensors.ts";
import type { Pickled } from "../../formats/torch/pickle.ts";
import { loadTorch, saveTorch, TorchTensor, torchTensors } from "../../formats/torch/torch.ts";
import { isOfTraining } from "../../nn/checkpoint.ts";
import type { OptimizerState } from "../optimizer/adamw.ts";
import type { Schedule } from "../optimizer/schedules.ts";
import type { AdamWOptions } from "../optimizer/settings.ts";
import { encodeTraining, type TrainingProgress } from "./checkpoint.ts";

export interface TorchConversion {
  /** A safetensors file: a training checkpoint if the optimiser's state is present and fits, otherwise a model's checkpoint. */
  bytes: Uint8Array<ArrayBuffer>;
  tensors: number;
  /** The config of the Erwin in it; undefined if there is none. */
  config?: ErwinConfig;
  /** The number of steps done, if training can be resumed. */
  step?: number;
  /** Why training cannot be resumed although there is an optimiser's state. */
  problem?: string;
}

type Dictionary = ReadonlyMap<Pickled, Pickled>;

/** The keys of the state_dict in the checkpoints of the reference, of Lightning and of others. */
const stateKeys = ["model_state_dict", "state_dict", "model"];

/** A file of `torch.save` that is read once, whatever is asked of it. */
export class TorchCheckpoint {
  readonly #checkpoint: Dictionary;
  readonly #file: string;

  /** @throws FormatError if `loadTorch` refuses the file */
  constructor(bytes: Uint8Array, { file = "checkpoint" } = {}) {
    const value = loadTorch(bytes, { file });
    this.#checkpoint = value instanceof Map ? value : new Map();
    this.#file = file;
  }

  /** What a training checkpoint says of its run, by the reference's names; empty where it says nothing. */
  get described(): Record<string, unknown> {
    return plainObject(this.#checkpoint.get("config") ?? this.#checkpoint.get("hyper_parameters")); // The latter is Lightning's.
  }

  /** Converts it as `fromTorch` does. @param given fields of the config */
  convert(given: Readonly<Record<string, unknown>> = {}): TorchConversion {
    return convert(this.#checkpoint, { given, described: this.described, file: this.#file });
  }
}

/**
 * Converts a file of `torch.save`. The prefixes that wrappers add to names (`_orig_mod.`, `module.`, and a prefix that all names
 * share) are removed, so that the names are the engine's. Config fields that are not given are taken from the checkpoint or,
 * failing that, inferred from the tensors' shapes.
 * @param options.file the file's name in error messages
 * @throws FormatError if `loadTorch` refuses the file; CheckpointError if there are no tensors, if config fields are missing
 *   that cannot be inferred (`details.missing`), or if the tensors do not fit the config; ConfigError
 */
export function fromTorch(
  bytes: Uint8Array,
  { file = "checkpoint", config = {} as Readonly<Record<string, unknown>> } = {},
): TorchConversion {
  return new TorchCheckpoint(bytes, { file }).convert(config);
}

/** What a checkpoint's config may come from, and the file's name in error messages. */
type ConfigSources = Record<"given" | "described", Readonly<Record<string, unknown>>> & { file: string };

function convert(checkpoint: Dictionary, sources: ConfigSources): TorchConversion {
  const { described, file } = sources;
  const found = torchTensors(stateOf(checkpoint));
  if (found.size === 0) {
    const keys = [...checkpoint.keys()].join(", ");
    throw new CheckpointError(
      `${file} holds no state_dict: expected tensors by name, at the top or under ${stateKeys.join(", ")}${keys && `; found ${keys}`}`,
      { file, expected: stateKeys },
    );
  }
  const erwins = findErwins(found.keys());
  const tensors = withPlainNames(found, erwins.length > 0, file);
  const config = configOf(tensors, sources);
  const metadata: Record<string, string> = {
    ...(config && new ErwinTransformer(config).metadata()),
    ...(typeof described.experiment === "string" && { experiment: described.experiment }),
  };
  const result = { tensors: tensors.size, ...(config && { config }) };
  const training = trainingOf(checkpoint, tensors, described);
  if (typeof training === "object") {
    return { ...result, bytes: encodeTraining({ tensors, metadata, ...training }), step: training.progress.step };
  }
  return { ...result, bytes: saveSafetensors(tensors, metadata), ...(training && { problem: training }) };
}

/**
 * Converts a safetensors file to a state_dict that `torch.load(file, weights_only=True)` opens: the model's tensors, without
 * metadata and without the state of training.
 * @throws FormatError if the file is damaged; InputError for an element type that PyTorch does not have
 */
export function toTorch(bytes: Uint8Array, { file = "checkpoint" } = {}): { bytes: Uint8Array; tensors: number } {
  const { tensors } = loadSafetensors(bytes, { file });
  const ofModel = new Map([...tensors].filter(([name]) => !isOfTraining(name)));
  return { bytes: saveTorch(ofModel), tensors: ofModel.size };
}

function stateOf(checkpoint: Dictionary): Pickled {
  const key = stateKeys.find((candidate) => torchTensors(checkpoint.get(candidate) ?? null).size > 0);
  return key === undefined ? (checkpoint as Map<Pickled, Pickled>) : (checkpoint.get(key) as Pickled);
}

function withPlainNames(
  found: ReadonlyMap<string, SafeTensor>,
  holdsErwin: boolean,
  file: string,
): Map<string, SafeTensor> {
  let names = [...found.keys()].map((name) => name.split(".").filter((part) => part !== "_orig_mod"));
  while (true) {
    const [first] = names[0];
    const shared = names.every((parts) => parts.length > 1 && parts[0] === first);
    if (!shared || !(holdsErwin || first === "module")) break;
    names = names.map((parts) => parts.slice(1));
  }
  const tensors = new Map([...found.values()].map((tensor, i) => [names[i].join("."), tensor]));
  if (tensors.size === found.size) return tensors;
  throw new CheckpointError(`${file} holds two tensors of one name once the prefix "_orig_mod." is taken off`, {
    file,
  });
}

/** Returns the config of the Erwin among the tensors, after checking that they fit it; undefined if there is no Erwin. */
function configOf(
  tensors: ReadonlyMap<string, SafeTensor>,
  { given, described, file }: ConfigSources,
): ErwinConfig | undefined {
  const erwins = findErwins(tensors.keys());
  if (erwins.length !== 1) {
    if (erwins.length === 0 && Object.keys(given).length === 0) return undefined;
    const problem = erwins.length === 0 ? "no Erwin that the config could be of" : `${erwins.length} Erwins`;
    const names = erwins.map((prefix) => `"${prefix}"`);
    throw new CheckpointError(`${file} holds ${problem}${names.length > 0 ? `: ${names.join(", ")}` : ""}`, { file });
  }
  const [prefix] = erwins;
  const own = new Map([...tensors].filter(([name]) => name.startsWith(prefix)));
  const ofErwin = new Map([...own].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  const inferred = inferConfig(new Map([...ofErwin].map(([name, { shape }]) => [name, shape])), file);
  const known = { ...inferred.config, ...configFields(described), ...configFields(given) };
  const missing = inferred.unknown.filter((field) => known[field] === undefined).map(referenceName);
  if (missing.length > 0) {
    throw new CheckpointError(`${file} has no config, and its tensors' shapes do not tell ${missing.join(" and ")}`, {
      file,
      missing,
    });
  }
  // resolveConfig refuses fields that no config has, and names them.
  const strange = Object.entries(given).filter(([field]) => Object.keys(configFields({ [field]: 0 })).length === 0);
  const values: Readonly<Record<string, unknown>> = { ...known, ...Object.fromEntries(strange) };
  const config = resolveConfig(values);
  new ErwinTransformer(config).check(ofErwin, file);
  return config;
}

interface Training {
  state: OptimizerState;
  optimizer: Pick<AdamWOptions, "betas" | "eps" | "weightDecay">;
  progress: TrainingProgress;
}

/** Returns the training that the checkpoint can resume, or a text that says why it cannot; undefined without an optimiser's state. */
function trainingOf(
  checkpoint: Dictionary,
  tensors: ReadonlyMap<string, SafeTensor>,
  described: Readonly<Record<string, unknown>>,
): Training | string | undefined {
  const optimizer = checkpoint.get("optimizer_state_dict");
  if (!(optimizer instanceof Map)) return undefined;
  const [groups, states] = [optimizer.get("param_groups"), optimizer.get("state")];
  const group = Array.isArray(groups) && groups.length === 1 ? groups[0] : undefined;
  if (!(group instanceof Map) || !(states instanceof Map)) return "it has not just one group of parameters";
  const settings = plainObject(group);
  const wrong = wrongSetting(settings);
  if (wrong) return wrong;
  const parameters = [...tensors].filter(([name]) => !isBuffer(name));
  const keys = group.get("params");
  if (!Array.isArray(keys) || keys.length !== parameters.length) {
    return `it is of ${Array.isArray(keys) ? keys.length : "unknown"} parameters, the model has ${parameters.length}`;
  }
  const state: OptimizerState = new Map();
  let maxSteps = 0;
  for (const [i, [name, { shape }]] of parameters.entries()) {
    const moments = momentsOf(states.get(keys[i]), shape);
    if (!moments) return `its state of ${name} is not AdamW's`;
    state.set(`first.${name}`, moments.first);
    state.set(`second.${name}`, moments.second);
    state.set(`steps.${name}`, { dtype: "U32", shape: [], data: Uint32Array.of(moments.steps) });
    maxSteps = Math.max(maxSteps, moments.steps);
  }
  // The reference counts its steps from 0.
  const lastStep = checkpoint.get("global_step");
  const step = typeof lastStep === "number" ? lastStep + 1 : maxSteps;
  const { betas, eps, weight_decay: weightDecay } = settings as Record<string, never>;
  return {
    state,
    optimizer: { betas, eps, weightDecay },
    progress: {
      step,
      batches: step,
      seed: Number.isSafeInteger(described.seed) ? (described.seed as number) : 0,
      schedule: scheduleOf(plainObject(checkpoint.get("scheduler_state_dict")), Number(settings.lr)),
      config: described,
    },
  };
}

/** Returns the moments and step count of a parameter; all zero if it never had a gradient. */
function momentsOf(state: Pickled | undefined, shape: readonly number[]) {
  if (state === undefined) {
    const zeros = (): SafeTensor => ({ dtype: "F32", shape: [...shape], data: new Float32Array(sizeOf(shape)) });
    return { first: zeros(), second: zeros(), steps: 0 };
  }
  if (!(state instanceof Map)) return undefined;
  const [first, second, count] = ["exp_avg", "exp_avg_sq", "step"].map((key) => state.get(key));
  const isMoment = (value: unknown): value is TorchTensor =>
    value instanceof TorchTensor && String(value.shape) === String(shape);
  const steps = Number(count instanceof TorchTensor && count.data.length === 1 ? count.data[0] : count);
  return isMoment(first) && isMoment(second) && Number.isSafeInteger(steps) && steps >= 0
    ? { first, second, steps }
    : undefined;
}

/** Returns why the engine's AdamW cannot continue an optimiser with these settings; undefined if it can. */
function wrongSetting(settings: Readonly<Record<string, unknown>>): string | undefined {
  const { betas, eps, lr, weight_decay: decay } = settings;
  const numbers = [eps, lr, decay, ...(Array.isArray(betas) && betas.length === 2 ? betas : [undefined])];
  if (!numbers.every(Number.isFinite)) return "its settings are not AdamW's";
  if (settings.amsgrad || settings.maximize) return "it uses amsgrad or maximize";
  if (settings.decoupled_weight_decay === false && decay !== 0) return "it is Adam with weight decay, not AdamW";
  return undefined;
}

/** Returns the reference's cosine annealing. The state of other schedulers does not say what they are: for them it is constant. */
function scheduleOf(scheduler: Readonly<Record<string, unknown>>, lr: number): Schedule {
  const { T_max: steps, eta_min: minLr, base_lrs: base } = scheduler;
  const isCosine = [steps, minLr, Array.isArray(base) && base[0]].every((value) => typeof value === "number");
  if (!isCosine) return { kind: "constant", lr };
  return { kind: "cosine", lr: (base as number[])[0], minLr: minLr as number, steps: steps as number };
}

/** Whether it is a statistic of BatchNorm; a state_dict lists these among the parameters. */
const isBuffer = (name: string) => /(^|\.)(running_mean|running_var|num_batches_tracked)$/.test(name);

/** Converts a dictionary to an object for JSON; values that JSON does not have are left out. */
function plainObject(value: Pickled | undefined): Record<string, unknown> {
  return value instanceof Map ? (plainValue(value) as Record<string, unknown>) : {};
}

function plainValue(value: Pickled | undefined): unknown {
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [String(key), plainValue(item)] as const);
    return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
  }
  if (Array.isArray(value)) return value.map(plainValue);
  return value === null || ["number", "string", "boolean"].includes(typeof value) ? value : undefined;
}
