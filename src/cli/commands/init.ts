// erwin init: surveys a folder of the user's own files, and writes a config to train on them.

import { basename, join } from "node:path";
import { frameExtensions } from "../../experiments/folder/frames.ts";
import { shareOf } from "../../experiments/folder/missing.ts";
import { describeFiles, proposeConfig } from "../../experiments/folder/propose.ts";
import { survey } from "../../experiments/folder/survey.ts";
import { extensionOf } from "../../formats/extension.ts";
import { InputError } from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { checkOutput, isFile, isFolder, writeWhole } from "../files/files.ts";
import { openSource } from "../options/experiment-choice.ts";
import { advisingSkipBad, skipBadOption } from "../options/skip-bad.ts";
import { formatCount, quoteWord } from "../text.ts";

export const init: Command = {
  summary: "write a config to train on a folder of your own files, by looking at them",
  usage: "FOLDER|FILE [--out FILE] [--files PATTERN] [--location cells] [--overwrite] [--skip-bad]",
  options: {
    out: { value: "FILE", description: "where the config goes (default run.yaml)" },
    files: {
      value: "PATTERN",
      description: 'which files are samples, such as "**/internal.vtu" (default: all that can be read)',
    },
    location: {
      value: "points|cells",
      description: "whose values of meshes to train on (default: the cells', where the points have none)",
    },
    overwrite: { description: "write over a config that is there" },
    ...skipBadOption,
  },
  notes: [
    "It proposes inputs and targets by the arrays' names: look them over. Then",
    "erwin train --data-path FOLDER --config run.yaml --out run",
  ],
  positionals: 1,
  run,
};

async function run(args: Arguments): Promise<void> {
  const [folder] = args.positionals;
  if (folder === undefined) throw new UsageError("Which folder?");
  const file = isFile(folder) && frameExtensions.includes(extensionOf(folder)) ? basename(folder) : undefined;
  if (!isFolder(folder) && file === undefined) {
    throw new InputError(`"${folder}" is no folder, and no file that may hold several frames.`, { file: folder });
  }
  const out = args.text("out") ?? "run.yaml";
  if (isFile(out) && !args.has("overwrite")) {
    throw new InputError(`"${out}" already exists: choose another --out, or --overwrite.`, { file: out });
  }
  checkOutput(out);
  const skipBad = args.has("skip-bad");
  const onBad = (_file: string, problem: string) => console.log(`left out ${problem}`);
  const files = args.text("files") ?? file;
  const location = args.choice("location", ["points", "cells"] as const);
  const found = await advisingSkipBad({ skipBad, others: [] }, () =>
    survey(openSource(folder), { files, location, ...(skipBad && { onBad }) }),
  );
  const text = proposeConfig(found, folder);
  const { parse } = await import("yaml");
  writeWhole(out, text);
  const namesIn = (key: string) => Object.keys((parse(text) as Record<string, object | null>)[key] ?? {});
  const names = (key: string) => namesIn(key).join(", ") || "none";
  const targets = namesIn("targets");
  console.log(
    `${describeFiles(found, formatCount(found.files))}: inputs ${names("inputs")}; targets ${names("targets")}; globals ${names("globals")}`,
  );
  if (!found.namesPositions && !found.coordinates) {
    console.log(`no array is known to hold the points' coordinates: name it in ${out}, as coordinates`);
  }
  for (const { name, missing } of found.arrays) {
    if (missing !== undefined) console.log(noteOnMissing(name, missing, targets.includes(name)));
  }
  for (const extension of found.others ?? []) {
    console.log(
      `left out: .${extension} files, for samples of several formats may differ; "files" in ${out} is what takes them`,
    );
  }
  for (const [name, reason] of found.leftOut) console.log(`left out: ${name} (${reason})`);
  console.log(
    `${out}: look it over, then erwin train --data-path ${quoteWord(folder)} --config ${quoteWord(out)} --out ${join("runs", "first")}${skipBad ? " --skip-bad" : ""}`,
  );
}

function noteOnMissing(name: string, missing: number, mayMiss: boolean): string {
  const use = mayMiss
    ? "as a target with missing: nan it is learnt from the others"
    : "only targets may have such: leave it or such points out, or fill the gaps";
  return `${shareOf(missing)} of the values of "${name}" are missing (nan): ${use}`;
}
