// Grids in legacy VTK files whose points are not listed: they follow from what the file says of each axis.

import { parseNumber } from "../bytes/text.ts";
import { type Rounded, roundedNumbers } from "../rounding.ts";
import type { VtkReader } from "./reader.ts";

/** The sections of images (STRUCTURED_POINTS); old versions wrote ASPECT_RATIO for SPACING. */
const imageSections: readonly string[] = ["ORIGIN", "SPACING", "ASPECT_RATIO"];
/** Those of rectilinear grids. */
const coordinates: readonly string[] = ["X_COORDINATES", "Y_COORDINATES", "Z_COORDINATES"];

/** The sections that say where the points of a grid are. */
export const gridSections: readonly string[] = [...imageSections, ...coordinates];

/** Reads one of these sections, whose name has been read. */
export function readGridSection(source: VtkReader, section: string): ArrayLike<number> {
  if (coordinates.includes(section)) return source.numbers(source.rows(section), source.type(section), section);
  return [0, 1, 2].map((axis) => {
    const word = source.word() ?? "";
    const value = parseNumber(word);
    if (Number.isNaN(value)) throw source.error(`${section}: number ${axis} is "${word.slice(0, 40)}".`);
    return value;
  });
}

/**
 * Returns the points of a grid: [n, 3], along the first axis first. Those of a map are far from zero, as in files that list them.
 * @param dimensions the number of points along each axis
 * @param sections what the file says of the axes
 * @throws FormatError if a section is missing, or is not as long as its axis
 */
export function gridPoints(
  source: VtkReader,
  dimensions: readonly number[] | undefined,
  sections: ReadonlyMap<string, ArrayLike<number>>,
): Rounded {
  if (!dimensions) throw source.error("has no DIMENSIONS.");
  const points = dimensions.reduce((product, length) => product * length, 1);
  source.takePoints(points);
  const isImage = !coordinates.some((section) => sections.has(section));
  const axes = dimensions.map((length, axis) => {
    const listed = sections.get(coordinates[axis]);
    if (!isImage && listed?.length === length) return listed;
    if (!isImage) throw source.error(`${coordinates[axis]} are ${listed?.length ?? 0}, of ${length} points.`);
    const origin = sections.get("ORIGIN")?.[axis] ?? 0;
    const spacing = (sections.get("SPACING") ?? sections.get("ASPECT_RATIO"))?.[axis] ?? 1;
    return Array.from({ length }, (_, i) => origin + i * spacing);
  });
  const [columns, rows] = dimensions;
  const positions = new Float64Array(points * 3);
  for (let point = 0; point < points; point++) {
    positions[3 * point] = axes[0][point % columns];
    positions[3 * point + 1] = axes[1][Math.floor(point / columns) % rows];
    positions[3 * point + 2] = axes[2][Math.floor(point / (columns * rows))];
  }
  return roundedNumbers(positions, 3);
}
