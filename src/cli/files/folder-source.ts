// A data set in a folder of the file system.

import * as files from "node:fs/promises";
import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ByteRange, type DataEntry, type DataSource, missing } from "../../experiments/data-source.ts";
import { readDiskFile, readRange } from "../../formats/sources/disk-file.ts";
import { expectRegular, fileError } from "./files.ts";

export class FolderSource implements DataSource {
  constructor(readonly name: string) {}

  async list(folder: string): Promise<DataEntry[]> {
    const path = join(this.name, folder);
    const entries = await this.#expect(folder, "folder", () => readdir(path, { withFileTypes: true }));
    return Promise.all(
      entries.map(async (entry) => ({
        name: entry.name,
        // Data sets are often folders of links to where there is room.
        folder: entry.isSymbolicLink() ? await leadsOn(this.name, join(path, entry.name)) : entry.isDirectory(),
      })),
    );
  }

  async read(path: string, range?: ByteRange): Promise<Uint8Array> {
    const file = join(this.name, path);
    return this.#expect(path, "file", async () => {
      expectRegular(file, await stat(file));
      return range ? readPart(file, range) : readDiskFile(files, file, file);
    });
  }

  async size(path: string): Promise<number> {
    return this.#expect(path, "file", async () => (await stat(join(this.name, path))).size);
  }

  async #expect<Result>(path: string, kind: "file" | "folder", read: () => Promise<Result>): Promise<Result> {
    try {
      return await read();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EISDIR") {
        throw fileError("read", join(this.name, path), cause);
      }
      throw missing(this, path, kind, { cause });
    }
  }
}

/** Whether a link leads to a folder, and not back to one that it is in: there would be no end to what is below. */
async function leadsOn(root: string, link: string): Promise<boolean> {
  try {
    if (!(await stat(link)).isDirectory()) return false;
    const place = await realpath(link);
    for (let above = dirname(link); ; above = dirname(above)) {
      if ((await realpath(above)) === place) return false;
      if (above === join(root) || above === dirname(above)) return true;
    }
  } catch {
    return false; // the link is broken
  }
}

async function readPart(path: string, { offset, length }: ByteRange): Promise<Uint8Array> {
  const file = await files.open(path);
  try {
    return await readRange(file, offset, length);
  } finally {
    await file.close();
  }
}
