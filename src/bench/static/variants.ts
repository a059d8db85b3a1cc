// Names the kernels of one file, which differ by their constants.

import type { Constants } from "../../backends/webgpu/kernels.ts";
import { tileOf } from "./tiles.ts";

export interface Variant {
  /** The file's name, and words that tell the kernel from the file's others. */
  kernel: string;
  /** The file's name. */
  name: string;
  constants: Constants;
}

/** Constants of the tile. */
const TILE_CONSTANTS = ["TILE_ROWS", "TILE_COLUMNS"];
/** Constants that divide a product's tile among threads, and follow from the tile. */
const THREAD_CONSTANTS = [
  "HALVES",
  "WIDE",
  "PART_ROWS",
  "ROW_VEC4S",
  "THREADS",
  "LEFT_LOADS",
  "RIGHT_LOADS",
  "LEFT_CLASSES",
  "LEFT_ALL",
  "RIGHT_ALL",
];
/** Constants that mostly follow from others: they are named only where nothing else tells two kernels apart. */
const DERIVED_CONSTANTS = [
  ...TILE_CONSTANTS,
  ...THREAD_CONSTANTS,
  "LEFT_ALONG",
  "RIGHT_ALONG",
  "RIGHT_VEC4",
  "WHOLE_STEPS",
  "LEFT_HALF",
  "DIMENSIONS",
  "KEYS",
  "FETCHES",
];
/** Constants that divide the work, and do not change what is computed. (ROW_HALVES and HALVES once named the tiles.) */
const DIVISION_CONSTANTS = [...TILE_CONSTANTS, ...THREAD_CONSTANTS, "ROW_HALVES", "KEYS", "QUERIES", "FETCHES", "STEP"];

/**
 * Names each kernel by a product's tile, and by the constants that tell the kernels of one file apart. Where that leaves several
 * with one name, as many of the constants in which these few differ follow as are needed.
 */
export function nameVariants(kernels: readonly { name: string; constants: Constants }[]): Variant[] {
  const short = kernels.map(({ name, constants }) => {
    const tile = tileOf(constants);
    const others = kernels.filter((other) => other.name === name);
    const told = Object.keys(constants).filter((constant) => !DERIVED_CONSTANTS.includes(constant));
    const words = told.flatMap((constant) => wordsFor(constant, constants, others));
    return [name, ...(tile ? [`${tile.rows}x${tile.columns}`] : []), ...words].join(" ");
  });
  return kernels.map(({ name, constants }, i) => {
    const namesakes = kernels.filter((_, other) => short[other] === short[i]);
    const words: string[] = [];
    let alike = namesakes;
    for (const constant in constants) {
      const left = alike.filter((other) => other.constants[constant] === constants[constant]);
      if (left.length < alike.length) words.push(...wordsFor(constant, constants, namesakes));
      alike = left;
    }
    return { kernel: [short[i], ...words].join(" "), name, constants };
  });
}

/** The word for a constant's value in one of several kernels; none where all have the same, or for a zero. */
function wordsFor(constant: string, own: Constants, kernels: readonly { constants: Constants }[]): string[] {
  const values = [...new Set(kernels.map(({ constants }) => constants[constant]))];
  if (!own[constant] || values.length === 1) return [];
  const isFlag = values.every((value) => value === 0 || value === 1);
  return [isFlag ? constant.toLowerCase() : `${constant.toLowerCase()}=${own[constant]}`];
}

/** The constants by their current names: older results have QUADS in the place of VEC4. */
const renamed = (constants: Constants): Constants =>
  Object.fromEntries(
    Object.entries(constants).map(([name, value]) => [
      name.replace(/^QUADS$/, "VEC4").replace(/_QUADS$/, "_VEC4S"),
      value,
    ]),
  );

/**
 * Finds the earlier kernel that became `variant`: all constants that both have are equal, except those that divide the work, of
 * which the fewest differ. One that became two is found for both.
 */
export function findPredecessor<Old extends Variant>(before: readonly Old[], variant: Variant): Old | undefined {
  const own = renamed(variant.constants);
  const differences = ({ constants }: Old) =>
    Object.entries(renamed(constants)).filter(([name, value]) => (own[name] ?? value) !== value);
  const candidates = before
    .filter((old) => old.name === variant.name)
    .map((old) => ({ old, different: differences(old) }))
    .filter(({ different }) => different.every(([name]) => DIVISION_CONSTANTS.includes(name)));
  return candidates.sort((a, b) => a.different.length - b.different.length)[0]?.old;
}
