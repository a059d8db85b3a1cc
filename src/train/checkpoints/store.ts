// Stores for training's checkpoints.

/** The name of a run's newest checkpoint in its store. */
export const LAST_CHECKPOINT = "last.safetensors";
/** The name of a run's weights with the lowest validation loss in its store. */
export const BEST_CHECKPOINT = "model.safetensors";

/** Files by name. `save` must replace a file completely or not at all. */
export interface CheckpointStore {
  save(name: string, bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /** Returns undefined if there is no such file. */
  load(name: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** Keeps files in memory. */
export class MemoryStore implements CheckpointStore {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();

  save(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.files.set(name, bytes);
  }

  load(name: string): Uint8Array<ArrayBuffer> | undefined {
    return this.files.get(name);
  }
}
