// A store of files in memory that several "processes" of one test share; its writes can be made to fail.

import { type ByteRange, MemorySource } from "../../src/experiments/data-source.ts";
import type { FileStore } from "../../src/jobs/job.ts";

export class MemoryFiles implements FileStore {
  readonly name = "";
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Called before each write. */
  onWrite: (path: string) => void = () => {};

  list(folder: string) {
    return new MemorySource(this.files).list(folder);
  }

  read(path: string, range?: ByteRange) {
    return new MemorySource(this.files).read(path, range);
  }

  size(path: string) {
    return new MemorySource(this.files).size(path);
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
