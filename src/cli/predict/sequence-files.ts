// The files of a sequence's prediction: its frames, a collection of them for ParaView, and the record of what they were computed from.

import { dirname, join } from "node:path";
import type { FoundSample } from "../../experiments/folder/found-samples.ts";
import { copyExtension } from "../../experiments/folder/prediction-file.ts";
import { savePvd } from "../../formats/vtk/pvd.ts";
import { type Recipe, recordOf, sha256 } from "../../jobs/job.ts";
import { isFile, readBytes, removeFile, writeWhole } from "../files/files.ts";

/** A sequence in a folder, and where its prediction is written. */
export interface SequenceFilesOptions {
  sequence: FoundSample;
  /** The number of its files from a frame of the prediction to the next. */
  stride: number;
  folder: string;
  outputFolder: string;
  /** The number of frames of the prediction. */
  count: number;
  /** The extension of the frames, with its dot; by default that of their copies. */
  format: string | undefined;
}

/** The name under which a sequence's frames, or a single file's, are written. */
export function outputName({ name, files }: FoundSample): string {
  const isAlone = files.length === 1 && files[0] === name;
  return name.replace(isAlone ? /\.\w+$/ : /\.pvd$/i, "").replaceAll("/", "_");
}

export class SequenceFiles {
  readonly #options: SequenceFilesOptions;
  readonly #written: { file: string; time: number }[] = [];

  constructor(options: SequenceFilesOptions) {
    this.#options = options;
  }

  #pathOf(name: string): string {
    return join(this.#options.outputFolder, name);
  }

  get #name(): string {
    return outputName(this.#options.sequence);
  }

  get #recordPath(): string {
    return this.#pathOf(`${this.#name}.job.json`);
  }

  #frameName(index: number): string {
    const { sequence, stride, count, format } = this.#options;
    const extension = format ?? copyExtension(sequence.files[stride * Math.min(index, sequence.frames - 1)]);
    return `${this.#name}.${String(index).padStart(String(count - 1).length, "0")}${extension}`;
  }

  /** Returns the record of a prediction by the recipe: its identity tells whether another call has computed the same. */
  async record(recipe: Recipe): Promise<string> {
    const { sequence, folder } = this.#options;
    const paths = [sequence.name, ...sequence.files].map((path) => join(folder, path));
    // A frame may be a part of a file.
    const files = new Set(paths.flatMap((path) => [dirname(path), path].find(isFile) ?? []));
    const hashes: string[] = [];
    for (const file of files) hashes.push(await sha256(readBytes(file)));
    return `${JSON.stringify(await recordOf(recipe, new TextEncoder().encode(hashes.join())))}\n`;
  }

  /** Whether there is a whole prediction with this record. */
  has(record: string): boolean {
    const isComplete = isFile(this.#recordPath) && isFile(this.#pathOf(this.#frameName(this.#options.count - 1)));
    return isComplete && new TextDecoder().decode(readBytes(this.#recordPath)) === record;
  }

  /** Begins with the first frame: what is there is no longer a whole. */
  begin(): void {
    removeFile(this.#recordPath);
  }

  /** Writes the next frame. @returns the number of those that are written */
  add(bytes: Uint8Array, time: number): number {
    const file = this.#frameName(this.#written.length);
    writeWhole(this.#pathOf(file), bytes);
    return this.#written.push({ file, time });
  }

  /** Writes the collection of the frames so far, if ParaView reads them. */
  collect(): void {
    if (this.#written.length === 0 || !this.#written.every(({ file }) => /\.vt[upirs]$/i.test(file))) return;
    writeWhole(this.#pathOf(`${this.#name}.pvd`), savePvd(this.#written));
  }

  /** Says that all frames are there. */
  end(record: string): void {
    writeWhole(this.#recordPath, record);
  }
}
