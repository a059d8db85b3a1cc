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
import { packColumns, packRows } from "./pack";
import { nextOf } from "./threads";
import { multiplyRows } from "./tile";
import { loadSome, storeTransposed } from "./vectors";

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
  const leftRows = sums + stride * (((p.rowBlock + TILE_ROWS - 1) / TILE_ROWS) * TILE_ROWS);
  const packed = leftRows + (p.leftAlong ? (<usize>CHUNK * ((p.rowBlock + 3) & ~3)) << 2 : 0);
  // The packed right side of a block is kept for its rows, unless the inner dimension is long.
  const keeps = !p.leftAlong;
  let packedBlock: u32 = -1;
  for (let item = nextOf(items, threads); item < items; item = nextOf(items, threads)) {
    const block = item / rowBlocks;
    const firstRow = (item % rowBlocks) * p.rowBlock;
    const firstColumn = block * p.columnBlock;
    const rows = min(p.rowBlock, p.rows - firstRow);
    const columns = min(p.columnBlock, p.columns - firstColumn);
    const panelCount = (columns + panelColumns - 1) / panelColumns;
    for (let start: u32 = 0; start < inner; ) {
      // A chunk ends where the second left side begins.
      const chunk = min(CHUNK, start < p.inner ? p.inner - start : inner - start);
      const right = keeps ? packed + ((<usize>start * panels) << 5) : packed;
      if (!keeps || packedBlock != block) packRight(p, firstColumn, columns, start, chunk, right);
      if (p.leftAlong) packLeft(p, firstRow, rows, start, chunk, leftRows);
      if (p.leftAlong) {
        multiplyRows(leftRows, CHUNK << 2, 0, 0, rows, right, panelCount, chunk, sums, stride, start > 0);
      } else if (start < p.inner) {
        const left = p.left + ((<usize>start) << 2);
        const rowBytes = p.leftStride << 2;
        multiplyRows(left, rowBytes, p.gather, firstRow, rows, right, panelCount, chunk, sums, stride, start > 0);
      } else {
        const left = p.second + ((<usize>(start - p.inner)) << 2);
        const rowBytes = p.secondInner << 2;
        multiplyRows(left, rowBytes, 0, firstRow, rows, right, panelCount, chunk, sums, stride, start > 0);
      }
      start += chunk;
    }
    packedBlock = block;
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
  if (p.value) {
    const gates = p.right + offset;
    const values = p.value + offset;
    for (let c = firstColumn; c <= last; c += 4, panel += (<usize>inner) << 5) {
      const row0 = rowBytes * c;
      const row1 = rowBytes * min(c + 1, last);
      const row2 = rowBytes * min(c + 2, last);
      const row3 = rowBytes * min(c + 3, last);
      packRows(
        gates + row0,
        gates + row1,
        gates + row2,
        gates + row3,
        values + row0,
        values + row1,
        values + row2,
        values + row3,
        inner,
        0,
        panel,
      );
    }
    return;
  }
  const right = p.right + offset;
  for (let c = firstColumn; c <= last; c += 8, panel += (<usize>inner) << 5) {
    packRows(
      right + rowBytes * packedRow(c, p.packedWidth),
      right + rowBytes * packedRow(min(c + 1, last), p.packedWidth),
      right + rowBytes * packedRow(min(c + 2, last), p.packedWidth),
      right + rowBytes * packedRow(min(c + 3, last), p.packedWidth),
      right + rowBytes * packedRow(min(c + 4, last), p.packedWidth),
      right + rowBytes * packedRow(min(c + 5, last), p.packedWidth),
      right + rowBytes * packedRow(min(c + 6, last), p.packedWidth),
      right + rowBytes * packedRow(min(c + 7, last), p.packedWidth),
      inner,
      0,
      panel,
    );
  }
}

/** Writes rows of CHUNK elements from a transposed left side; the chunk is padded to a multiple of 4. */
function packLeft(p: Product, firstRow: u32, rows: u32, start: u32, inner: u32, out: usize): void {
  const last = start + inner - 1;
  const rowBytes = (<usize>p.leftStride) << 2;
  for (let k = start; k <= last; k += 4, out += 16) {
    let at0: usize = k;
    let at1: usize = min(k + 1, last);
    let at2: usize = min(k + 2, last);
    let at3: usize = min(k + 3, last);
    if (p.gather) {
      at0 = load<u32>(p.gather + (at0 << 2));
      at1 = load<u32>(p.gather + (at1 << 2));
      at2 = load<u32>(p.gather + (at2 << 2));
      at3 = load<u32>(p.gather + (at3 << 2));
    }
    const left = p.left + ((<usize>firstRow) << 2);
    const from0 = left + at0 * rowBytes;
    const from1 = left + at1 * rowBytes;
    const from2 = left + at2 * rowBytes;
    const from3 = left + at3 * rowBytes;
    for (let r: u32 = 0; r < rows; r += 4) {
      const step = (<usize>r) << 2;
      const into = out + ((<usize>r * CHUNK) << 2);
      storeTransposed(
        loadSome(from0 + step, rows - r),
        loadSome(from1 + step, rows - r),
        loadSome(from2 + step, rows - r),
        loadSome(from3 + step, rows - r),
        into,
        CHUNK << 2,
      );
    }
  }
}
