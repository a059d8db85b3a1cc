// erwin predict: applies a checkpoint to the points of one file or of many.

import { FOLDER } from "../../experiments/folder/experiment.ts";
import { isStepCount, STEP_COUNTS } from "../../experiments/folder/future.ts";
import { loadSafetensors } from "../../index.ts";
import { recordOf } from "../../jobs/job.ts";
import { withRecord } from "../../jobs/record.ts";
import { readOutput } from "../../jobs/rows.ts";
import { noteOn, readCloud } from "../clouds.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { isRemote } from "../files/addresses.ts";
import { checkTarget, findModel, readFile, takeUser, writeFile } from "../files/remote-files.ts";
import { loadModel, modelInput } from "../model.ts";
import {
  BATCH_POINTS,
  fileOptions,
  LEASE_SECONDS,
  type ModelChoice,
  modelOptions,
  modelUsage,
  readLease,
  readModelChoice,
} from "../options/shared.ts";
import {
  checkPredictionFormat,
  encodePrediction,
  type PredictionFormat,
  predictionFormat,
  predictionFormats,
} from "../output.ts";
import { type FieldsOptions, isCopy, predictFieldsOf, predictManyFields } from "../predict/fields.ts";
import { isSingleFile } from "../predict/inputs.ts";
import { predictMany } from "../predict/many.ts";
import { firstNote } from "../predict/notes.ts";
import { recipeOf } from "../predict/recipe.ts";
import { isCollection, predictSequences } from "../predict/sequences.ts";
import { parseShard } from "../predict/shard.ts";
import { withProgress } from "../process/progress.ts";
import { formatCount, formatTime } from "../text.ts";

const formatNames = predictionFormats.map((extension) => extension.slice(1));

export const predict: Command = {
  summary: "apply a model to points: of one file, or of thousands",
  usage: `--model FILE_OR_RUN --input PATH ... --output PATH [--format NAME] [--shard I/N] [--batch-points N] [--overwrite] [--lease SECONDS | --queue URL] [--rollout N|all] [--table FILE] ${modelUsage}`,
  options: {
    input: { ...fileOptions.input, value: "PATH", repeats: true },
    output: {
      value: "PATH",
      description: `a file, written as its extension says: ${predictionFormats.join(" ")}; it appears whole or not at all`,
    },
    format: {
      value: "NAME",
      description: `of many files' predictions, or of a rollout's frames: ${formatNames.join(", ")} (default safetensors; of models of fields the input's own)`,
    },
    shard: { value: "I/N", description: "every N-th of many files, from the I-th on: one of N jobs, counted from 1" },
    "batch-points": {
      value: "N",
      description: `points up to which small files share a pass (default ${formatCount(BATCH_POINTS)}); not in training mode`,
    },
    overwrite: {
      description: "predict again what is there; without, outputs of the same model, input and options are skipped",
    },
    lease: {
      value: "SECONDS",
      description: `how long another call on the same output folder may show no sign of life before its files are taken over (default ${LEASE_SECONDS})`,
    },
    queue: {
      value: "URL",
      description:
        "put many files into a queue (redis://HOST:PORT, postgres://USER@HOST/DATABASE), for erwin work on any number of machines",
    },
    rollout: {
      value: "N|all",
      description:
        "predict sequences step by step from their first frames, N steps, also past the last frame: those of a folder, a .pvd file, a file of several frames, or of one; all: as many as there are frames for (of a .pvd file the default)",
    },
    table: {
      value: "FILE",
      description:
        "the table with values of each input, for a model whose config has one (default: that of the config, in the inputs' folder or the one around it)",
    },
    ...modelOptions,
  },
  notes: [
    "Many files: --input is a folder (with the folders in it), a .txt list of paths (one a line, relative to the list's folder),",
    "a pattern (runs/**/*.vtu) or several paths. --output is a folder then: a/b.ply below the input folder becomes a/b.safetensors below it.",
    "The prediction is the array `out` of .safetensors, .npz and .npy; .csv, .ply, .vtk, .vtu and .vtp hold the points too, and a",
    "column, a property or a component for each of its channels. From .vtu to .vtu, and from .vtp to .vtp, the output is the input's",
    "file with this array in it.",
    "The model, inputs, lists and --output may be on servers: s3://BUCKET/KEY (by the variables AWS_ACCESS_KEY_ID,",
    "AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL) or https://HOST/PATH; a folder's address ends with a slash.",
    "A file that fails does not stop the others, and an interrupted call is completed by the same call. Any number of calls, on any",
    "number of machines, share the work where their output folder is the same.",
  ],
  positionals: Number.POSITIVE_INFINITY,
  run,
};

