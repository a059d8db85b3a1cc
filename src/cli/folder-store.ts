// Checkpoints in a folder of the file system.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CheckpointStore } from "../index.ts";
import { makeFolder, readBytes, writeWhole } from "./files.ts";

/** Each file is written beside its target and then renamed, so that every existing file is complete. */
export class FolderStore implements CheckpointStore {
  constructor(readonly folder: string) {
    makeFolder(folder);
  }

  save(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    writeWhole(join(this.folder, name), bytes);
  }

  load(name: string): Uint8Array | undefined {
    const path = join(this.folder, name);
    return existsSync(path) ? readBytes(path) : undefined;
  }
}
