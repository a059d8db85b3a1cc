// Names for the kernels of one file that differ by their constants.

import type { Constants } from "../../backends/webgpu/kernels.ts";
import { tileOf } from "./tiles.ts";

export interface Variant {
  /** Its file's name, and words that tell it from the others of that file. */
  kernel: string;
  /** Of its file. */
  name: string;
  constants: Constants;
}

/** What the tile says. */
const OF_TILE = ["TILE_ROWS", "TILE_COLUMNS"];
/** How a product's tile is divided among threads, which follows from the tile. */
const OF_THREADS = [
  "HALVES",
  "WIDE",
  "ROW_QUADS",
  "THREADS",
  "LEFT_LOADS",
  "RIGHT_LOADS",
  "LEFT_CLASSES",
  "LEFT_ALL",
  "RIGHT_ALL",
];
/** What follows from other constants, mostly: named only where it is all that tells two kernels apart. */
const IN_NEED = [...OF_TILE, ...OF_THREADS, "LEFT_ALONG", "RIGHT_ALONG", "DIMENSIONS", "KEYS", "FETCHES"];
/** How the work is cut up, not what is computed. (Tiles were named by ROW_HALVES and HALVES once.) */
const CUTS = [...OF_TILE, ...OF_THREADS, "ROW_HALVES", "KEYS", "QUERIES", "FETCHES", "STEP"];

/** A product's tile, and the constants that tell the kernels of one file apart. */
export function nameVariants(kernels: readonly { name: string; constants: Constants }[]): Variant[] {
  const describe = ({ name, constants }: (typeof kernels)[number], hidden: readonly string[]) => {
    const others = kernels.filter((other) => other.name === name);
    const tile = tileOf(constants);
    const words = [name, ...(tile ? [`${tile.rows}x${tile.columns}`] : [])];
    for (const [constant, value] of Object.entries(constants)) {
      const values = new Set(others.map((other) => other.constants[constant]));
      if (!value || values.size === 1 || hidden.includes(constant)) continue;
      const isFlag = [...values].every((one) => one === 0 || one === 1);
      words.push(isFlag ? constant.toLowerCase() : `${constant.toLowerCase()}=${value}`);
    }
    return words.join(" ");
  };
  const short = kernels.map((kernel) => describe(kernel, IN_NEED));
  return kernels.map((kernel, i) => {
    const { name, constants } = kernel;
    const isUnique = short.filter((other) => other === short[i]).length === 1;
    return { kernel: isUnique ? short[i] : describe(kernel, OF_TILE), name, constants };
  });
}

/**
 * The one of before that became `variant`: all constants that both have are equal, but for the cut, which is as near as there is.
 * One that became two is found for both.
 */
export function findPredecessor<Old extends Variant>(before: readonly Old[], variant: Variant): Old | undefined {
  const differences = ({ constants }: Old) =>
    Object.entries(constants).filter(([name, value]) => (variant.constants[name] ?? value) !== value);
  const candidates = before
    .filter((old) => old.name === variant.name)
    .map((old) => ({ old, different: differences(old) }))
    .filter(({ different }) => different.every(([name]) => CUTS.includes(name)));
  return candidates.sort((a, b) => a.different.length - b.different.length)[0]?.old;
}
