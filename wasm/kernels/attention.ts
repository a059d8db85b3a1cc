// The forward pass of ball attention. Formula: gpu/ball_attention.wgsl. A thread takes (ball, head) pairs; scores,
// softmax and weighted sum are computed for a block of queries at a time. Scores are [keys, QUERIES]: the softmax's vectors
// hold four queries each, and the weights lie as the strips of the weighted sum.
import { QUERIES } from "../out/shared";
import {
  distancesBetween,
  eights,
  LOG2_E,
  packHead,
  packPoints,
  placeBall,
  rowOfDistances,
  sixes,
  storeScaled,
} from "./ball";
import { BallAttention } from "./commands";
import { packStrips, STRIP_STEP } from "./pack";
import { nextOf } from "./threads";
import { multiplyRows } from "./tile";
import { exp2Below, madd } from "./vectors";

const QUERY_BYTES: usize = (<usize>QUERIES) << 2;
/** A finite number below every possible score. */
const NEVER: f32 = -3.0e38;

export function ballAttention(p: BallAttention, thread: u32, threads: u32): void {
  const width = p.heads * p.headWidth;
  const rowBytes = (<usize>(3 * width)) << 2;
  const paddedSize = eights(p.largest);
  const headEights = eights(p.headWidth);
  const headBytes = (<usize>headEights) << 2;
  const axes = p.scratch + <usize>thread * p.scratchBytes;
  const keys = axes + ((<usize>(paddedSize * p.dimensions)) << 2);
  const values = keys + ((<usize>(sixes(p.largest) * p.headWidth)) << 2);
  const queries = values + ((<usize>(paddedSize * headEights)) << 2);
  const scores = queries + QUERY_BYTES * p.headWidth;
  const sums = scores + QUERY_BYTES * sixes(p.largest);
  const tops = sums + QUERIES * headBytes;
  const totals = tops + QUERY_BYTES;
  const distances = totals + QUERY_BYTES;
  const factor = LOG2_E / sqrt<f32>(<f32>p.headWidth);

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
    const firstQuery = p.qkv + first * rowBytes + ((<usize>(head * p.headWidth)) << 2);
    const firstKey = firstQuery + ((<usize>width) << 2);
    const firstValue = firstKey + ((<usize>width) << 2);
    packStrips(firstKey, rowBytes, 0, 0, size, p.headWidth, keys);
    packHead(firstValue, rowBytes, size, p.headWidth, values);
    const sigma = LOG2_E * load<f32>(p.sigma + ((<usize>head) << 2));
    const keyBytes = p.headWidth * STRIP_STEP;
    const nearBytes = rowOfDistances(size);
    for (let query: u32 = 0; query < size; query += QUERIES) {
      const count = min(QUERIES, size - query);
      const panels = eights(count) >> 3;
      packPoints(firstQuery + query * rowBytes, rowBytes, count, p.headWidth, factor, queries);
      multiplyRows(keys, keyBytes, STRIP_STEP, size, queries, panels, p.headWidth, scores, QUERY_BYTES, false);
      const near = distancesBetween(query, axes, size, p.dimensions, distances);
      for (let at: usize = 0; at < (<usize>count) << 2; at += 32) {
        softmax(scores + at, near + at, nearBytes, size, sigma, tops + at, totals + at);
      }
      multiplyRows(scores, STRIP_STEP, QUERY_BYTES, count, values, headEights >> 3, size, sums, headBytes, false);
      for (let i: u32 = 0; i < count; i++) {
        const row = first + query + i;
        const total = load<f32>(totals + (i << 2));
        const out = p.out + ((<usize>(row * width + head * p.headWidth)) << 2);
        storeScaled(sums + i * headBytes, out, p.headWidth, 1 / total);
        const logSum = load<f32>(tops + (i << 2)) + LOG2_E * Mathf.log(total);
        store<f32>(p.logSum + ((<usize>(row * p.heads + head)) << 2), logSum);
      }
    }
  }
}

/**
 * Turns the scores of eight queries, [size] pairs of vectors QUERY_BYTES apart, into weights without their denominator. Stores the
 * largest scores and the sums of the weights. (Two vectors at a time: each waits for its own maximum and sum.)
 */
function softmax(
  scores: usize,
  distances: usize,
  distanceBytes: usize,
  size: u32,
  sigma: f32,
  tops: usize,
  totals: usize,
): void {
  const end = scores + size * QUERY_BYTES;
  const slope = f32x4.splat(sigma);
  let top0 = f32x4.splat(NEVER);
  let top1 = top0;
  for (let at = scores; at < end; at += QUERY_BYTES, distances += distanceBytes) {
    const score0 = madd(slope, v128.load(distances), v128.load(at));
    const score1 = madd(slope, v128.load(distances, 16), v128.load(at, 16));
    v128.store(at, score0);
    v128.store(at, score1, 16);
    top0 = f32x4.pmax(top0, score0);
    top1 = f32x4.pmax(top1, score1);
  }
  let total0 = f32x4.splat(0);
  let total1 = total0;
  for (let at = scores; at < end; at += QUERY_BYTES) {
    const weight0 = exp2Below(f32x4.sub(v128.load(at), top0));
    const weight1 = exp2Below(f32x4.sub(v128.load(at, 16), top1));
    v128.store(at, weight0);
    v128.store(at, weight1, 16);
    total0 = f32x4.add(total0, weight0);
    total1 = f32x4.add(total1, weight1);
  }
  v128.store(tops, top0);
  v128.store(tops, top1, 16);
  v128.store(totals, total0);
  v128.store(totals, total1, 16);
}
