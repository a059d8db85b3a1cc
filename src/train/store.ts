// Where training keeps its checkpoints.

/** Files by name. `save` must replace a file whole or not at all. */
export interface CheckpointStore {
  save(name: string, bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /** Undefined where there is none. */
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
