// Measures the processor's arithmetic rate with eight independent vectors at a time. Formula: gpu/multiply_add.wgsl.
import { MultiplyAdd } from "./commands";
import { firstOf } from "./threads";
import { madd } from "./vectors";

export function multiplyAdd(p: MultiplyAdd, thread: u32, threads: u32): void {
  const factor = f32x4.splat(p.factor);
  const term = f32x4.splat(p.term);
  const end = firstOf(p.size >> 5, thread + 1, threads);
  for (let i = firstOf(p.size >> 5, thread, threads); i < end; i++) {
    const at = p.x + ((<usize>i) << 7);
    let x0 = v128.load(at);
    let x1 = v128.load(at, 16);
    let x2 = v128.load(at, 32);
    let x3 = v128.load(at, 48);
    let x4 = v128.load(at, 64);
    let x5 = v128.load(at, 80);
    let x6 = v128.load(at, 96);
    let x7 = v128.load(at, 112);
    for (let round: u32 = 0; round < p.rounds; round++) {
      x0 = madd(x0, factor, term);
      x1 = madd(x1, factor, term);
      x2 = madd(x2, factor, term);
      x3 = madd(x3, factor, term);
      x4 = madd(x4, factor, term);
      x5 = madd(x5, factor, term);
      x6 = madd(x6, factor, term);
      x7 = madd(x7, factor, term);
    }
    v128.store(at, x0);
    v128.store(at, x1, 16);
    v128.store(at, x2, 32);
    v128.store(at, x3, 48);
    v128.store(at, x4, 64);
    v128.store(at, x5, 80);
    v128.store(at, x6, 96);
    v128.store(at, x7, 112);
  }
}
