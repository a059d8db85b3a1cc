// How a matrix product is divided into tiles, and which variant of product.wgsl computes it. A sum's bits do not depend on its tile.

import type { DeviceInfo, MatrixUnits, ProductTuning, Tile } from "../device.ts";
import { flag } from "./context.ts";
import type { Constants } from "./kernels.ts";

/** A product as its kernel sees it; product.wgsl defines the words. */
export interface ProductShape {
  rows: number;
  columns: number;
  /** Whether each column is a gate and a value, side by side in one tile (norm_swiglu.wgsl). */
  gated?: boolean;
  /** The widths of the arrays, and the offsets in their rows at which the product begins. */
  widths: readonly number[];
  /** The length of the inner dimension. */
  inner: number;
  norm?: boolean;
  /** Whether the result's rows are normalised; only where hasLayerNorm says so. */
  layerNorm?: boolean;
  leftAlong?: boolean;
  /** Where the rows of left lie in two arrays: the inner positions of each. */
  splitLeft?: readonly [number, number];
  rightAlong?: boolean;
  /** Whether right's rows are multiples of 4 where `widths` are. Default: they are. */
  rightVec4?: boolean;
  half?: boolean;
  /** Whether left is stored in half precision. */
  leftHalf?: boolean;
  /** Whether the inner dimension has a tail, which `inner` does not count; only where hasTails says so. */
  tail?: boolean;
  /** Whether it is divided into enough parts to occupy a GPU with tiles of any size. */
  inParts?: boolean;
}

type ProductDevice = Pick<DeviceInfo, "software" | "fewRegisters" | "subgroupSize" | "matrixUnits" | "productTuning">;

/** The larger a tile, the less it loads for each sum; but there must be enough tiles to occupy a GPU. */
export const TILES: readonly Tile[] = [
  { rows: 128, columns: 128 },
  { rows: 128, columns: 64 },
  { rows: 64, columns: 64 },
  { rows: 32, columns: 64 },
];

export const sameTile = (a: Tile, b: Tile) => a.rows === b.rows && a.columns === b.columns;

/** The most workgroup memory that product_registers.wgsl takes for a tile, in bytes: 16 inner positions of both factors, and NORM's squares. */
export const tileBytes = ({ rows, columns }: Tile) => 64 * (rows + columns) + 16 * rows;

/** Whether a thread's sums fit into the device's registers. */
export const hasRegisters = ({ fewRegisters }: Pick<DeviceInfo, "fewRegisters">, tile: Tile) =>
  !fewRegisters || tile.columns <= 64;

/** A large GPU works on a few hundred tiles at a time. */
export const DEFAULT_TUNING: ProductTuning = { tile: { rows: 128, columns: 64 }, fewTiles: 256 };

/** The same for product_matrix.wgsl. Tiles of 128 x 128 were no faster on an H200, and slower for the feed-forward's output. */
const MATRIX_TUNING: ProductTuning = { tile: { rows: 64, columns: 64 }, fewTiles: 256 };

/** The number of threads of product_matrix.wgsl. */
export const matrixThreads = ({ rows, columns, subgroup }: MatrixUnits) => subgroup * (32 / rows) * (32 / columns);

/** Subgroups of four threads are those of SwiftShader; lavapipe's have eight. */
const isSwiftShader = ({ software, subgroupSize }: ProductDevice) => software && subgroupSize === 4;

/** Whether the device's products may have a tail: only product_registers.wgsl computes it. */
export const hasTails = (device: ProductDevice, half: boolean) =>
  !isSwiftShader(device) && !(half && device.matrixUnits);

/** Whether a result with so many columns may be normalised where it is computed. For software adapters this is one more kernel to compile. */
export const hasLayerNorm = (device: ProductDevice, half: boolean, columns: number) =>
  !device.software && !(half && device.matrixUnits) && columns <= 64;

export const multiplesOf4 = (widths: readonly number[]) => widths.every((width) => width % 4 === 0);

/** Whether each step of 16 inner positions lies in one of the arrays, in whose rows it begins at the same place. */
const splitsEvenly = ([first, second]: readonly [number, number]) => first === second && first % 16 === 0;

