// Moving and adding rows. Formulas: gpu/gather_rows.wgsl, gpu/scatter_rows.wgsl, gpu/gather_sum.wgsl, gpu/add.wgsl,
// gpu/scale.wgsl.
import { Add, Clear, Copy, GatherRows, GatherSum, Scale, ScatterRows } from "./commands";
import { firstElementOf, firstOf } from "./threads";
import { loadSome, storeSome } from "./vectors";

export function copy(p: Copy, thread: u32, threads: u32): void {
  const first = <usize>firstElementOf(p.bytes, thread, threads);
  memory.copy(p.to + first, p.from + first, firstElementOf(p.bytes, thread + 1, threads) - first);
}

export function clear(p: Clear, thread: u32, threads: u32): void {
  const first = <usize>firstElementOf(p.bytes, thread, threads);
  memory.fill(p.to + first, 0, firstElementOf(p.bytes, thread + 1, threads) - first);
}

export function add(p: Add, thread: u32, threads: u32): void {
  const end = firstElementOf(p.size, thread + 1, threads);
  for (let i = firstElementOf(p.size, thread, threads); i < end; i += 4) {
    const at = (<usize>i) << 2;
    storeSome(p.y + at, f32x4.add(loadSome(p.y + at, end - i), loadSome(p.x + at, end - i)), end - i);
  }
}

export function scale(p: Scale, thread: u32, threads: u32): void {
  const factor = v128.load_splat<f32>(p.factor);
  const end = firstElementOf(p.size, thread + 1, threads);
  for (let i = firstElementOf(p.size, thread, threads); i < end; i += 4) {
    const at = p.x + ((<usize>i) << 2);
    storeSome(at, f32x4.mul(loadSome(at, end - i), factor), end - i);
  }
}

export function gatherRows(p: GatherRows, thread: u32, threads: u32): void {
  const bytes = (<usize>p.width) << 2;
  const end = firstOf(p.rows, thread + 1, threads);
  for (let i = firstOf(p.rows, thread, threads); i < end; i++) {
    memory.copy(p.out + i * bytes, p.source + load<u32>(p.index + ((<usize>i) << 2)) * bytes, bytes);
  }
}

export function scatterRows(p: ScatterRows, thread: u32, threads: u32): void {
  const bytes = (<usize>p.width) << 2;
  const end = firstOf(p.rows, thread + 1, threads);
  for (let i = firstOf(p.rows, thread, threads); i < end; i++) {
    const out = p.out + load<u32>(p.index + ((<usize>i) << 2)) * bytes;
    if (p.accumulate) addRow(out, p.source + i * bytes, p.width);
    else memory.copy(out, p.source + i * bytes, bytes);
  }
}

export function gatherSum(p: GatherSum, thread: u32, threads: u32): void {
  const bytes = (<usize>p.width) << 2;
  const end = firstOf(p.rows, thread + 1, threads);
  for (let i = firstOf(p.rows, thread, threads); i < end; i++) {
    const out = p.out + i * bytes;
    if (!p.accumulate) memory.fill(out, 0, bytes);
    const last = load<u32>(p.starts + ((<usize>i) << 2), 4);
    for (let e = load<u32>(p.starts + ((<usize>i) << 2)); e < last; e++) {
      addRow(out, p.x + load<u32>(p.entries + ((<usize>e) << 2)) * bytes, p.width);
    }
  }
}

function addRow(to: usize, from: usize, width: u32): void {
  for (let c: u32 = 0; c < width; c += 4, to += 16, from += 16) {
    storeSome(to, f32x4.add(loadSome(to, width - c), loadSome(from, width - c)), width - c);
  }
}
