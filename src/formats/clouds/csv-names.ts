// The names of a table's columns: where they stand, and which of them are those of coordinates and of attributes.

import { formatError } from "../bytes/bytes.ts";
import { splitWords } from "../bytes/text.ts";
import { missingAttribute } from "./positions.ts";

/** Names of the coordinates' columns: plain ones, then those that ParaView, Fluent and common exporters write. */
const axisNames: readonly (readonly string[])[] = [
  ["x", "y", "z"],
  ["points:0", "points:1", "points:2"],
  ["points_0", "points_1", "points_2"],
  ...["pos_#", "coord_#", "#-coordinate", "#_coordinate"].map((name) =>
    ["x", "y", "z"].map((axis) => name.replace("#", axis)),
  ),
];

/** Names of the columns, or arrays, of longitudes and latitudes in degrees: coordinates as on a map. */
export const mapAxes: readonly (readonly string[])[] = [
  ["lon", "lat"],
  ["longitude", "latitude"],
];

/** Whether these are the names of longitudes and latitudes, in this order. */
export const areMapAxes = (names: readonly string[]): boolean =>
  mapAxes.some((axes) => axes.join() === names.join().toLowerCase());

/**
 * Finds the columns of the coordinates by their names: three axes of one kind, or of several, or two, those of a map last. Capitals do
 * not matter, nor do the units that programs of simulations write, as in "X (m)" and "X [ m ]", unless there are columns without.
 * @returns the columns of two or three axes; several for an axis if it is not clear which one is meant
 */
export function axesIn(names: readonly string[]): number[][] | undefined {
  const lowerCase = names.map((name) => name.toLowerCase());
  // Without its unit. Spaces are tried only from their first one on: many of them within a name took minutes.
  const bare = lowerCase.map((name) => name.replace(/(?<!\s)\s*(?:\([^()]*\)|\[[^[\]]*\])$/, ""));
  const mixed = [0, 1, 2].map((axis) => axisNames.map((kind) => kind[axis]));
  const each = (kind: readonly string[]) => kind.map((name) => [name]);
  const kinds = [...axisNames.map(each), mixed, ...mapAxes.map(each)];
  const ways = kinds.flatMap((kind) =>
    [names, lowerCase, bare].map((given) =>
      kind.map((wanted) => [...given.keys()].filter((column) => wanted.includes(given[column]))),
    ),
  );
  for (const dimensionality of [3, 2]) {
    const found = ways
      .map((axes) => axes.slice(0, dimensionality))
      .find((axes) => axes.length === dimensionality && axes.every(({ length }) => length > 0));
    if (found) return found;
  }
  return undefined;
}

/** Returns the column names in the comment before the first row, as NumPy writes them: "# z,y,x". */
export function namesInComment(
  comment: string,
  split: (line: string) => string[],
  columns: number,
): readonly string[] | undefined {
  return [split(comment), splitWords(comment)].find((names) => names.length === columns && axesIn(names));
}

/** Returns the names of columns without names where more than the coordinates are there: x, y, z, column_4. */
export const numbered = (columns: number): readonly string[] | undefined =>
  columns > 3 ? Array.from({ length: columns }, (_, i) => axisNames[0][i] ?? `column_${i + 1}`) : undefined;

/**
 * Returns the columns of the coordinates, two or three.
 * @param count the number of columns
 * @throws FormatError where it is not clear which they are
 */
export function coordinateColumns(names: readonly string[] | undefined, count: number, file: string): number[] {
  if (names) {
    const axes = axesIn(names);
    const unclear = axes?.find(({ length }) => length > 1);
    if (unclear) {
      const found = unclear.map((column) => names[column]);
      const problem = `has several columns for one coordinate, ${found.map((name) => `"${name}"`).join(" and ")}`;
      throw formatError(file, `${problem}: rename all but one.`, { row: 1, found });
    }
    if (axes) return axes.flat();
  } else if (count === 2 || count === 3) {
    return Array.from({ length: count }, (_, column) => column);
  }
  const found = names
    ? `the columns ${names.map((name) => `"${name}"`).join(", ")}: rename those of the coordinates`
    : `${count} columns without names: name them in a first line, such as x,y,z,red`;
  throw formatError(file, `expected columns named x, y and z, or two or three columns without names; found ${found}.`, {
    row: 1,
    expected: ["x", "y", "z"],
    found: names ? [...names] : count,
  });
}

/** Finds columns by their names, of which there may be thousands. @throws FormatError for a name that none has, or several */
export function findColumns(wanted: readonly string[], names: readonly string[], file: string): number[] {
  const places = new Map(names.map((name, column) => [name, column]));
  const repeated = new Set(names.filter((name, column) => places.get(name) !== column));
  return wanted.map((name) => {
    const column = places.get(name);
    if (column === undefined) throw missingAttribute(file, name, names);
    if (!repeated.has(name)) return column;
    throw formatError(file, `has several columns named "${name}": rename all but one.`, {
      tensor: name,
      found: [...names],
    });
  });
}
