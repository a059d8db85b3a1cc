// How a matrix product is cut into tiles, and which kind of product.wgsl does it.

import type { DeviceInfo, MatrixUnits } from "../device.ts";
import type { Constants } from "./kernels.ts";

/** A product as its kernel sees it; product.wgsl says what the words mean. */
export interface ProductShape {
  rows: number;
  /** Columns of all tiles. */
  columns: number;
  /** Lengths of the rows of the arrays concerned, and where in them the product begins. */
  widths: readonly number[];
  norm?: boolean;
  leftAlong?: boolean;
  rightAlong?: boolean;
  half?: boolean;
  /** It is taken in as many parts as it takes to occupy a GPU: no need for smaller tiles. */
  inParts?: boolean;
}

/**
 * Tiles are halved, to 32 rows, where there would be fewer: they would not occupy a large GPU, which takes up to some thousand
 * workgroups at a time. Whole tiles read less.
 */
const FEW_TILES = 256;

/** The gate's and the value's columns of the hidden layer, 32 of each a tile. */
export const gatedColumns = (hiddenWidth: number) => Math.ceil(hiddenWidth / 32) * 64;

/** Threads of product_matrix.wgsl. */
export const matrixThreads = ({ rows, columns, subgroup }: MatrixUnits) => subgroup * (32 / rows) * (32 / columns);

/**
 * Constants of product.wgsl and the number of tiles. A software adapter, which takes long to compile and has few cores to
 * occupy, has whole tiles only.
 */
export function productCut(
  shape: ProductShape,
  { software, subgroupSize, matrixUnits }: Pick<DeviceInfo, "software" | "subgroupSize" | "matrixUnits">,
): { constants: Constants; tiles: number } {
  const { rows, columns, widths, norm, leftAlong, rightAlong, half, inParts } = shape;
  // 32 columns a tile where no more are needed, else 64.
  const halves = columns > 32 ? 2 : 1;
  const tilesOf = (tileRows: number) => Math.ceil(rows / tileRows) * Math.ceil(columns / (32 * halves));
  const rowHalves = software || inParts || tilesOf(64) >= FEW_TILES ? 2 : 1;
  return {
    constants: {
      ROW_HALVES: rowHalves,
      HALVES: halves,
      QUADS: widths.every((width) => width % 4 === 0) ? 1 : 0,
      NORM: norm ? 1 : 0,
      LEFT_ALONG: leftAlong ? 1 : 0,
      RIGHT_ALONG: rightAlong ? 1 : 0,
      HALF: half ? 1 : 0,
      // SwiftShader, in hosts that give access to subgroups; lavapipe's are of eight.
      PRIVATE: software && subgroupSize === 4 ? 1 : 0,
      ...(half && matrixUnits ? matrixConstants(matrixUnits) : { MATRIX: 0 }),
    },
    tiles: tilesOf(32 * rowHalves),
  };
}

/** What product_matrix.wgsl needs to know besides. */
function matrixConstants(units: MatrixUnits): Constants {
  return {
    MATRIX: 1,
    MATRIX_ROWS: units.rows,
    MATRIX_COLUMNS: units.columns,
    MATRIX_INNER: units.inner,
    SUBGROUP_SIZE: units.subgroup,
    // Quads of 32 rows of the tile, 8 a row, that each thread fetches.
    FETCHES: (32 * 8) / matrixThreads(units),
  };
}