async function run(args: Arguments): Promise<void> {
  const choice = { ...readModelChoice(args), modelPath: takeUser(args.required("model")) };
  if (args.texts("input").length === 0) throw new UsageError("--input is missing");
  // A shell expands data/*.ply to several arguments.
  const inputs = [...args.texts("input"), ...args.positionals].map(takeUser);
  if (args.has("rollout") || inputs.some(isCollection)) return predictRollout(args, inputs, choice);
  const many = isSingleFile(inputs) ? undefined : readMany(args, choice);
  const wrong = many ? undefined : forMany.find((name) => args.has(name));
  if (wrong) throw new UsageError(`--${wrong} is for many files: a folder, a .txt list, a pattern or several --input`);
  const output = takeUser(args.required("output"));
  // A model of a folder's fields copies its input, and so writes formats that other models do not.
  if (!many && !isCopy(inputs[0], output)) predictionFormat(output);

  const opened = await openModel(choice);
  const fields = readFields(opened);
  if (fields) return predictFields(args, inputs, { ...fields, table: args.text("table") }, many);
  if (args.has("table")) throw new UsageError("--table is for models that were trained on a folder's fields");
  return many
    ? predictMany({ ...opened, ...many, inputs })
    : predictOne(inputs[0], output, predictionFormat(output), opened);
}

/** A model's file, and what is to be done with it. */
type OpenModel = ModelChoice & { checkpoint: Uint8Array };

async function openModel(choice: ModelChoice): Promise<OpenModel> {
  const modelPath = await findModel(choice.modelPath);
  return { ...choice, modelPath, checkpoint: await readFile(modelPath) };
}

/** Reads the model's file; undefined if it holds no model of a folder's fields. */
function readFields({ modelPath: file, checkpoint: bytes, device }: OpenModel): FieldsOptions | undefined {
  const { metadata } = loadSafetensors(bytes, { file });
  return metadata.experiment === FOLDER ? { weights: { bytes, file }, metadata, device } : undefined;
}

async function predictRollout(args: Arguments, inputs: readonly string[], choice: ModelChoice): Promise<void> {
  const wrong = [...forSharing, ...forModels].find((name) => args.has(name));
  if (wrong) throw new UsageError(`--${wrong} is of no use to sequences, which are predicted step by step`);
  const steps =
    args.text("rollout") === "all" ? undefined : args.number("rollout", `${STEP_COUNTS}, or all`, isStepCount);
  const output = args.required("output");
  if (hasPredictionFormat(output)) throw new UsageError(`--output is "${output}", expected a folder for the frames`);
  if ([...inputs, output].some(isRemote))
    throw new UsageError("sequences are read from this machine and written to it");
  if (inputs.length > 1)
    throw new UsageError(
      "sequences are predicted from a single --input: a .pvd file, one of a frame or several, or a folder",
    );
  const fields = readFields(await openModel(choice));
  if (!fields) throw new UsageError(`${choice.modelPath} was not trained on sequences of a folder's fields`);
  return predictSequences({
    ...fields,
    table: args.text("table"),
    input: inputs[0],
    outputFolder: output,
    steps,
    format: formatIn(args),
    overwrite: args.has("overwrite"),
  });
}

