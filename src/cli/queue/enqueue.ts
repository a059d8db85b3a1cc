// erwin predict --queue: adds the files that are left to a queue.

import { resolve } from "node:path";
import { partOf, type SideTable } from "../../experiments/folder/side-table.ts";
import { dottedExtensionOf } from "../../formats/extension.ts";
import type { FileStore } from "../../jobs/job.ts";
import { type Recipe, recordOf, sha256 } from "../../jobs/job.ts";
import { inParallel } from "../../jobs/parallel.ts";
import { readRecord } from "../../jobs/record.ts";
import { isRemote } from "../files/addresses.ts";
import { openOutputs, readFile } from "../files/remote-files.ts";
import type { GraphChoice } from "../options/shared.ts";
import type { PredictionPaths } from "../predict/inputs.ts";
import { type Shard, takeShard } from "../predict/shard.ts";
import { formatCount } from "../text.ts";
import { enqueue, nameOf, withQueue } from "./queue.ts";

/** The number of outputs that are looked at at a time. */
const CHECKS = 8;

export interface EnqueueOptions {
  files: readonly PredictionPaths[];
  outputFolder: string;
  recipe: Recipe;
  shard: Shard;
  overwrite: boolean;
  modelPath: string;
  features?: string[];
  graph?: GraphChoice;
  /** The table beside the inputs, which the workers need not reach. */
  table?: SideTable | undefined;
}

/** The same files with the same recipe are the same jobs, which are not queued twice. */
export async function enqueueFiles(address: string, options: EnqueueOptions): Promise<void> {
  const { recipe, shard, overwrite, modelPath, features, graph, table } = options;
  const own = takeShard(options.files, shard);
  const outputs = await openOutputs(options.outputFolder);
  const left = overwrite ? own : await leftOf(own, outputs, recipe);
  const model = absolute(modelPath);
  const jobs = await Promise.all(
    left.map(async (file) => {
      const [input, output] = [absolute(file.input), absolute(file.output)];
      const format = dottedExtensionOf(output);
      const given = { ...(overwrite && { overwrite }), ...(table && { table: partOf(table, file.input) }) };
      const data = { model, input, output, format, features, graph, recipe, ...given };
      return { id: await sha256(new TextEncoder().encode(JSON.stringify(data))), data };
    }),
  );
  await withQueue(address, (queue) => enqueue(queue, jobs));
  console.log(
    `${nameOf(address)}: ${formatCount(jobs.length)} queued, ${formatCount(own.length - jobs.length)} skipped`,
  );
}

const absolute = (path: string) => (isRemote(path) ? path : resolve(path));

/** Returns the files whose outputs do not exist. */
async function leftOf(
  files: readonly PredictionPaths[],
  outputs: FileStore,
  recipe: Recipe,
): Promise<PredictionPaths[]> {
  const left: PredictionPaths[] = [];
  const checked = inParallel(files, CHECKS, async (file) => ({ file, done: await isDone(outputs, file, recipe) }));
  for await (const { file, done } of checked) if (!done) left.push(file);
  return left;
}

async function isDone(outputs: FileStore, { input, name }: PredictionPaths, recipe: Recipe): Promise<boolean> {
  const record = await readRecord(outputs, name);
  if (record?.model !== recipe.model) return false;
  return record.identity === (await recordOf(recipe, await readFile(input))).identity;
}
