// Lists the attributes of a file of points, whatever its format.

import { FormatError } from "../errors.ts";
import type { FileBytes } from "./bytes.ts";
import { readPointCloud } from "./pointcloud.ts";

/** A name that no attribute has: readers reject it with an error that lists the names that exist. */
const NO_NAME = "\0";

/**
 * Returns the names of a file's attributes, without its coordinates. Some attributes may not be numeric: a column of text, say.
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

/** Returns the names of the attributes that are numeric: a column may hold text, and a property may be a list. */
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
