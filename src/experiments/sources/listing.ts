// The folders that a list of files makes: what is in each.

import type { DataEntry } from "../data-source.ts";

export class FolderListing {
  readonly #folders = new Map<string, Map<string, boolean>>([["", new Map()]]);

  /** @param paths with slashes between the names and none at the start */
  constructor(paths: Iterable<string>) {
    for (const path of paths) {
      const names = path.split("/");
      let folder = "";
      for (const [depth, name] of names.entries()) {
        const isFolder = depth < names.length - 1;
        this.#entries(folder).set(name, isFolder);
        folder = folder === "" ? name : `${folder}/${name}`;
      }
    }
  }

  #entries(folder: string): Map<string, boolean> {
    const found = this.#folders.get(folder);
    if (found) return found;
    const made = new Map<string, boolean>();
    this.#folders.set(folder, made);
    return made;
  }

  /** What is in a folder; undefined where there is none of the name. */
  list(folder: string): DataEntry[] | undefined {
    const entries = this.#folders.get(folder);
    return entries && [...entries].map(([name, isFolder]) => ({ name, folder: isFolder }));
  }
}
