// Files in a folder of the file system: checkpoints of a run, or outputs that several processes share.

import { join } from "node:path";
import { InputError } from "../../errors.ts";
import type { FileStore } from "../../jobs/job.ts";
import {
  createFile,
  makeFolder,
  readBytes,
  removeFile,
  removeTemporaries,
  writeWhole,
  writeWholeLater,
} from "./files.ts";
import { FolderSource } from "./folder-source.ts";

/** Each file is written beside its target and then renamed, so that every existing file is complete. */
export class FolderStore extends FolderSource implements FileStore {
  constructor(folder: string) {
    super(folder);
    makeFolder(folder);
  }

  save(path: string, bytes: Uint8Array<ArrayBuffer>): void | Promise<void> {
    writeWhole(join(this.name, path), bytes);
  }

  load(path: string): Uint8Array | undefined {
    // Not asked first whether it is there: another process that shares the folder may delete it just then, as leases are.
    try {
      return readBytes(join(this.name, path));
    } catch (error) {
      if (error instanceof InputError && ["ENOENT", "ENOTDIR"].includes(String(error.details.reason))) return undefined;
      throw error;
    }
  }

  create(path: string, bytes: Uint8Array<ArrayBuffer>): boolean {
    return createFile(join(this.name, path), bytes);
  }

  remove(path: string): void {
    removeFile(join(this.name, path));
  }

  sweep(path: string): void {
    removeTemporaries(join(this.name, path));
  }
}

/**
 * A store for many outputs: saving one does not hold up this thread, which takes part in it now and then. So this is not for leases,
 * whose renewal must not wait until a long computation lets it.
 */
class OutputStore extends FolderStore {
  override save(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return writeWholeLater(join(this.name, path), bytes);
  }
}

/** Returns a store of the same files, for outputs. Requests to servers do not hold up this thread anyway. */
export const forOutputs = (store: FileStore): FileStore =>
  store instanceof FolderStore ? new OutputStore(store.name) : store;
