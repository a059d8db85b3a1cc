// erwin predict --queue: adds the files that are left to a queue.

import { basename, dirname, extname, resolve } from "node:path";
import { type Recipe, recordOf, sha256 } from "../../jobs/job.ts";
import { readRecord } from "../../jobs/record.ts";
import { readBytes } from "../files.ts";
import { FolderStore } from "../folder-store.ts";
import type { GraphChoice } from "../options.ts";
import type { PredictionPaths } from "../predict/inputs.ts";
import { type Shard, takeShard } from "../predict/shard.ts";
import { formatCount } from "../text.ts";
import { enqueue, nameOf, withQueue } from "./queue.ts";

export interface EnqueueOptions {
  files: readonly PredictionPaths[];
  recipe: Recipe;
  shard: Shard;
  overwrite: boolean;
  modelPath: string;
  features?: string[];
  graph?: GraphChoice;
}

/** The same files with the same recipe are the same jobs, which are not queued twice. */
export async function enqueueFiles(address: string, options: EnqueueOptions): Promise<void> {
  const { recipe, shard, overwrite, modelPath, features, graph } = options;
  const own = takeShard(options.files, shard);
  const left = overwrite ? own : await leftOf(own, recipe);
  const model = resolve(modelPath);
  const jobs = await Promise.all(
    left.map(async (file) => {
      const [input, output] = [resolve(file.input), resolve(file.output)];
      const data = { model, input, output, format: extname(output).toLowerCase(), features, graph, recipe };
      return { id: await sha256(new TextEncoder().encode(JSON.stringify(data))), data };
    }),
  );
  await withQueue(address, (queue) => enqueue(queue, jobs));
  console.log(
    `${nameOf(address)}: ${formatCount(jobs.length)} queued, ${formatCount(own.length - jobs.length)} skipped`,
  );
}

/** Returns the files whose outputs do not exist. */
async function leftOf(files: readonly PredictionPaths[], recipe: Recipe): Promise<PredictionPaths[]> {
  const left: PredictionPaths[] = [];
  const folders = new Set(files.map(({ output }) => dirname(output)));
  const stores = new Map([...folders].map((folder) => [folder, new FolderStore(folder)]));
  for (const file of files) {
    if (!(await isDone(stores.get(dirname(file.output))!, basename(file.output), recipe, file.input))) left.push(file);
  }
  return left;
}

async function isDone(store: FolderStore, output: string, recipe: Recipe, input: string): Promise<boolean> {
  const record = await readRecord(store, output);
  if (record?.model !== recipe.model) return false;
  return record.identity === (await recordOf(recipe, readBytes(input))).identity;
}
