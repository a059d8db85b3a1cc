// erwin convert: PyTorch's checkpoints as safetensors files, and back.

import { extensionOf, torchExtensions } from "../../formats/extension.ts";
import { CheckpointError } from "../../index.ts";
import { fromTorch, toTorch } from "../../train/checkpoints/torch.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { checkOutput, readBytes, writeWhole } from "../files/files.ts";
import { modelFile } from "../files/run-folder.ts";
import { readConfigFile } from "../options/config-file.ts";
import { formatPlural } from "../text.ts";

const known = `${torchExtensions.map((extension) => `.${extension}`).join(", ")} and .safetensors`;

export const convert: Command = {
  summary: "make a safetensors file of a PyTorch checkpoint, and back",
  usage: "FILE_OR_RUN OUT [--config FILE]",
  options: {
    config: {
      value: "FILE",
      description:
        "fields of the model's config that the checkpoint lacks or that are to replace its own: JSON or YAML",
    },
  },
  notes: [
    `The extensions say what becomes of what: ${known}. Fields that neither the checkpoint nor --config gives are`,
    "inferred from the tensors' shapes, which tell all but ball_sizes and rotate. The state of AdamW goes into the safetensors",
    "file where it is there; a .pt made of a safetensors file is a state_dict alone.",
  ],
  positionals: 2,
  run,
};

async function run(args: Arguments): Promise<void> {
  const [given, output] = args.positionals;
  if (output === undefined) throw new UsageError(`Expected two files, of ${known}`);
  const input = modelFile(given);
  const configPath = args.text("config");
  const isTorch = (path: string) => torchExtensions.includes(extensionOf(path));
  const isSafetensors = (path: string) => extensionOf(path) === "safetensors";
  checkOutput(output, configPath === undefined ? [input] : [input, configPath]);
  if (isTorch(input) && isSafetensors(output)) return importTorch(input, output, configPath);
  if (!isSafetensors(input) || !isTorch(output)) {
    throw new UsageError(`Cannot convert "${input}" to "${output}": one must be a .safetensors file, one of PyTorch's`);
  }
  if (configPath !== undefined) throw new UsageError("--config has no place in a state_dict");
  const { bytes, tensors } = toTorch(readBytes(input), { file: input });
  writeWhole(output, bytes);
  console.log(`${output}: ${formatPlural(tensors, "tensor")}, a state_dict`);
}

async function importTorch(input: string, output: string, configPath: string | undefined): Promise<void> {
  const config = configPath === undefined ? {} : (await readConfigFile(configPath)).value;
  const {
    bytes,
    tensors,
    config: found,
    step,
    problem,
  } = convertNaming(() => fromTorch(readBytes(input), { file: input, config }));
  writeWhole(output, bytes);
  const parts = [
    formatPlural(tensors, "tensor"),
    found ? "with its config" : "no Erwin among them, so no config",
    ...(step === undefined ? [] : [`and the training after ${formatPlural(step, "step")}`]),
  ];
  console.log(`${output}: ${parts.join(", ")}`);
  if (problem !== undefined) console.error(`note: the optimiser's state is left out: ${problem}.`);
}

/** Adds to an error the option that supplies what the file lacks. */
function convertNaming<Result>(convert: () => Result): Result {
  try {
    return convert();
  } catch (error) {
    const missing = error instanceof CheckpointError ? (error.details.missing as string[] | undefined) : undefined;
    if (!missing?.includes("ball_sizes")) throw error;
    const example = missing.includes("rotate")
      ? '{"ball_sizes": [256, 256], "rotate": 45}'
      : '{"ball_sizes": [256, 256]}';
    const turn = missing.includes("rotate") ? " (rotate is 0 for a model without rotated balls)" : "";
    throw new CheckpointError(
      `${(error as Error).message}: give --config FILE with them, such as ${example}, a ball size for each level${turn}`,
      (error as CheckpointError).details,
    );
  }
}
