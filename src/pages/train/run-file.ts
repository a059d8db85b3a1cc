// Saves a run as a file, and opens it: a zip of its folder, as `erwin train` would write it.

import { zipSync } from "fflate";
import { openZip } from "../../formats/compression/zip.ts";
import { loadSafetensors } from "../../formats/safetensors/safetensors.ts";
import { blobFile, readWhole } from "../../formats/sources/partial-file.ts";
import { LAST_CHECKPOINT } from "../../train/checkpoints/store.ts";
import { saveFile } from "../shared/save.ts";
import type { RunFiles } from "./run-store.ts";
import { checkConfig, readRun } from "./saved-run.ts";

export function downloadRun(files: RunFiles, name: string): void {
  // The archive is not compressed, because weights hardly get smaller.
  saveFile(new Blob([zipSync(files, { level: 0 })], { type: "application/zip" }), `${name}.zip`);
}

/** Reads the files of a saved run. @throws FormatError if it is no zip, is damaged, or is larger than the limits, also unpacked */
export async function readRunFile(file: File): Promise<RunFiles> {
  const name = `the saved run ${file.name}`;
  const entries = openZip(await readWhole(blobFile(file, name)), name);
  // Copies, because the database stores the whole memory of which an array is a part.
  return Object.fromEntries(entries.map((entry) => [entry.name, entry.read().slice()]));
}

/**
 * Checks that files are a run that this page can continue, before they replace another run.
 * @param name the file that they are from
 * @throws Error that says what is missing, damaged or unknown
 */
export async function checkRun(files: RunFiles, name: string): Promise<void> {
  try {
    const run = readRun(files);
    const checkpoint = files[LAST_CHECKPOINT];
    if (!run || !checkpoint) throw new Error("it holds no run, expected what “Save run” has written");
    await checkConfig(run.config);
    loadSafetensors(checkpoint, { file: LAST_CHECKPOINT });
  } catch (error) {
    throw new Error(`${name} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}
