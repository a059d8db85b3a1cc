// The epilogues of products: each takes the sums of one row of a block, which is in the L1 cache: those of `count` columns from
// `firstColumn` on. Formulas: gpu/linear.wgsl, gpu/norm_swiglu.wgsl, gpu/swiglu_backward.wgsl.
import { Product } from "./commands";
import { gated, storeGradients } from "./swiglu";
import { loadSome, storeSome } from "./vectors";

/** Returns the row of the reference's packed qkv weight that holds column (t, h, e): (h, e, t). (gpu/packing.wgsl) */
export function packedRow(column: u32, width: u32): u32 {
  return width ? (column % width) * 3 + column / width : column;
}

/** out[to(i), c] (+)= sum + bias[c] + residual[to(i), c]; `bias` is the address of the first column's, or 0. */
export function storeSums(p: Product, bias: usize, sums: usize, row: u32, firstColumn: u32, count: u32): void {
  const to = p.scatter ? load<u32>(p.scatter + ((<usize>row) << 2)) : packedRow(row, p.outPackedWidth);
  const place = (<usize>to * p.outStride + firstColumn) << 2;
  if (bias) addRow(sums, bias, count);
  if (p.residual) addRow(sums, p.residual + place, count);
  if (p.accumulate) addRow(sums, p.out + place, count);
  copyRow(sums, p.out + place, count);
}

function addRow(sums: usize, row: usize, count: u32): void {
  const end = sums + ((<usize>(count & ~3)) << 2);
  for (; sums < end; sums += 16, row += 16) v128.store(sums, f32x4.add(v128.load(row), v128.load(sums)));
  const rest = count & 3;
  if (rest) v128.store(sums, f32x4.add(loadSome(row, rest), v128.load(sums)));
}

function copyRow(sums: usize, out: usize, count: u32): void {
  const end = sums + ((<usize>(count & ~3)) << 2);
  for (; sums < end; sums += 16, out += 16) v128.store(out, v128.load(sums));
  const rest = count & 3;
  if (rest) storeSome(out, v128.load(sums), rest);
}

/** hidden = value * SiLU(gate). Each panel holds four gates, then four values. */
export function storeGated(p: Product, sums: usize, row: u32, firstColumn: u32, count: u32): void {
  const place = (<usize>row * p.outStride + firstColumn) << 2;
  const gates = p.bias + ((<usize>firstColumn) << 2);
  const values = p.valueBias + ((<usize>firstColumn) << 2);
  const whole = (<usize>(count & ~3)) << 2;
  for (let c: usize = 0; c < whole; c += 16) {
    const gate = f32x4.add(v128.load(sums + 2 * c), v128.load(gates + c));
    const value = f32x4.add(v128.load(sums + 2 * c, 16), v128.load(values + c));
    v128.store(p.out + place + c, gated(gate, value));
    if (!p.keptGate) continue;
    v128.store(p.keptGate + place + c, gate);
    v128.store(p.keptValue + place + c, value);
  }
  const rest = count & 3;
  if (!rest) return;
  const gate = f32x4.add(v128.load(sums + 2 * whole), loadSome(gates + whole, rest));
  const value = f32x4.add(v128.load(sums + 2 * whole, 16), loadSome(values + whole, rest));
  storeSome(p.out + place + whole, gated(gate, value), rest);
  if (!p.keptGate) return;
  storeSome(p.keptGate + place + whole, gate, rest);
  storeSome(p.keptValue + place + whole, value, rest);
}

/** Computes hidden, dgate and dvalue; hidden holds its gradient before. */
export function storeGatedBackward(p: Product, sums: usize, row: u32, firstColumn: u32, count: u32): void {
  const place = (<usize>row * p.outStride + firstColumn) << 2;
  const gates = p.bias + ((<usize>firstColumn) << 2);
  const values = p.valueBias + ((<usize>firstColumn) << 2);
  for (let c: u32 = 0; c < count; c += 4) {
    const some = count - c;
    const step = (<usize>c) << 2;
    const gate = f32x4.add(v128.load(sums + 2 * step), loadSome(gates + step, some));
    const value = f32x4.add(v128.load(sums + 2 * step, 16), loadSome(values + step, some));
    const at = place + step;
    storeGradients(gate, value, p.out + at, p.dgate + at, p.dvalue + at, some);
  }
}
