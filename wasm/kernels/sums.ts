// Sums over the rows of a matrix, and over the middle one of three axes: a thread takes whole columns, four at a time.
// Sums of 256 rows each are added up in order. Formulas: gpu/column_sums.wgsl, gpu/sum_axis.wgsl.
import { ColumnSums, SumAxis } from "./commands";
import { packedRow } from "./epilogue";
import { firstOf } from "./threads";
import { loadSome, madd, storeSome, sumOf } from "./vectors";

export const PART_ROWS: u32 = 256;
/** Columns are divided among threads by cache lines of this many elements. */
export const GROUP: u32 = 16;

/** out[to(c)] (+)= sum of x[row, c] (* factor[from(row), c]) (* scale[row]); to(c) = packedRow(c) * outStep. */
export function columnSums(p: ColumnSums, thread: u32, threads: u32): void {
  const groups = (p.columns + GROUP - 1) / GROUP;
  const end = min(p.columns, firstOf(groups, thread + 1, threads) * GROUP);
  const stride = (<usize>p.stride) << 2;
  for (let c = firstOf(groups, thread, threads) * GROUP; c < end; c += 4) {
    const some = end - c;
    let total = f32x4.splat(0);
    for (let part: u32 = 0; part < p.rows; part += PART_ROWS) {
      const last = min(part + PART_ROWS, p.rows);
      let sum = f32x4.splat(0);
      let x = p.x + part * stride + ((<usize>c) << 2);
      for (let row = part; row < last; row++, x += stride) {
        let value = loadSome(x, some);
        if (p.scale) value = f32x4.mul(value, v128.load_splat<f32>(p.scale + ((<usize>row) << 2)));
        if (p.factor) {
          const from: usize = p.factorGather ? load<u32>(p.factorGather + ((<usize>row) << 2)) : row;
          sum = madd(value, loadSome(p.factor + ((from * p.factorStride + c) << 2), some), sum);
        } else sum = f32x4.add(sum, value);
      }
      total = f32x4.add(total, sum);
    }
    if (some > 0) put(p, c, f32x4.extract_lane(total, 0));
    if (some > 1) put(p, c + 1, f32x4.extract_lane(total, 1));
    if (some > 2) put(p, c + 2, f32x4.extract_lane(total, 2));
    if (some > 3) put(p, c + 3, f32x4.extract_lane(total, 3));
  }
}

function put(p: ColumnSums, column: u32, value: f32): void {
  const out = p.out + ((<usize>packedRow(column, p.packedWidth) * p.outStep) << 2);
  store<f32>(out, p.accumulate ? load<f32>(out) + value : value);
}

/** out[o, i] (+)= factor * sum over m of x[o, m, i]. */
export function sumAxis(p: SumAxis, thread: u32, threads: u32): void {
  const groups = (p.inner + GROUP - 1) / GROUP;
  const end = firstOf(p.outer * groups, thread + 1, threads);
  for (let item = firstOf(p.outer * groups, thread, threads); item < end; item++) {
    const outer = item / groups;
    const x = p.x + ((<usize>outer * p.middle * p.inner) << 2);
    const first = (item % groups) * GROUP;
    const last = min(first + GROUP, p.inner);
    for (let c = first; c < last; c += 4) {
      const total =
        p.inner == 1
          ? f32x4.splat(sumOfRow(x, p.middle))
          : sumOfRows(x + ((<usize>c) << 2), p.middle, p.inner, last - c);
      const out = p.out + ((<usize>outer * p.inner + c) << 2);
      let value = f32x4.mul(total, f32x4.splat(p.factor));
      if (p.accumulate) value = f32x4.add(value, loadSome(out, last - c));
      storeSome(out, value, last - c);
    }
  }
}

function sumOfRows(x: usize, rows: u32, width: u32, some: u32): v128 {
  let total = f32x4.splat(0);
  for (let part: u32 = 0; part < rows; part += PART_ROWS) {
    let sum = f32x4.splat(0);
    const last = min(part + PART_ROWS, rows);
    for (let row = part; row < last; row++, x += (<usize>width) << 2) sum = f32x4.add(sum, loadSome(x, some));
    total = f32x4.add(total, sum);
  }
  return total;
}

/** Returns the sum of contiguous elements. */
function sumOfRow(x: usize, count: u32): f32 {
  let total = f32x4.splat(0);
  for (let part: u32 = 0; part < count; part += 4 * PART_ROWS) {
    let sum = f32x4.splat(0);
    const last = min(part + 4 * PART_ROWS, count);
    for (let i = part; i < last; i += 4) sum = f32x4.add(sum, loadSome(x + ((<usize>i) << 2), last - i));
    total = f32x4.add(total, sum);
  }
  return sumOf(total);
}
