// How a matrix product is cut into tiles, and which kind of product.wgsl does it. A sum's bits do not depend on its tile.

import type { DeviceInfo, MatrixUnits, ProductTuning, Tile } from "../device.ts";
import type { Constants } from "./kernels.ts";

/** A product as its kernel sees it; product.wgsl says what the words mean. */
export interface ProductShape {
  rows: number;
  columns: number;
  /** Every column is computed twice, a gate and a value side by side in one tile (norm_swiglu.wgsl). */
  gated?: boolean;
  /** Lengths of the rows of the arrays concerned, and where in them the product begins. */
  widths: readonly number[];
  norm?: boolean;
  leftAlong?: boolean;
  rightAlong?: boolean;
  half?: boolean;
  /** It is taken in as many parts as it takes to occupy a GPU: no need for smaller tiles. */
  inParts?: boolean;
}

type ProductDevice = Pick<DeviceInfo, "software" | "subgroupSize" | "matrixUnits" | "productTuning">;

/** Each suits a GPU where the larger ones are too few: the more a tile has, the less it reads for each of its sums. */
export const TILES: readonly Tile[] = [
  { rows: 128, columns: 128 },
  { rows: 128, columns: 64 },
  { rows: 64, columns: 64 },
  { rows: 32, columns: 64 },
];

/** A large GPU works on some hundred tiles at a time. */
export const DEFAULT_TUNING: ProductTuning = { tile: { rows: 128, columns: 64 }, fewTiles: 256 };

/** The same for product_matrix.wgsl. Tiles of 128 x 128 were no faster on an H200, and slower for the feed-forward's output. */
const MATRIX_TUNING: ProductTuning = { tile: { rows: 64, columns: 64 }, fewTiles: 256 };

/** Threads of product_matrix.wgsl. */
export const matrixThreads = ({ rows, columns, subgroup }: MatrixUnits) => subgroup * (32 / rows) * (32 / columns);

/** Constants of product.wgsl and the number of tiles. */
export function productCut(shape: ProductShape, device: ProductDevice): { constants: Constants; tiles: number } {
  const { widths, norm, leftAlong, rightAlong, half } = shape;
  const { software, subgroupSize, matrixUnits } = device;
  const useMatrixUnits = half && matrixUnits;
  const tile = chooseTile(shape, useMatrixUnits ? { software, productTuning: MATRIX_TUNING } : device);
  return {
    constants: {
      ...(useMatrixUnits ? matrixConstants(tile, matrixUnits) : registerConstants(tile)),
      QUADS: widths.every((width) => width % 4 === 0) ? 1 : 0,
      NORM: norm ? 1 : 0,
      LEFT_ALONG: leftAlong ? 1 : 0,
      RIGHT_ALONG: rightAlong ? 1 : 0,
      HALF: half ? 1 : 0,
      // SwiftShader, in hosts that give access to subgroups; lavapipe's are of eight.
      PRIVATE: software && subgroupSize === 4 ? 1 : 0,
    },
    tiles: tilesOf(shape, tile),
  };
}

/** The same kernel's constants for the other tiles that this device may take. */
export function otherTiles(constants: Constants, { productTuning = DEFAULT_TUNING }: ProductDevice): Constants[] {
  const { TILE_ROWS, TILE_COLUMNS, MATRIX } = constants;
  if (!TILE_ROWS || MATRIX) return [];
  const narrow = TILE_COLUMNS! <= 32;
  const tiles = TILES.slice(TILES.findIndex((tile) => sameTile(tile, productTuning.tile)));
  const all = tiles.map((tile) => ({ ...constants, ...registerConstants(narrow ? { ...tile, columns: 32 } : tile) }));
  return all.filter((other) => other.TILE_ROWS !== TILE_ROWS || other.TILE_COLUMNS !== TILE_COLUMNS);
}

const sameTile = (a: Tile, b: Tile) => a.rows === b.rows && a.columns === b.columns;

/**
 * The largest tile of which there are enough; beginning with the one that is this device's fastest. A software adapter, which takes
 * long to compile and has few cores to occupy, has one size only.
 */
function chooseTile(shape: ProductShape, { software, productTuning = DEFAULT_TUNING }: ProductDevice): Tile {
  const { rows, gated, inParts } = shape;
  const columns = allColumns(shape);
  // 32 columns a tile where no more are needed.
  const fit = (tile: Tile): Tile => (columns <= 32 && !gated ? { ...tile, columns: 32 } : tile);
  if (software) return fit({ rows: 64, columns: 64 });
  const from = TILES.findIndex((tile) => sameTile(tile, productTuning.tile));
  const suits = (tile: Tile) => {
    // A wider tile must not reach further beyond the last column.
    if (Math.ceil(columns / tile.columns) * tile.columns > Math.ceil(columns / 64) * 64) return false;
    if (inParts) return tile.rows <= Math.max(64, rows);
    return tilesOf(shape, fit(tile)) >= productTuning.fewTiles;
  };
  return fit(TILES.slice(from).find(suits) ?? TILES.at(-1)!);
}

/** A gate's and a value's are two. */
const allColumns = ({ columns, gated }: ProductShape) => (gated ? 2 * columns : columns);

export const tilesOf = (shape: ProductShape, tile: Tile) =>
  Math.ceil(shape.rows / tile.rows) * Math.ceil(allColumns(shape) / tile.columns);

/** What product_registers.wgsl (and product_private.wgsl) need to know. */
function registerConstants({ rows, columns }: Tile): Constants {
  const rowQuads = rows > 32 ? 2 : 1;
  const halves = columns > 32 ? 2 : 1;
  const threads = (rows / rowQuads / 4) * (columns / halves / 4);
  return {
    MATRIX: 0,
    TILE_ROWS: rows,
    TILE_COLUMNS: columns,
    HALVES: halves,
    WIDE: halves - 1,
    ROW_QUADS: rowQuads,
    THREADS: threads,
    // Quads that a thread fetches of each side where they lie side by side, and whether all threads fetch where they do not.
    LEFT_LOADS: (rows * 4) / threads,
    // Inner positions that a thread fetches lie 4 or 8 apart; sums of left's rows are taken of those 8 apart.
    LEFT_CLASSES: (rows * 2) / threads,
    RIGHT_LOADS: (columns * 4) / threads,
    LEFT_ALL: rows === threads ? 1 : 0,
    RIGHT_ALL: columns === threads ? 1 : 0,
  };
}

/** What product_matrix.wgsl needs to know. */
function matrixConstants(tile: Tile, units: MatrixUnits): Constants {
  return {
    MATRIX: 1,
    TILE_ROWS: tile.rows,
    TILE_COLUMNS: tile.columns,
    ROW_BLOCKS: tile.rows / 32,
    COLUMN_BLOCKS: tile.columns / 32,
    HALVES: tile.columns > 32 ? 2 : 1,
    MATRIX_ROWS: units.rows,
    MATRIX_COLUMNS: units.columns,
    MATRIX_INNER: units.inner,
    SUBGROUP_SIZE: units.subgroup,
    // Quads of 32 rows of the tile, 8 a row, that each thread fetches.
    FETCHES: (32 * 8) / matrixThreads(units),
  };
}
