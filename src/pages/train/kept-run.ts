// The files of the run: in the browser's database, or where that refuses them, in memory, which ends with the page.

import { FormatError } from "../../errors.ts";
import { sentence } from "../shared/format.ts";
import { reasonOf } from "../shared/reason.ts";
import { type RunFiles, RunStore } from "./run-store.ts";
import { readRun, type SavedRun } from "./saved-run.ts";
import { UNREADABLE } from "./texts.ts";

export class KeptRun {
  readonly #onRefusal: (reason: string) => void;
  #memory: RunFiles | undefined;
  /** Whether the files in memory were downloaded as they are. */
  #downloaded = false;

  /**
   * @param onRefusal is told why the files are in memory from now on
   * @param memory the files of a run that are in memory
   */
  constructor(onRefusal: (reason: string) => void, memory?: RunFiles) {
    this.#onRefusal = onRefusal;
    this.#memory = memory;
  }

  /** All files, if they are in memory; undefined if they are in the database. */
  get memory(): RunFiles | undefined {
    return this.#memory;
  }

  set memory(files: RunFiles | undefined) {
    this.#memory = files;
    this.#downloaded = false;
  }

  /** Whether there are files that are lost with the page. */
  get endsWithPage(): boolean {
    return this.#memory !== undefined && !this.#downloaded;
  }

  /** Must be called when all files have been downloaded. */
  wasDownloaded(): void {
    this.#downloaded = true;
  }

  async load(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#memory ? this.#memory[name] : (await RunStore.open()).load(name);
  }

  /** All files, by name. @throws Error where the browser allows no storage, and there is no run in memory */
  async loadAll(): Promise<RunFiles> {
    return this.#memory ?? (await RunStore.open()).loadAll();
  }

  /**
   * The run, and its files; undefined if there is none.
   * @throws FormatError with advice if it is damaged; Error where the browser allows no storage
   */
  async read(): Promise<{ run: SavedRun; files: RunFiles } | undefined> {
    try {
      const files = await this.loadAll();
      const run = readRun(files);
      return run && { run, files };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`${sentence(error.message)} ${UNREADABLE}`, error.details);
    }
  }

  /** Keeps all of these files, besides those that there are. */
  async save(files: RunFiles): Promise<void> {
    if (!this.#memory) {
      try {
        return await (await RunStore.open()).saveAll(files);
      } catch (error) {
        this.#memory = await this.loadAll().catch(() => ({}));
        this.#onRefusal(reasonOf(error));
      }
    }
    this.memory = { ...this.#memory, ...files };
  }

  /** Keeps these files in place of all that there are; tries the database again. */
  async replace(files: RunFiles): Promise<void> {
    this.memory = undefined;
    try {
      await (await RunStore.open()).replaceAll(files);
    } catch (error) {
      this.memory = files;
      this.#onRefusal(reasonOf(error));
    }
  }
}
