// How much memory a thread needs in addition to a command's tensors, and how products are divided into blocks. The sizes here add up
// the arrays that the kernels (wasm/kernels) place in that memory.

const eights = (n: number) => Math.ceil(n / 8) * 8;
const sixes = (n: number) => Math.ceil(n / TILE_ROWS) * TILE_ROWS;
const sixteens = (n: number) => Math.ceil(n / 16) * 16;
const fours = (n: number) => Math.ceil(n / 4) * 4;

/** Constants that the kernels share (wasm/kernels/derived.mjs passes them on). */
export const kernelSizes = {
  /** The inner dimension of one chunk of a product. */
  CHUNK: 256,
  /** For balls up to this size the distances between all points are kept for all heads. */
  KEPT_DISTANCES: 512,
  /** The rows of a tile. */
  TILE_ROWS: 6,
  /** The queries whose scores and softmax are computed together, so that these stay in the L1 cache: four tiles of rows. */
  QUERIES: 24,
  /** The edges whose messages are computed one after the other before they are normalised: each waits long for its own mean. */
  EDGES: 8,
};
const { CHUNK, KEPT_DISTANCES, TILE_ROWS, QUERIES, EDGES } = kernelSizes;

/** The maximum size of a packed factor, which should stay in the L2 cache. */
const PACKED_BYTES = 2 ** 19;

export interface Cut {
  rowBlock: number;
  columnBlock: number;
  /** Whether a thread keeps the packed rows of the left factor for all columns. */
  keepsLeft: boolean;
  scratchBytes: number;
}

/** Divides a product into blocks: large enough to be worth packing, small enough for every thread to get a share. */
export function cutProduct(
  { rows, columns, inner }: { rows: number; columns: number; inner: number },
  { gated, leftAlong }: { gated: boolean; leftAlong: boolean },
  threads: number,
): Cut {
  const panelColumns = gated ? 4 : 8;
  const kept = leftAlong ? CHUNK : inner;
  const maxPanels = Math.max(2, Math.min(16, Math.floor(PACKED_BYTES / (kept * 32))));
  const evenly = (size: number, maxSize: number, step: number) => {
    const blocks = Math.ceil(size / maxSize);
    return Math.ceil(Math.ceil(size / blocks) / step) * step;
  };
  // A product without rows or columns has blocks of the least size, none of which is computed.
  let rowBlock = evenly(Math.max(rows, 1), 128, TILE_ROWS);
  let columnBlock = evenly(Math.max(columns, 1), maxPanels * panelColumns, panelColumns);
  const items = () => Math.ceil(rows / rowBlock) * Math.ceil(columns / columnBlock);
  while (items() < 2 * threads && (rowBlock > 32 || columnBlock > 2 * panelColumns)) {
    if (rowBlock > 32) rowBlock = evenly(rows, rowBlock / 2, TILE_ROWS);
    else columnBlock = evenly(columns, columnBlock / 2, panelColumns);
  }
  const panels = Math.ceil(columnBlock / panelColumns);
  const sums = panels * 32 * sixes(rowBlock);
  const rowBlocks = Math.ceil(rows / rowBlock);
  const strips = sixes(rowBlock) * fours(inner) * 4;
  const keepsLeft = !leftAlong && columns > columnBlock && rowBlocks * strips <= PACKED_BYTES;
  const stripBlocks = keepsLeft ? rowBlocks : 1;
  const left =
    stripBlocks * (keepsLeft ? strips : Math.min(strips, sixes(rowBlock) * CHUNK * 4)) + sixteens(stripBlocks);
  const biases = panels * panelColumns * 4;
  return { rowBlock, columnBlock, keepsLeft, scratchBytes: biases + sums + left + panels * 32 * kept };
}

interface BallShape {
  largest: number;
  headWidth: number;
  dimensions: number;
}

/**
 * All distances of a small ball, which others of the batch may be beside the largest, or those from all points to a block of queries,
 * and as many as a block may read too many.
 */
function distanceElements(largest: number): number {
  const kept = Math.min(largest, KEPT_DISTANCES);
  return Math.max(kept * eights(kept), QUERIES * largest) + QUERIES;
}

export function attentionScratch({ largest, headWidth, dimensions }: BallShape): number {
  const head = eights(headWidth);
  const packed = eights(largest) * (dimensions + head) + (sixes(largest) + QUERIES) * headWidth;
  const blocks = QUERIES * (sixes(largest) + head + 2);
  return 4 * (packed + blocks + distanceElements(largest));
}

export function attentionBackwardScratch({ largest, headWidth, dimensions }: BallShape): number {
  const keys = eights(largest);
  const head = eights(headWidth);
  const packed = keys * (dimensions + 2 * headWidth + head) + 2 * QUERIES * (head + headWidth);
  const blocks = 3 * QUERIES * keys + eights(TILE_ROWS);
  return 4 * (packed + blocks + 2 * sixes(largest) * head + QUERIES * head + distanceElements(largest));
}

/** The bytes of `rows` rows whose width is padded to whole vectors. */
export const paddedRows = (rows: number, width: number) => 4 * rows * fours(width);

/** Three axes, the messages of a few edges, and the sums of a node's. */
export const messageScratch = (width: number) => paddedRows(3 + EDGES + 1, width);

/** The padded width of a row of message products. */
export const paddedWidth = fours;
