// The forward pass of ball attention. Formula: gpu/ball_attention.wgsl. A thread takes (ball, head) pairs; scores,
// softmax and weighted sum are computed for a block of queries at a time.
import { QUERIES } from "../out/shared";
import { distancesFrom, eights, fill, LOG2_E, packHead, packPoints, placeBall, storeScaled } from "./ball";
import { BallAttention } from "./commands";
import { nextOf } from "./threads";
import { multiplyRows } from "./tile";
import { exp2, largestOf, madd, sumOf } from "./vectors";

/** A finite number below every possible score. */
const NEVER: f32 = -3.0e38;

export function ballAttention(p: BallAttention, thread: u32, threads: u32): void {
  const width = p.heads * p.headWidth;
  const rowBytes = (<usize>(3 * width)) << 2;
  const paddedSize = eights(p.largest);
  const headEights = eights(p.headWidth);
  const headBytes = (<usize>headEights) << 2;
  const factors = p.scratch + <usize>thread * p.scratchBytes;
  const axes = factors + headBytes;
  const keys = axes + ((<usize>(paddedSize * p.dimensions)) << 2);
  const values = keys + ((<usize>(paddedSize * p.headWidth)) << 2);
  const scores = values + ((<usize>(paddedSize * headEights)) << 2);
  const sums = scores + ((<usize>(QUERIES * paddedSize)) << 2);
  const shares = sums + ((<usize>(QUERIES * headEights)) << 2);
  const distances = shares + ((<usize>QUERIES) << 2);
  fill(factors, headEights, LOG2_E / sqrt<f32>(<f32>p.headWidth));

  let present: u32 = -1;
  const tasks = p.ballCount * p.heads;
  for (let task = nextOf(tasks, threads); task < tasks; task = nextOf(tasks, threads)) {
    const ball = task / p.heads;
    const head = task % p.heads;
    const first = load<u32>(p.balls + ((<usize>ball) << 3));
    const size = load<u32>(p.balls + ((<usize>ball) << 3), 4);
    if (ball != present) {
      placeBall(p.positions + ((<usize>first * p.dimensions) << 2), size, p.dimensions, axes, distances);
      present = ball;
    }
    const queries = p.qkv + first * rowBytes + ((<usize>(head * p.headWidth)) << 2);
    packPoints(queries + ((<usize>width) << 2), rowBytes, size, p.headWidth, factors, keys);
    packHead(queries + ((<usize>width) << 3), rowBytes, size, p.headWidth, values);
    const sigma = LOG2_E * load<f32>(p.sigma + ((<usize>head) << 2));
    const scoreBytes = (<usize>eights(size)) << 2;
    for (let query: u32 = 0; query < size; query += QUERIES) {
      const count = min(QUERIES, size - query);
      const block = queries + query * rowBytes;
      multiplyRows(block, rowBytes, 0, 0, count, keys, eights(size) >> 3, p.headWidth, scores, scoreBytes, false);
      for (let i: u32 = 0; i < count; i++) {
        const scoreRow = scores + i * scoreBytes;
        for (let j = (<usize>size) << 2; j < scoreBytes; j += 4) store<f32>(scoreRow + j, NEVER);
        const near = distancesFrom(query + i, axes, size, p.dimensions, distances);
        const logSum = p.logSum + ((<usize>(first + query + i) * p.heads + head) << 2);
        store<f32>(shares + (i << 2), softmax(scoreRow, near, scoreBytes, sigma, logSum));
      }
      multiplyRows(scores, scoreBytes, 0, 0, count, values, headEights >> 3, size, sums, headBytes, false);
      for (let i: u32 = 0; i < count; i++) {
        const out = p.out + ((<usize>(first + query + i) * width + head * p.headWidth) << 2);
        storeScaled(sums + i * headBytes, out, p.headWidth, load<f32>(shares + (i << 2)));
      }
    }
  }
}

/** Turns a row of scores into weights without their denominator. Stores its logarithm and returns its inverse. */
function softmax(scores: usize, distances: usize, bytes: usize, sigma: f32, logSum: usize): f32 {
  let top = f32x4.splat(NEVER);
  for (let j: usize = 0; j < bytes; j += 16) {
    const score = madd(f32x4.splat(sigma), v128.load(distances + j), v128.load(scores + j));
    v128.store(scores + j, score);
    top = f32x4.pmax(top, score);
  }
  const largest = largestOf(top);
  let sum = f32x4.splat(0);
  for (let j: usize = 0; j < bytes; j += 16) {
    const weight = exp2(f32x4.sub(v128.load(scores + j), f32x4.splat(largest)));
    v128.store(scores + j, weight);
    sum = f32x4.add(sum, weight);
  }
  const total = sumOf(sum);
  store<f32>(logSum, largest / LOG2_E + Mathf.log(total));
  return 1 / total;
}
