// The folders that follow from a list of files, and what each contains.

import type { DataEntry } from "../data-source.ts";

export class FolderListing {
  readonly #folders = new Map<string, Map<string, boolean>>([["", new Map()]]);

  /** @param paths with slashes between the names, and none at the beginning */
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

  /** Returns the contents of a folder; undefined if there is no such folder. */
  list(folder: string): DataEntry[] | undefined {
    const entries = this.#folders.get(folder);
    return entries && [...entries].map(([name, isFolder]) => ({ name, folder: isFolder }));
  }
}
