// Positions relative to the centres of balls and groups. Formulas: gpu/ball_offsets.wgsl, gpu/coarsen_positions.wgsl.
import { BallOffsets, CoarsenPositions } from "./commands";
import { firstOf } from "./threads";

export function ballOffsets(p: BallOffsets, thread: u32, threads: u32): void {
  const step = (<usize>p.dimensions) << 2;
  const end = firstOf(p.ballCount, thread + 1, threads);
  for (let ball = firstOf(p.ballCount, thread, threads); ball < end; ball++) {
    const first = load<u32>(p.balls + ((<usize>ball) << 3)) * step;
    const size = load<u32>(p.balls + ((<usize>ball) << 3), 4);
    for (let a: usize = 0; a < step; a += 4) centre(p.positions + first + a, p.offsets + first + a, size, step);
  }
}

export function coarsenPositions(p: CoarsenPositions, thread: u32, threads: u32): void {
  const step = (<usize>p.dimensions) << 2;
  const end = firstOf(p.groups, thread + 1, threads);
  for (let group = firstOf(p.groups, thread, threads); group < end; group++) {
    const first = <usize>group * p.stride * step;
    for (let a: usize = 0; a < step; a += 4) {
      const mean = centre(p.positions + first + a, p.offsets + first + a, p.stride, step);
      store<f32>(p.centres + group * step + a, load<f32>(p.positions + first + a) + mean);
    }
  }
}

/** Stores the offsets of `count` coordinates from their mean; returns the mean relative to the first. */
function centre(positions: usize, offsets: usize, count: u32, step: usize): f32 {
  // The sum is relative to the first point, so that a cloud far from the origin loses no precision.
  const origin = load<f32>(positions);
  let sum: f32 = 0;
  for (let i: usize = 0; i < count; i++) sum += load<f32>(positions + i * step) - origin;
  const mean = sum / <f32>count;
  for (let i: usize = 0; i < count; i++) {
    store<f32>(offsets + i * step, load<f32>(positions + i * step) - origin - mean);
  }
  return mean;
}
