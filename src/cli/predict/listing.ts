// A folder of which only some entries are looked at.

import { type DataSource, joinPath } from "../../experiments/data-source.ts";

/** Returns a source whose listings leave out entries; all files can be read, as those that a collection names. */
export function listingOnly(source: DataSource, isListed: (path: string) => boolean): DataSource {
  return {
    name: source.name,
    list: async (folder) => (await source.list(folder)).filter(({ name }) => isListed(joinPath(folder, name))),
    read: (path, range) => source.read(path, range),
    size: (path) => source.size(path),
  };
}