/** Returns the constants of product.wgsl and the number of tiles. */
export function productCut(shape: ProductShape, device: ProductDevice): { constants: Constants; tiles: number } {
  const {
    widths,
    inner,
    norm,
    layerNorm,
    leftAlong,
    splitLeft,
    rightAlong,
    rightVec4 = true,
    half,
    leftHalf,
    tail,
  } = shape;
  const { software, fewRegisters, matrixUnits } = device;
  const useMatrixUnits = half && matrixUnits;
  const tile = chooseTile(shape, useMatrixUnits ? { software, productTuning: MATRIX_TUNING } : device);
  const vec4 = multiplesOf4(widths);
  const isWhole = !software && !useMatrixUnits && inner % 16 === 0 && (!splitLeft || splitsEvenly(splitLeft));
  return {
    constants: {
      ...(useMatrixUnits ? matrixConstants(tile, matrixUnits) : registerConstants(tile)),
      VEC4: flag(vec4),
      RIGHT_VEC4: flag(vec4 && rightVec4),
      WHOLE_STEPS: flag(isWhole),
      UNROLLED: flag(!software && !fewRegisters),
      TAIL: flag(tail),
      SPLIT_LEFT: flag(splitLeft),
      NORM: flag(norm),
      LAYER_NORM: flag(layerNorm),
      LEFT_ALONG: flag(leftAlong),
      RIGHT_ALONG: flag(rightAlong),
      HALF: flag(half),
      LEFT_HALF: flag(leftHalf),
      PRIVATE: flag(isSwiftShader(device)),
    },
    tiles: tilesOf(shape, tile),
  };
}

/** Returns the constants of the same kernel for the other tiles that this device may use. */
export function otherTiles(constants: Constants, { productTuning = DEFAULT_TUNING }: ProductDevice): Constants[] {
  const { TILE_ROWS, TILE_COLUMNS, MATRIX } = constants;
  if (!TILE_ROWS || MATRIX) return [];
  const narrow = TILE_COLUMNS <= 32;
  const tiles = TILES.slice(TILES.findIndex((tile) => sameTile(tile, productTuning.tile)));
  const all = tiles.map((tile) => ({ ...constants, ...registerConstants(narrow ? { ...tile, columns: 32 } : tile) }));
  return all.filter((other) => other.TILE_ROWS !== TILE_ROWS || other.TILE_COLUMNS !== TILE_COLUMNS);
}

/**
 * Chooses the largest tile of which there are enough, from the fastest one of this device on. A software adapter, which takes long
 * to compile and has few cores to occupy, uses a single size: SwiftShader compiles 32 columns in a third of the time of 64.
 */
function chooseTile(shape: ProductShape, device: ProductDevice): Tile {
  const { software, productTuning = DEFAULT_TUNING } = device;
  const { rows, gated, inParts } = shape;
  const columns = allColumns(shape);
  // Tiles are 32 columns wide if there are no more columns.
  const fit = (tile: Tile): Tile => (columns <= 32 && !gated ? { ...tile, columns: 32 } : tile);
  if (software) return fit({ rows: 64, columns: isSwiftShader(device) && !gated ? 32 : 64 });
  const from = TILES.findIndex((tile) => sameTile(tile, productTuning.tile));
  const suits = (tile: Tile) => {
    // A wider tile must not reach further beyond the last column.
    if (Math.ceil(columns / tile.columns) * tile.columns > Math.ceil(columns / 64) * 64) return false;
    if (inParts) return tile.rows <= Math.max(64, rows);
    return tilesOf(shape, fit(tile)) >= productTuning.fewTiles;
  };
  return fit(TILES.slice(from).find(suits) ?? TILES.at(-1)!);
}

/** A gate and a value are two columns of a tile. */
const allColumns = ({ columns, gated }: ProductShape) => (gated ? 2 * columns : columns);

export const tilesOf = (shape: ProductShape, tile: Tile) =>
  Math.ceil(shape.rows / tile.rows) * Math.ceil(allColumns(shape) / tile.columns);

/**
 * The constants of product_registers.wgsl and product_private.wgsl. In the largest tile a thread computes 16 rows and not 8, so that it
 * reads from workgroup memory a quarter less for each sum, which is what bounds products on an H200; its registers leave a GPU
 * half as many threads.
 */
function registerConstants({ rows, columns }: Tile): Constants {
  const rowVec4s = columns > 64 ? 4 : rows > 32 ? 2 : 1;
  const halves = columns > 32 ? 2 : 1;
  const threads = (rows / rowVec4s / 4) * (columns / halves / 4);
  return {
    MATRIX: 0,
    TILE_ROWS: rows,
    TILE_COLUMNS: columns,
    HALVES: halves,
    WIDE: halves - 1,
    PART_ROWS: 16 / halves,
    ROW_VEC4S: rowVec4s,
    THREADS: threads,
    // The number of vec4s of each factor that a thread loads if its rows / columns are contiguous in memory; LEFT_ALL and
    // RIGHT_ALL say whether all threads load if they are not.
    LEFT_LOADS: (rows * 4) / threads,
    // The inner positions that a thread loads are 4 or 8 apart; each sum of left's rows covers those that are 8 apart.
    LEFT_CLASSES: (rows * 2) / threads,
    RIGHT_LOADS: (columns * 4) / threads,
    LEFT_ALL: flag(rows === threads),
    RIGHT_ALL: flag(columns === threads),
  };
}

/** The constants of product_matrix.wgsl. */
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
    // The number of vec4s of 32 rows of the tile, 8 in each row, that each thread loads.
    FETCHES: (32 * 8) / matrixThreads(units),
  };
}
