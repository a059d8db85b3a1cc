// Which files are models, and the model that the training page keeps in this browser.

import { readHeaderOf } from "../../formats/safetensors/metadata.ts";
import { blobFile } from "../../formats/sources/partial-file.ts";
import { BEST_CHECKPOINT } from "../../train/checkpoints/store.ts";
import type { DataFile } from "../shared/data-file.ts";
import { RunStore } from "../train/run-store.ts";
import { readRun } from "../train/saved-run.ts";
import type { ModelFile } from "./protocol.ts";

/** Whether a file is a model, or a saved run, and not one of points. @throws FormatError for a damaged file */
export async function isModel({ path, file }: DataFile): Promise<boolean> {
  if (!/\.safetensors$/i.test(path)) return /\.zip$/i.test(path);
  const { metadata } = await readHeaderOf(blobFile(file, path));
  return metadata.config !== undefined;
}

/** Returns the best weights of the run that the training page keeps; undefined without a run on files of one's own that has some. */
export async function keptModel(): Promise<Omit<ModelFile, "backend"> | undefined> {
  try {
    const files = await (await RunStore.open()).loadAll();
    const bytes = files[BEST_CHECKPOINT];
    const isOfFolder = readRun(files)?.config.folder !== undefined;
    return bytes && isOfFolder ? { name: BEST_CHECKPOINT, file: new Blob([bytes]) } : undefined;
  } catch {
    // What is damaged, or where the browser allows no storage, the training page says.
    return undefined;
  }
}
