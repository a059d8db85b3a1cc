// Files in a folder that the browser gives access to: in the origin's private file system (OPFS), or chosen by the user.

import { FormatError, StorageError } from "../../errors.ts";
import { locate } from "../../experiments/data-source.ts";
import { DirectorySource } from "../../experiments/sources/directory.ts";
import type { FileStore } from "../job.ts";

/**
 * A store in a folder, such as `await navigator.storage.getDirectory()`, for a page and its workers. All pages and workers of the
 * origin can share it: a lock of the browser (Web Locks) lets only one of them create a file. Other programs and origins, which may
 * see the same folder if the user chose it, do not take part in that.
 */
export class DirectoryStore extends DirectorySource implements FileStore {
  async load(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.read(path);
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  /** Writes a file, and creates the folders of its path. The browser replaces an existing file only when all is written. */
  async save(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.write(path, bytes);
    } catch (cause) {
      if ((cause as Error).name !== "QuotaExceededError") throw cause;
      const file = locate(this, path);
      const problem = `Cannot write "${file}": the browser gives this site no more room.`;
      throw new StorageError(problem, { file, reason: "ENOSPC" }, { cause });
    }
  }

  create(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return navigator.locks.request(`erwin:${locate(this, path)}`, async () => {
      if (await this.load(path)) return false;
      await this.save(path, bytes);
      return true;
    });
  }

  sweep(): Promise<void> {
    return Promise.resolve(); // the browser keeps unfinished files out of the folder
  }
}
