// Finds the files in a folder and below it.

import { type Dirent, statSync } from "node:fs";
import { join } from "node:path";
import { joinPath } from "../../experiments/data-source.ts";
import { listFolder, placeOf } from "./files.ts";

export interface WalkOptions {
  /** Whether a path is left out, with everything below it. */
  skip?(path: string): boolean;
  /** Whether a folder below is left out, by what is in it. */
  skipFolder?(entries: readonly Dirent[]): boolean;
  /** Receives a subfolder that cannot be read, and the walk continues with the others; without it, the error is thrown. */
  onUnreadable?(path: string, error: unknown): void;
  /** Receives a link to a folder that contains the link; it is left out. */
  onLoop?(path: string): void;
}

/**
 * Lists all files below a folder, with paths relative to it, with slashes on every system, sorted by name. Pipes and the like are
 * included; reading refuses them.
 * Links to folders are followed. Names that begin with a dot are left out.
 * @throws InputError if the folder itself cannot be read
 */
export function filesBelow(folder: string, { skip, skipFolder, onUnreadable, onLoop }: WalkOptions = {}): string[] {
  const walk = (below: string, entries: readonly Dirent[], above: readonly string[]): string[] =>
    [...entries]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const [path, name] = [join(folder, below, entry.name), joinPath(below, entry.name)];
        if (entry.name.startsWith(".") || skip?.(path)) return [];
        let inside: Dirent[];
        try {
          if (!leadsToFolder(entry, path)) return [name];
          if (above.includes(placeOf(path)!)) {
            onLoop?.(path);
            return [];
          }
          inside = listFolder(path);
        } catch (error) {
          if (!onUnreadable) throw error;
          onUnreadable(path, error);
          return [];
        }
        if (skipFolder?.(inside)) return [];
        return walk(name, inside, [...above, placeOf(path)!]);
      });
  return walk("", listFolder(folder), [placeOf(folder)!]);
}

function leadsToFolder(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
