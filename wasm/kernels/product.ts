// Every matrix product of the model, forward and backward:
//
//     sum[i, c] = sum over k of left(i, k) * right(c, k)
//
//     left(i, k)  at left + from(i) * leftStride + k, and second [rows, secondInner] beside it;
//                 with leftAlong at left + from(k) * leftStride + i                            from(n) = gather[n] or n
//     right(c, k) at right + row(c) * rightStride + k;
//                 with rightAlong at right + row(k) * rightStride + c                          row(n) = packedRow(n)
//     with `value`, the sums of right and of value alternate: the gated hidden layer
//
// epilogue.ts has the epilogues. The work is divided into blocks of rows x columns; a thread takes neighbouring ones,
// column block by column block, so that it rarely packs a part of the right side again. The inner dimension is summed
// in chunks of 256, and these in order: the bits depend neither on the blocks nor on the threads.
import { CHUNK, TILE_ROWS } from "../out/shared";
import { Product } from "./commands";
import { packedRow, storeGated, storeGatedBackward, storeSums } from "./epilogue";
import { packColumns, packRows, packStripAcross, packStrips, STRIP_STEP } from "./pack";
import { nextOf } from "./threads";
import { multiplyRows } from "./tile";

export function product(p: Product, thread: u32, threads: u32): void {
  const rowBlocks = (p.rows + p.rowBlock - 1) / p.rowBlock;
  const columnBlocks = (p.columns + p.columnBlock - 1) / p.columnBlock;
  const items = rowBlocks * columnBlocks;
  const inner = p.inner + p.secondInner;
  // A panel has four columns of gates and four of values, or else eight columns.
  const panelColumns: u32 = p.value ? 4 : 8;
  const panels = (p.columnBlock + panelColumns - 1) / panelColumns;
  const stride = (<usize>panels) << 5;
  const biases = p.scratch + <usize>thread * p.scratchBytes;
  const sums = biases + ((<usize>(panels * panelColumns)) << 2);
  const tiles = (p.rowBlock + TILE_ROWS - 1) / TILE_ROWS;
  const strips = sums + stride * (tiles * TILE_ROWS);
  // The strips of all rows are kept for all columns, and which blocks of rows have them; or else those of a block's chunk.
  const depth = (inner + 3) & ~3;
  const stripBlocks: u32 = p.keepsLeft ? rowBlocks : 1;
  const blockBytes = <usize>tiles * ((p.keepsLeft ? depth : min(CHUNK, depth)) * STRIP_STEP);
  const havePacked = strips + stripBlocks * blockBytes;
  const packed = havePacked + ((stripBlocks + 15) & ~15);
  memory.fill(havePacked, 0, stripBlocks);
  // The packed right side of a block is kept for its rows, unless the inner dimension is long.
  const keepsRight = !p.leftAlong;
  let packedBlock: u32 = -1;
  for (let item = nextOf(items, threads); item < items; item = nextOf(items, threads)) {
    const block = item / rowBlocks;
    const rowBlock = item % rowBlocks;
    const firstRow = rowBlock * p.rowBlock;
    const firstColumn = block * p.columnBlock;
    const rows = min(p.rowBlock, p.rows - firstRow);
    const columns = min(p.columnBlock, p.columns - firstColumn);
    const panelCount = (columns + panelColumns - 1) / panelColumns;
    for (let start: u32 = 0; start < inner; ) {
      // A chunk ends where the second left side begins.
      const chunk = min(CHUNK, start < p.inner ? p.inner - start : inner - start);
      const right = keepsRight ? packed + ((<usize>start * panels) << 5) : packed;
      if (!keepsRight || packedBlock != block) packRight(p, firstColumn, columns, start, chunk, right);
      const left = p.keepsLeft ? strips + rowBlock * blockBytes + <usize>tiles * (start * STRIP_STEP) : strips;
      const packs = !p.keepsLeft || !load<u8>(havePacked + rowBlock);
      multiplyBlock(p, firstRow, rows, start, chunk, left, packs, right, panelCount, sums, stride);
      start += chunk;
    }
    packedBlock = block;
    if (p.keepsLeft) store<u8>(havePacked + rowBlock, 1);
    let bias = p.bias ? p.bias + ((<usize>firstColumn) << 2) : 0;
    if (p.bias && p.packedWidth) {
      packBiases(p, firstColumn, columns, biases);
      bias = biases;
    }
    for (let r: u32 = 0; r < rows; r++) {
      const rowSums = sums + r * stride;
      if (p.dgate) storeGatedBackward(p, rowSums, firstRow + r, firstColumn, columns);
      else if (p.value) storeGated(p, rowSums, firstRow + r, firstColumn, columns);
      else storeSums(p, bias, rowSums, firstRow + r, firstColumn, columns);
    }
  }
}