const forSharing = ["shard", "batch-points", "lease", "queue"];
const forMany = [...forSharing, "format", "overwrite"];

const hasPredictionFormat = (path: string) =>
  predictionFormats.some((extension) => path.toLowerCase().endsWith(extension));

/** Returns the extension of the format that is asked for, with its dot. */
function formatIn(args: Arguments): PredictionFormat | undefined {
  const format = args.choice("format", formatNames);
  return format === undefined ? undefined : (`.${format}` as PredictionFormat);
}

/** Models of a folder's fields know which arrays of a file they take. */
async function predictFields(
  args: Arguments,
  inputs: readonly string[],
  options: FieldsOptions,
  many?: ReturnType<typeof readMany>,
): Promise<void> {
  const wrong = forModels.find((name) => args.has(name));
  if (wrong) throw new UsageError(`--${wrong} is of no use to a model that was trained on a folder's fields`);
  if (!many) return predictFieldsOf(inputs[0], takeUser(args.required("output")), options);
  const { outputFolder, shard, overwrite, lease, queue } = many;
  await predictManyFields({
    ...options,
    inputs,
    outputFolder,
    format: formatIn(args),
    shard,
    overwrite,
    lease,
    queue,
  });
}

/** The options of models that do not know their inputs. */
const forModels = ["features", "radius", "knn", "mode", "batch-points"];

/** The options of predicting many files. */
function readMany(args: Arguments, { mode }: ModelChoice) {
  const outputFolder = takeUser(args.required("output"));
  if (hasPredictionFormat(outputFolder)) {
    throw new UsageError(`--output is "${outputFolder}", expected a folder, since there are several inputs`);
  }
  const batchPoints = args.count("batch-points");
  if (mode === "train" && batchPoints !== undefined) {
    throw new UsageError("--batch-points excludes --mode train, in which files go one by one");
  }
  return {
    outputFolder,
    format: formatIn(args) ?? (".safetensors" as const),
    shard: parseShard(args.text("shard") ?? "1/1"),
    // In training mode a file's output would depend on the others of its batch.
    batchPoints: mode === "train" ? 1 : (batchPoints ?? BATCH_POINTS),
    overwrite: args.has("overwrite"),
    lease: readLease(args),
    queue: readQueue(args, mode),
  };
}

function readQueue(args: Arguments, mode: ModelChoice["mode"]): string | undefined {
  const queue = args.text("queue");
  // The workers of a queue predict files together in the order of arrival.
  if (queue !== undefined && mode === "train") throw new UsageError("--queue excludes --mode train");
  return queue;
}

async function predictOne(input: string, output: string, format: PredictionFormat, choice: OpenModel): Promise<void> {
  const { modelPath, checkpoint, mode, features, graph, device } = choice;
  await checkTarget(output, [input, modelPath]);
  const cloud = await readCloud(await readFile(input), input, features);
  firstNote()(input, noteOn(cloud));

  await withDevice(device, async (device) => {
    const model = await loadModel(checkpoint, modelPath, device);
    const { decode } = model.config;
    checkPredictionFormat(format, decode);
    if (mode === "train") model.train();
    const start = performance.now();
    const prepared = await model.prepare(await modelInput(model, cloud, graph, device.threads));
    const preparedAt = performance.now();
    const out = await withProgress("forward", () => model.forward(prepared));
    const rows = await readOutput(out);
    const end = performance.now();
    const record = await recordOf(await recipeOf(checkpoint, choice, format), cloud.bytes);
    await writeFile(output, withRecord(output, encodePrediction(format, rows, cloud, decode), record));
    console.log(
      `${output}: out [${out.shape.join(", ")}] by ${describeDevice(device)}; ` +
        `tree and graph ${formatTime(preparedAt - start)}, forward ${formatTime(end - preparedAt)}`,
    );
    out.dispose();
    model.dispose();
  });
}
