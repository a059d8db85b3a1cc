// How much memory a thread needs beside a command's tensors, and how products are cut into blocks. The kernels lay it out
// (wasm/kernels); here the same sizes are added up.

const eights = (n: number) => Math.ceil(n / 8) * 8;
const fours = (n: number) => Math.ceil(n / 4) * 4;

/** What the kernels know too (wasm/kernels/derived.mjs hands it to them). */
export const kernelSizes = {
  /** Inner dimension of one stretch of a product. */
  STRETCH: 256,
  /** Balls up to this size keep the distances between all their points for all heads. */
  KEPT_DISTANCES: 512,
  /** Rows of a tile. */
  TILE_ROWS: 6,
  /** Queries that go through scores and softmax together, so that all of it stays in the first cache: four tiles of rows. */
  QUERIES: 24,
};
const { STRETCH, KEPT_DISTANCES, TILE_ROWS, QUERIES } = kernelSizes;

/** A packed right side should stay in the second cache. */
const PACKED_BYTES = 2 ** 18;
export interface Cut {
  rowBlock: number;
  columnBlock: number;
  scratchBytes: number;
}

/** Blocks of a product: large enough to be worth packing for, small enough for a share for every thread. */
export function cutProduct(
  { rows, columns, inner }: { rows: number; columns: number; inner: number },
  { gated, leftAlong }: { gated: boolean; leftAlong: boolean },
  threads: number,
): Cut {
  const panelColumns = gated ? 4 : 8;
  const kept = leftAlong ? STRETCH : inner;
  const mostPanels = Math.max(2, Math.min(leftAlong ? 16 : 8, Math.floor(PACKED_BYTES / (kept * 32))));
  const evenly = (size: number, most: number, step: number) => {
    const blocks = Math.ceil(size / most);
    return Math.ceil(Math.ceil(size / blocks) / step) * step;
  };
  let rowBlock = evenly(rows, 128, TILE_ROWS);
  let columnBlock = evenly(columns, mostPanels * panelColumns, panelColumns);
  const items = () => Math.ceil(rows / rowBlock) * Math.ceil(columns / columnBlock);
  while (items() < 2 * threads && (rowBlock > 32 || columnBlock > 2 * panelColumns)) {
    if (rowBlock > 32) rowBlock = evenly(rows, rowBlock / 2, TILE_ROWS);
    else columnBlock = evenly(columns, columnBlock / 2, panelColumns);
  }
  const panels = Math.ceil(columnBlock / panelColumns);
  const sums = panels * 32 * rowBlock;
  const left = leftAlong ? STRETCH * fours(rowBlock) * 4 : 0;
  const biases = panels * panelColumns * 4;
  return { rowBlock, columnBlock, scratchBytes: biases + sums + left + panels * 32 * kept };
}

interface BallShape {
  largest: number;
  headWidth: number;
  dimensions: number;
}

const distanceNumbers = (largest: number) => (largest <= KEPT_DISTANCES ? largest : 1) * eights(largest);

export function attentionScratch({ largest, headWidth, dimensions }: BallShape): number {
  const most = eights(largest);
  const head = eights(headWidth);
  const packed = most * (dimensions + headWidth + head);
  return 4 * (head + packed + QUERIES * (most + head + 1) + distanceNumbers(largest));
}

export function attentionBackwardScratch({ largest, headWidth, dimensions }: BallShape): number {
  const most = eights(largest);
  const head = eights(headWidth);
  const packed = most * (dimensions + 2 * headWidth + head) + 2 * QUERIES * head;
  const blocks = 4 * QUERIES * most;
  return 4 * (head + packed + blocks + 2 * (most + TILE_ROWS) * head + QUERIES * head + distanceNumbers(largest));
}

/** `rows` rows of a vector's width, padded. */
export const paddedRows = (rows: number, width: number) => 4 * rows * fours(width);

/** Width of a row of message products. */
export const paddedWidth = fours;
