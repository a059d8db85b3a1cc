// The epilogues of products: each takes the sums of one row of a block, which is in the L1 cache: those of `count` columns from
// `firstColumn` on. Formulas: gpu/linear.wgsl, gpu/norm_swiglu.wgsl, gpu/swiglu_backward.wgsl.
import { Product } from "./commands";
import { loadSome, sigmoid4, storeSome } from "./vectors";

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
  const whole = (<usize>(count & ~3)) << 2;
  const rest = count & 3;
  const out = p.out + ((<usize>row * p.outStride + firstColumn) << 2);
  const gates = p.bias + ((<usize>firstColumn) << 2);
  const values = p.valueBias + ((<usize>firstColumn) << 2);
  for (let c: usize = 0; c < whole; c += 16) {
    v128.store(out + c, gated(sums + 2 * c, v128.load(gates + c), v128.load(values + c)));
  }
  if (rest) {
    const biases = loadSome(gates + whole, rest);
    storeSome(out + whole, gated(sums + 2 * whole, biases, loadSome(values + whole, rest)), rest);
  }
}

function gated(sums: usize, gateBias: v128, valueBias: v128): v128 {
  const gate = f32x4.add(v128.load(sums), gateBias);
  return f32x4.mul(f32x4.mul(f32x4.add(v128.load(sums, 16), valueBias), gate), sigmoid4(gate));
}

/** Computes hidden, dgate and dvalue; hidden holds its gradient before. */
export function storeGatedBackward(p: Product, sums: usize, row: u32, firstColumn: u32, count: u32): void {
  const one = f32x4.splat(1);
  const place = (<usize>row * p.outStride + firstColumn) << 2;
  const gates = p.bias + ((<usize>firstColumn) << 2);
  const values = p.valueBias + ((<usize>firstColumn) << 2);
  for (let c: u32 = 0; c < count; c += 4) {
    const some = count - c;
    const step = (<usize>c) << 2;
    const gate = f32x4.add(v128.load(sums + 2 * step), loadSome(gates + step, some));
    const value = f32x4.add(v128.load(sums + 2 * step, 16), loadSome(values + step, some));
    const share = sigmoid4(gate);
    const dhidden = loadSome(p.out + place + step, some);
    const opened = f32x4.mul(gate, share);
    storeSome(p.out + place + step, f32x4.mul(value, opened), some);
    const derivative = f32x4.mul(share, f32x4.add(one, f32x4.mul(gate, f32x4.sub(one, share))));
    storeSome(p.dgate + place + step, f32x4.mul(f32x4.mul(dhidden, value), derivative), some);
    storeSome(p.dvalue + place + step, f32x4.mul(dhidden, opened), some);
  }
}
