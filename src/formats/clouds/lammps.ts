// LAMMPS' dumps: for each frame items that tell its time, the number of atoms and the box, then a line for each atom, in any order.
// Format: LAMMPS' documentation, "dump command", styles atom and custom.

import { expectRows, type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { parseCount, parseDecimal, splitWords, TextReader } from "../bytes/text.ts";
import type { PartialFile } from "../sources/partial-file.ts";
import { parseProperty, truncated } from "./atoms.ts";
import { type Frame, findFrames } from "./frames.ts";
import { checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/** The extensions of dumps, without dots. */
export const lammpsExtensions: readonly string[] = ["lammpstrj", "dump"];

/** How a line begins that names what the next ones hold. */
const ITEM = "ITEM: ";
const [ATOMS, COUNT, BOX] = ["ATOMS", "NUMBER OF ATOMS", "BOX BOUNDS"];

/** The columns of coordinates: as they are, unwrapped, and both as fractions of the box. */
const coordinates: readonly (readonly string[])[] = ["#", "#u", "#s", "#su"].map((name) =>
  ["x", "y", "z"].map((axis) => name.replace("#", axis)),
);
const isScaled = (name: string) => /^[xyz]su?$/.test(name);

/** An edge of the box each, as the sums of coordinates; and its corner. */
interface Box {
  edges: readonly (readonly number[])[];
  corner: readonly number[];
}

/**
 * Reads the atoms of a dump, which must hold one frame, in the order of their ids.
 * @param options.attributes names of columns to read ("vx"), of one channel each. Chemical elements become atomic numbers.
 * @throws FormatError for a dump without coordinates, for values and lines that do not fit its items, for fewer atoms than promised, and
 *   for several frames
 */
export function loadLammps(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "lammpstrj");
  const reader = new TextReader(toBytes(input), file);
  const { count, columns, box } = readItems(reader, file);
  const axes = coordinates.find((names) => names.every((name) => columns.includes(name)));
  if (!axes) {
    const problem = `has no coordinates x, y and z (nor xu, xs or xsu), but ${columns.join(", ") || "columns without names"}`;
    throw formatError(file, `${problem}: dump them by "dump 1 all custom 100 out.lammpstrj id type x y z".`, {
      expected: ["x", "y", "z"],
      found: [...columns],
    });
  }
  const isOfBox = isScaled(axes[0]);
  if (isOfBox && !box) throw formatError(file, `has coordinates ${axes.join(", ")}, but no box that scales them.`);
  const others = columns.filter((name) => !axes.includes(name));
  const missing = attributes?.find((name) => !others.includes(name));
  if (missing !== undefined) throw missingAttribute(file, missing, others);

  const placeOf = (name: string) => columns.indexOf(name);
  const [places, attributePlaces] = [axes.map(placeOf), (attributes ?? []).map(placeOf)];
  const idPlace = placeOf("id");
  const ids = new Float64Array(idPlace < 0 ? 0 : count);
  const positions = new Float32Array(3 * count);
  const data = attributePlaces.map(() => new Float32Array(count));
  for (let atom = 0; atom < count; atom++) {
    const words = splitWords(reader.line() ?? "");
    const row = reader.lineNumber;
    if (words.length === 0) throw truncated(file, count, `${atom}`);
    if (words.length !== columns.length) {
      const problem = `line ${row}: expected ${columns.length} values, found ${words.length}.`;
      throw formatError(file, problem, { row, expected: columns.length, found: words.length });
    }
    const noNumber = (place: number) =>
      formatError(file, `line ${row}, ${columns[place]}: "${words[place]}" is not a number.`, {
        ...{ row, column: place, found: words[place] },
      });
    const own = places.map((place) => parseDecimal(words[place]));
    for (let axis = 0; axis < 3; axis++) {
      const value = isOfBox && box ? inBox(box, own, axis) : own[axis];
      positions[3 * atom + axis] = value;
      if (!Number.isFinite(positions[3 * atom + axis])) throw noNumber(places[axis]);
    }
    attributePlaces.forEach((place, i) => {
      const value = parseProperty(words[place], columns[place] === "element" ? "S" : "R");
      if (value === undefined) throw noNumber(place);
      data[i][atom] = value;
    });
    if (idPlace >= 0) ids[atom] = parseDecimal(words[idPlace]);
  }
  const next = reader.filledLine();
  if (next !== undefined) {
    const row = reader.lineNumber;
    const problem = `line ${row}: more follows than the ${count} atoms, such as a second frame: write each into a file of its own`;
    throw formatError(file, `${problem} (LAMMPS: dump 1 all custom 100 out.*.dump id type x y z).`, { row });
  }

  const order = orderOf(ids, file);
  const cloud: PointCloud = { positions: inOrder(positions, 3, order), dimensionality: 3 };
  if (attributes) {
    cloud.attributes = new Map(attributes.map((name, i) => [name, { data: inOrder(data[i], 1, order), channels: 1 }]));
  }
  return cloud;
}

/** Returns a coordinate of an atom whose coordinates are fractions of the box's edges. */
const inBox = ({ corner, edges }: Box, own: readonly number[], axis: number): number =>
  corner[axis] + own[0] * edges[0][axis] + own[1] * edges[1][axis] + own[2] * edges[2][axis];

/** @param order undefined: as they are */
function inOrder(data: Float32Array, width: number, order: Uint32Array | undefined): Float32Array {
  if (!order) return data;
  const sorted = new Float32Array(data.length);
  for (let i = 0; i < sorted.length; i++) sorted[i] = data[width * order[Math.floor(i / width)] + (i % width)];
  return sorted;
}

/** Returns the atoms in the order of their ids; undefined if they are so, or have none. @throws FormatError for ids that are not numbers */
function orderOf(ids: Float64Array, file: string): Uint32Array | undefined {
  const wrong = ids.findIndex((id) => !Number.isSafeInteger(id));
  if (wrong >= 0)
    throw formatError(file, `the id of the atom counted ${wrong} from 0 is not an integer.`, { row: wrong });
  if (ids.every((id, i) => i === 0 || id > ids[i - 1])) return undefined;
  return Uint32Array.from({ length: ids.length }, (_, atom) => atom).sort((a, b) => ids[a] - ids[b]);
}

/** Reads all items up to the atoms. */
function readItems(
  reader: TextReader,
  file: string,
): { count: number; columns: readonly string[]; box: Box | undefined } {
  let count: number | undefined;
  let box: Box | undefined;
  for (;;) {
    const line = reader.filledLine();
    const row = reader.lineNumber;
    if (line === undefined) throw formatError(file, `ends before its atoms: expected a line "${ITEM}${ATOMS} id ...".`);
    if (!line.startsWith(ITEM)) {
      const problem = `line ${row}, "${line.slice(0, 80)}": expected a line that begins with "${ITEM}", as in LAMMPS' dumps.`;
      throw formatError(file, problem, { row });
    }
    const item = line.slice(ITEM.length).trim();
    if (item.startsWith(COUNT)) {
      const text = reader.line() ?? "";
      count = parseCount(text.trim());
      if (!(count > 0))
        throw formatError(file, `line ${row + 1}, "${text.slice(0, 80)}": expected a number of atoms.`, { row });
    } else if (item.startsWith(BOX)) box = readBox(reader, item, file);
    else if (item === ATOMS || item.startsWith(`${ATOMS} `)) {
      if (count === undefined) throw formatError(file, `line ${row}: its atoms come before their number.`, { row });
      expectRows(count, "atoms", file);
      const columns = splitWords(item).slice(1);
      // Each value takes a character, and another one behind it.
      if (2 * columns.length * count > reader.left + 1) throw truncated(file, count, `${reader.left} bytes`);
      return { count, columns, box };
    } else reader.line();
  }
}

/** Reads the box: from where to where it goes along each axis, and for slanted ones three tilts. */
function readBox(reader: TextReader, item: string, file: string): Box | undefined {
  const rows = [0, 1, 2].map(() => splitWords(reader.line() ?? "").map(parseDecimal));
  // General triclinic boxes are given by other numbers; only scaled coordinates need them.
  if (item.includes("abc")) return undefined;
  if (!rows.every((row) => row.length >= 2 && row.every(Number.isFinite))) {
    throw formatError(file, `line ${reader.lineNumber}: expected three lines of the box's bounds.`, {
      row: reader.lineNumber,
    });
  }
  const [xy, xz, yz] = rows.map((row) => row[2] ?? 0);
  // The bounds are those of a straight box around the slanted one.
  const shifts = [[0, xy, xz, xy + xz], [0, yz], [0]];
  const low = rows.map((row, axis) => row[0] - Math.min(...shifts[axis]));
  const high = rows.map((row, axis) => row[1] - Math.max(...shifts[axis]));
  const [lx, ly, lz] = high.map((value, axis) => value - low[axis]);
  return {
    corner: low,
    edges: [
      [lx, 0, 0],
      [xy, ly, 0],
      [xz, yz, lz],
    ],
  };
}

/** The longest part of a line that is looked at. */
const LONGEST = 64;

/**
 * Finds the frames of a dump: `loadLammps` reads the bytes of each. What follows and is no frame belongs to the last one, so that reading
 * it is an error.
 */
export async function lammpsFrames(file: PartialFile): Promise<Frame[]> {
  /** Whether the next line is the number of atoms, and whether the next item begins a frame. */
  let [count, isCount, isBetween, isDump] = [0, false, true, true];
  const frames = await findFrames(file, {
    longest: LONGEST,
    look(line) {
      const begins = isBetween && line.startsWith(ITEM);
      if (begins) isBetween = false;
      if (isCount) count = parseCount(line.trim());
      isCount = line.startsWith(ITEM + COUNT);
      if (!line.startsWith(ITEM + ATOMS)) return { begins };
      isDump = count > 0;
      if (!isDump) return undefined;
      const skip = count;
      [count, isBetween] = [0, true];
      return { begins, skip };
    },
  });
  return isDump ? frames : [];
}