/** Writes the biases of neighbouring columns of the packed qkv weight in the order of the columns. */
function packBiases(p: Product, first: u32, columns: u32, out: usize): void {
  for (let c: u32 = 0; c < columns; c++) {
    store<f32>(out + ((<usize>c) << 2), load<f32>(p.bias + ((<usize>packedRow(first + c, p.packedWidth)) << 2)));
  }
}

function packRight(p: Product, firstColumn: u32, columns: u32, start: u32, inner: u32, panel: usize): void {
  const rowBytes = (<usize>p.rightStride) << 2;
  if (p.rightAlong) {
    for (let c: u32 = 0; c < columns; c += 8, panel += (<usize>inner) << 5) {
      const from = p.right + ((<usize>(firstColumn + c)) << 2);
      if (!p.packedWidth) packColumns(from + rowBytes * start, rowBytes, columns - c, inner, panel);
      else {
        for (let k: u32 = 0; k < inner; k++) {
          packColumns(
            from + rowBytes * packedRow(start + k, p.packedWidth),
            0,
            columns - c,
            1,
            panel + ((<usize>k) << 5),
          );
        }
      }
    }
    return;
  }
  const offset = (<usize>start) << 2;
  const last = firstColumn + columns - 1;
  const first = p.right + offset;
  const second = offset + (p.value ? p.value : p.right);
  const columnsOfEach: u32 = p.value ? 4 : 8;
  for (let c = firstColumn; c <= last; c += columnsOfEach, panel += (<usize>inner) << 5) {
    const d = p.value ? c : c + 4;
    packRows(
      first + rowBytes * packedRow(c, p.packedWidth),
      first + rowBytes * packedRow(min(c + 1, last), p.packedWidth),
      first + rowBytes * packedRow(min(c + 2, last), p.packedWidth),
      first + rowBytes * packedRow(min(c + 3, last), p.packedWidth),
      second + rowBytes * packedRow(min(d, last), p.packedWidth),
      second + rowBytes * packedRow(min(d + 1, last), p.packedWidth),
      second + rowBytes * packedRow(min(d + 2, last), p.packedWidth),
      second + rowBytes * packedRow(min(d + 3, last), p.packedWidth),
      inner,
      panel,
    );
  }
}

/** Multiplies the rows of a block by the packed right side. */
function multiplyBlock(
  p: Product,
  firstRow: u32,
  rows: u32,
  start: u32,
  inner: u32,
  strips: usize,
  packs: bool,
  right: usize,
  panels: u32,
  sums: usize,
  stride: usize,
): void {
  const stripBytes = inner * STRIP_STEP;
  if (p.leftAlong) {
    packAcross(p, firstRow, rows, start, inner, strips);
    multiplyRows(strips, stripBytes, STRIP_STEP, rows, right, panels, inner, sums, stride, start > 0);
    return;
  }
  const second = start >= p.inner;
  const left = second ? p.second + ((<usize>(start - p.inner)) << 2) : p.left + ((<usize>start) << 2);
  const rowBytes = (<usize>(second ? p.secondInner : p.leftStride)) << 2;
  const gather = second ? 0 : p.gather;
  // Each strip is multiplied while it is in the L1 cache.
  const step = p.keepsLeft ? stripBytes : 0;
  for (let r: u32 = 0; r < rows; r += TILE_ROWS, sums += TILE_ROWS * stride, strips += step) {
    const count = min(TILE_ROWS, rows - r);
    if (packs) packStrips(left, rowBytes, gather, firstRow + r, count, inner, strips);
    multiplyRows(strips, stripBytes, STRIP_STEP, count, right, panels, inner, sums, stride, start > 0);
  }
}

/** The number of steps of the inner dimension after which the next strip is filled, so that few cache lines are used at a time. */
const STEPS: u32 = 8;

function packAcross(p: Product, firstRow: u32, rows: u32, start: u32, inner: u32, strips: usize): void {
  const rowBytes = (<usize>p.leftStride) << 2;
  const left = p.left + ((<usize>firstRow) << 2);
  const steps: u32 = p.gather ? 1 : STEPS;
  for (let k: u32 = 0; k < inner; k += steps, strips += steps * STRIP_STEP) {
    const at = start + k;
    const from: usize = p.gather ? load<u32>(p.gather + ((<usize>at) << 2)) : at;
    let row = left + from * rowBytes;
    let strip = strips;
    for (let r: u32 = 0; r < rows; r += TILE_ROWS, row += STRIP_STEP, strip += inner * STRIP_STEP) {
      packStripAcross(row, rowBytes, rows - r, min(steps, inner - k), strip);
    }
  }
}
