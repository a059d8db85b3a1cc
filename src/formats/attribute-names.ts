// Which attributes a file of points has, whatever its format.

import { FormatError } from "../errors.ts";
import type { FileBytes } from "./bytes.ts";
import { readPointCloud } from "./pointcloud.ts";

/** A name that no attribute has: the readers refuse it and list those that there are. */
const NO_NAME = "\0";

/**
 * The names of a file's attributes, its coordinates aside. Some may be no numbers: columns of text, say.
 * @throws FormatError for a damaged file or an unknown extension
 */
export function attributeNames(bytes: FileBytes, file: string): string[] {
  try {
    readPointCloud(bytes, file, { attributes: [NO_NAME] });
    return [];
  } catch (error) {
    if (!(error instanceof FormatError) || error.details.tensor !== NO_NAME) throw error;
    const names = error.details.found as string[];
    return names.filter((name) => !["x", "y", "z"].includes(name.toLowerCase()));
  }
}

/** The names of those attributes that are numbers: columns may hold text, and properties lists. */
export function numericAttributes(bytes: FileBytes, file: string): string[] {
  return attributeNames(bytes, file).filter((name) => {
    try {
      readPointCloud(bytes, file, { attributes: [name] });
      return true;
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  });
}
