// AdamW on packed parameters. Formulas: gpu/adamw_control.wgsl, gpu/adamw.wgsl.
import { Adamw, AdamwControl } from "./commands";
import { firstOf } from "./threads";

const INFINITE: u32 = 0x7f800000;

/** Returns 1 - beta^t. */
function complement(t: u32, logBeta: f32): f32 {
  return <f32>-Math.expm1(<f64>t * <f64>logBeta);
}

/** Halves a dynamic scale where a gradient overflows, and doubles it after enough steps. */
function updateScale(p: AdamwControl, overflows: bool, skipped: bool): void {
  const scale = load<f32>(p.lossScale);
  let stepsSince: f32 = skipped ? 0 : load<f32>(p.lossScale, 8) + 1;
  let factor: f32 = overflows ? 0.5 : 1;
  if (stepsSince >= p.growthInterval) {
    stepsSince = 0;
    if (scale + scale <= p.largestScale) factor = 2;
  }
  store<f32>(p.lossScale, factor * scale);
  store<f32>(p.lossScale, load<f32>(p.lossScale, 4) / factor, 4);
  store<f32>(p.lossScale, stepsSince, 8);
}

export function adamwControl(p: AdamwControl, thread: u32): void {
  if (thread > 0) return;
  const faultyParameter = load<f32>(p.total, 8);
  let fault: u32 = faultyParameter > 0 ? 1 + <u32>faultyParameter : 0;
  if ((load<u32>(p.loss) & INFINITE) == INFINITE) fault = 1;
  const scale = load<f32>(p.lossScale);
  const unscale = load<f32>(p.lossScale, 4);
  const dynamic = p.growthInterval > 0;
  const overflows = dynamic && fault > 1 && 0.5 * scale >= p.leastScale;
  if (overflows) fault = 0;
  const halted = p.halt && load<u32>(p.status) > 0;
  const stops = halted || overflows || fault > 0;
  const calls = load<u32>(p.status, 8) + 1;
  store<u32>(p.status, calls, 8);
  if (stops) store<u32>(p.status, load<u32>(p.status, 12) + 1, 12);
  if (fault > 0 && load<u32>(p.status) == 0) {
    store<u32>(p.status, fault);
    store<u32>(p.status, calls, 4);
  }
  if (dynamic && !halted) updateScale(p, overflows, overflows || fault > 0);
  for (let i: usize = 0; i < p.count; i++) {
    const value = p.values + (i << 4);
    v128.store(value, f32x4.splat(0));
    store<f32>(value, stops ? 3 : 2);
    if (stops || load<u32>(p.ranges + (i << 4), 8) == 0) continue;
    const shares = p.shares + (i << 3);
    store<f32>(value, 1 - load<f32>(shares, 4) * (1 - p.decay));
    const step = load<u32>(p.steps + (i << 2)) + 1;
    store<u32>(p.steps + (i << 2), step);
    store<f32>(value, (load<f32>(shares) * p.lr) / complement(step, p.logBeta1), 4);
    store<f32>(value, 1 / sqrt<f32>(complement(step, p.logBeta2)), 8);
    store<f32>(value, load<f32>(p.total, 4) * unscale, 12);
  }
}

export function adamw(p: Adamw, thread: u32, threads: u32): void {
  const end = firstOf(p.blocks, thread + 1, threads);
  // The compiler does not know that the stores leave the command as it is, and would load its fields again for each vector.
  const weights = p.weights;
  const gradients = p.gradients;
  const firsts = p.first;
  const seconds = p.second;
  const averages = p.average;
  const beta1Rest = f32x4.splat(p.beta1Rest);
  const beta2 = f32x4.splat(p.beta2);
  const beta2Rest = f32x4.splat(p.beta2Rest);
  const epsilon = f32x4.splat(p.epsilon);
  const averageRest = f32x4.splat(p.averageRest);
  for (let block = firstOf(p.blocks, thread, threads); block < end; block++) {
    const value = p.values + ((<usize>load<u32>(p.owner + ((<usize>block) << 2))) << 4);
    const mode = load<f32>(value);
    if (mode > 2) continue;
    const decay = f32x4.splat(mode);
    const stepSize = v128.load_splat<f32>(value, 4);
    const inverseRoot = v128.load_splat<f32>(value, 8);
    const factor = v128.load_splat<f32>(value, 12);
    const last = (<usize>(block + 1)) << 8;
    for (let at = (<usize>block) << 8; at < last; at += 16) {
      let w = v128.load(weights + at);
      if (mode <= 1) {
        const g = f32x4.mul(factor, v128.load(gradients + at));
        let first = v128.load(firsts + at);
        first = f32x4.add(first, f32x4.mul(beta1Rest, f32x4.sub(g, first)));
        const square = f32x4.mul(f32x4.mul(beta2Rest, g), g);
        const second = f32x4.add(f32x4.mul(beta2, v128.load(seconds + at)), square);
        v128.store(firsts + at, first);
        v128.store(seconds + at, second);
        const under = f32x4.add(f32x4.mul(f32x4.sqrt(second), inverseRoot), epsilon);
        const step = f32x4.div(f32x4.mul(stepSize, first), under);
        w = f32x4.sub(f32x4.mul(decay, w), step);
        v128.store(weights + at, w);
      }
      if (!averages) continue;
      const average = v128.load(averages + at);
      const moved = f32x4.mul(averageRest, f32x4.sub(w, average));
      v128.store(averages + at, f32x4.add(average, moved));
    }
  }
}
