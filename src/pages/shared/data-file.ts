// Files that were opened or dropped, as they are passed to a worker.

import type { FileSource } from "erwin/experiments";

/** A file of a data set, and its path in the folder. */
export interface DataFile {
  path: string;
  file: Blob;
}

export const listFiles = ({ files }: FileSource): DataFile[] => [...files].map(([path, file]) => ({ path, file }));
