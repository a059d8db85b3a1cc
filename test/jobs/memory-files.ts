// A store of files in memory that several "processes" of one test share; its writes can be made to fail.

import { MemorySource } from "../../src/experiments/data-source.ts";
import type { FileStore } from "../../src/jobs/job.ts";

export class MemoryFiles extends MemorySource implements FileStore {
  declare readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  /** Called before each write. */
  onWrite: (path: string) => void = () => {};

  constructor() {
    super(new Map());
  }

  load(path: string) {
    return this.files.get(path);
  }

  save(path: string, bytes: Uint8Array<ArrayBuffer>) {
    this.onWrite(path);
    this.files.set(path, bytes);
  }

  create(path: string, bytes: Uint8Array<ArrayBuffer>) {
    this.onWrite(path);
    if (this.files.has(path)) return false;
    this.files.set(path, bytes);
    return true;
  }

  remove(path: string) {
    this.files.delete(path);
  }

  sweep() {}
}
