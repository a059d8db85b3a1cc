// Lists the attributes of a file of points, whatever its format.

import { FormatError } from "../errors.ts";
import type { FileBytes } from "./bytes/bytes.ts";
import { tableExtensions } from "./clouds/csv.ts";
import { axesIn } from "./clouds/csv-names.ts";
import { formatNamed } from "./extension.ts";
import { readPointCloud } from "./pointcloud.ts";

/** A name that no attribute has: readers reject it with an error that lists the names that exist. */
const NO_NAME = "\0";

/**
 * Returns the names of a file's attributes, without its coordinates and columns without a name, such as pandas writes for its index.
 * Some attributes may not be numeric: a column of text, say.
 * @throws FormatError for a damaged file or an unknown extension
 */
export const attributeNames = (bytes: FileBytes, file: string): string[] => columnNames(bytes, file).attributes;

/**
 * Returns the same, and the names of the columns, or properties, that hold the coordinates; none for a format that has an array of its
 * own for them.
 * @throws FormatError as `attributeNames` does
 */
export function columnNames(bytes: FileBytes, file: string) {
  const names = allNames(bytes, file);
  const coordinates = coordinatesAmong(names, formatNamed(file));
  const attributes = [...new Set(names)].filter((name) => name !== "" && !coordinates.includes(name));
  return { attributes, coordinates };
}

function allNames(bytes: FileBytes, file: string): readonly string[] {
  try {
    readPointCloud(bytes, file, { attributes: [NO_NAME] });
    return [];
  } catch (error) {
    if (!(error instanceof FormatError) || error.details.tensor !== NO_NAME) throw error;
    return error.details.found as string[];
  }
}

/** Returns which columns or properties hold coordinates: other formats have an array of its own for them. */
function coordinatesAmong(names: readonly string[], format: string): readonly string[] {
  if (tableExtensions.includes(format)) return (axesIn(names) ?? []).flat().map((column) => names[column]);
  return ["ply", "pcd"].includes(format) ? names.filter((name) => ["x", "y", "z"].includes(name.toLowerCase())) : [];
}

/**
 * Divides a file's attributes into those that are numeric and the others: a column may hold text, or a property may be a list.
 * @param all their names
 * @returns the names of the numeric ones, and for each other one what the reader says of it
 * @throws FormatError as `attributeNames` does
 */
export function sortAttributes(
  bytes: FileBytes,
  file: string,
  all: readonly string[] = attributeNames(bytes, file),
): { numeric: string[]; others: Map<string, string> } {
  return sortReadable(all, file, (attributes) => readPointCloud(bytes, file, { attributes }));
}

/**
 * Divides a file's arrays into those that can be read and the others, as `sortAttributes` does.
 * @param read reads arrays by their names, and throws a FormatError if one of them is not numeric
 */
export function sortReadable(
  all: readonly string[],
  file: string,
  read: (names: readonly string[]) => unknown,
): { numeric: string[]; others: Map<string, string> } {
  const others = new Map<string, string>();
  // Thousands of columns are read at once: those that are not numeric are looked for in halves, only where there are any.
  const sort = (names: readonly string[]): string[] => {
    if (names.length === 0) return [];
    try {
      read(names);
      return [...names];
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      if (names.length > 1) {
        const middle = names.length >> 1;
        return [...sort(names.slice(0, middle)), ...sort(names.slice(middle))];
      }
      others.set(names[0], error.message.replace(`${file}: `, "").replace(/\.$/, ""));
      return [];
    }
  };
  const numeric = sort(all);
  return { numeric, others };
}
