// The worker's model and files, and what is computed of them.

import type { Device } from "erwin";
import type { FoundSample, SamplePrediction, Surrogate } from "erwin/experiments";
import { Zip, ZipPassThrough } from "fflate";
import { openZip } from "../../formats/compression/zip.ts";
import { blobFile, readWhole } from "../../formats/sources/partial-file.ts";
import { BEST_CHECKPOINT } from "../../train/checkpoints/store.ts";
import type { DataFile } from "../shared/data-file.ts";
import { describeDevice } from "../shared/describe-device.ts";
import { makePreview } from "../shared/prediction/preview.ts";
import type { Found, ModelFile, OnFrame, OpenedModel, Shown } from "./protocol.ts";

/** The largest number of frames that are drawn; of longer sequences every second one, or fewer. */
const MAX_FRAMES = 120;

export class Predictor {
  readonly #engine: Promise<typeof import("erwin")>;
  #device: Device | undefined;
  #surrogate: Surrogate | undefined;
  #found: readonly FoundSample[] = [];
  /** What is being computed, which the next request ends. */
  #work = new AbortController();

  constructor(engine: Promise<typeof import("erwin")>) {
    this.#engine = engine;
  }

  /** @throws FormatError for a damaged file, or a saved run that has no model yet; CheckpointError for a model of another kind */
  async open({ name, file, backend }: ModelFile): Promise<OpenedModel> {
    const signal = this.#begin();
    const { FormatError, requestDevice } = await this.#engine;
    const { Surrogate } = await import("erwin/experiments");
    let model = file;
    if (/\.zip$/i.test(name)) {
      const entries = openZip(await readWhole(blobFile(file, name)), name);
      const found = entries.find((entry) => entry.name === BEST_CHECKPOINT);
      if (!found) {
        throw new FormatError(`${name}: holds no ${BEST_CHECKPOINT}, which a run has from its first validation on.`, {
          file: name,
          expected: BEST_CHECKPOINT,
        });
      }
      model = new Blob([found.read().slice()]);
    }
    // What was opened before stays until all of this is there.
    const before = { device: this.#device, surrogate: this.#surrogate };
    const device = before.device?.backend === backend ? before.device : await requestDevice({ backend });
    try {
      this.#surrogate = await Surrogate.load(new File([model], name), { device, signal });
      this.#device = device;
      this.#found = [];
    } finally {
      if (this.#surrogate !== before.surrogate) before.surrogate?.dispose();
      const unused = this.#device === device ? before.device : device;
      if (unused !== this.#device) unused?.dispose();
    }
    const { inputs, targets, needsMesh, isSequence } = this.#surrogate;
    return { device: describeDevice(device), inputs, targets, needsMesh, isSequence };
  }

  /** Finds the samples in files. @throws FormatError if there are none */
  async find(files: readonly DataFile[], name: string): Promise<Found[]> {
    this.#begin();
    const { FileSource } = await import("erwin/experiments");
    const source = new FileSource(new Map(files.map(({ path, file }) => [path, file])), name);
    this.#found = await this.#surrogate!.find(source);
    return this.#found.map(({ name, frames }) => ({ name, frames }));
  }

  /**
   * @param index the place of the sample among those that were found
   * @param steps of a sequence; undefined for as many as it has frames for
   */
  async predict(index: number, steps: number | undefined, onFrame: OnFrame): Promise<Shown> {
    const sample = this.#found[index]!;
    const frames = this.#countOf(sample, steps);
    const every = Math.ceil(frames / MAX_FRAMES);
    const shown: SamplePrediction[] = [];
    let note: string | undefined;
    let done = 0;
    for await (const frame of sample.predict({ steps, signal: this.#begin() })) {
      // Without the bytes of its file.
      const { positions, dimensionality, cells, corners, grid, fields, time } = frame;
      if (done % every === 0) shown.push({ positions, dimensionality, cells, corners, grid, fields, time });
      note ??= frame.note && `${frame.file}: ${frame.note}`;
      onFrame(++done, frames);
    }
    return { preview: await makePreview(shown, { sample: sample.name }), note };
  }

  /**
   * Returns copies of samples' files with the predictions: the file, or several as a zip.
   * @param indices the places of the samples among those that were found
   * @param steps as `predict` takes them
   */
  async copies(
    indices: readonly number[],
    steps: number | undefined,
    onFrame: OnFrame,
  ): Promise<{ name: string; file: Blob }> {
    const signal = this.#begin();
    const samples = indices.map((index) => this.#found[index]!);
    const all = samples.reduce((sum, sample) => sum + this.#countOf(sample, steps), 0);
    const archive = new Archive();
    let done = 0;
    for (const sample of samples) {
      // Past the last frame names go on, and may be those of another sample.
      const folder = steps !== undefined && samples.length > 1 ? `${sample.name}/` : "";
      for await (const frame of sample.predict({ steps, signal })) {
        const bytes = await frame.copy();
        const name = frame.copyName.split("/").at(-1)!;
        if (all === 1) return { name, file: new Blob([bytes]) };
        archive.add(folder ? folder + name : frame.copyName, bytes);
        onFrame(++done, all);
      }
    }
    return { name: "predictions.zip", file: archive.end() };
  }

  /** Returns the number of a sample's predictions. */
  #countOf({ frames }: FoundSample, steps: number | undefined): number {
    return steps === undefined ? frames : steps + this.#surrogate!.history + 1;
  }

  /** Ends what is being computed; its request fails with an AbortError. */
  cancel(): void {
    this.#work.abort();
  }

  #begin(): AbortSignal {
    this.#work.abort();
    this.#work = new AbortController();
    return this.#work.signal;
  }
}

/** A zip that is put together file by file, so that the browser can keep on disk what there is of it. */
class Archive {
  readonly #parts: Blob[] = [];
  readonly #zip = new Zip((error, chunk) => {
    if (error) throw error;
    this.#parts.push(new Blob([chunk as Uint8Array<ArrayBuffer>]));
  });

  add(name: string, bytes: Uint8Array): void {
    const entry = new ZipPassThrough(name);
    this.#zip.add(entry);
    entry.push(bytes, true);
  }

  end(): Blob {
    this.#zip.end();
    return new Blob(this.#parts, { type: "application/zip" });
  }
}
