// The backward pass of ball attention. Formulas: gpu/ball_attention_backward_queries.wgsl,
// gpu/ball_attention_backward_keys.wgsl. A thread takes (ball, head) pairs and recomputes the softmax's weights, for a
// block of queries at a time: with p the weights and ds the gradient of the scores, dq = ds k, dk = ds^T q and dv = p^T
// dout are products of tile.ts.
import { QUERIES } from "../out/shared";
import { distancesFrom, eights, LOG2_E, packHead, packPoints, placeBall, sixes, storeScaled } from "./ball";
import { BallAttentionBackward } from "./commands";
import { packStrips, STRIP_STEP } from "./pack";
import { nextOf } from "./threads";
import { multiplyRows } from "./tile";
import { exp2Below, lanesBelow, loadSome, madd, storeTransposed, sumOf } from "./vectors";

const QUERY_BYTES: usize = (<usize>QUERIES) << 2;

export function ballAttentionBackward(p: BallAttentionBackward, thread: u32, threads: u32): void {
  const width = p.heads * p.headWidth;
  const rowBytes = (<usize>(3 * width)) << 2;
  const outBytes = (<usize>width) << 2;
  const paddedSize = eights(p.largest);
  const headEights = eights(p.headWidth);
  const headBytes = (<usize>headEights) << 2;
  // A thread's buffers, one after the other; src/backends/cpu/scratch.ts adds up the same sizes.
  const axes = p.scratch + <usize>thread * p.scratchBytes;
  const scoreKeys = axes + ((<usize>(paddedSize * p.dimensions)) << 2);
  const scoreValues = scoreKeys + ((<usize>(paddedSize * p.headWidth)) << 2);
  const keyHead = scoreValues + ((<usize>(paddedSize * p.headWidth)) << 2);
  const queryHead = keyHead + paddedSize * headBytes;
  const doutHead = queryHead + QUERIES * headBytes;
  const queryStrips = doutHead + QUERIES * headBytes;
  const doutStrips = queryStrips + QUERY_BYTES * p.headWidth;
  const weights = doutStrips + QUERY_BYTES * p.headWidth;
  const dscores = weights + QUERY_BYTES * paddedSize;
  // A tile of keys may reach beyond the last key of the last query.
  const dscoresAcross = dscores + QUERY_BYTES * paddedSize + 32;
  const dkeys = dscoresAcross + QUERY_BYTES * paddedSize;
  // There is room for the tile that reaches beyond the last point.
  const dvalues = dkeys + sixes(p.largest) * headBytes;
  const dqueries = dvalues + sixes(p.largest) * headBytes;
  const distances = dqueries + QUERIES * headBytes;
  const stripBytes = p.headWidth * STRIP_STEP;
  const scale: f32 = 1 / sqrt<f32>(<f32>p.headWidth);

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
    const padded = eights(size);
    const scoreBytes = (<usize>padded) << 2;
    const headStart = (<usize>(head * p.headWidth)) << 2;
    const queries = p.qkv + first * rowBytes + headStart;
    const keys = queries + outBytes;
    const values = keys + outBytes;
    const out = p.out + first * outBytes + headStart;
    const dout = p.gradient + first * outBytes + headStart;
    packPoints(keys, rowBytes, size, p.headWidth, LOG2_E * scale, scoreKeys);
    packPoints(values, rowBytes, size, p.headWidth, 1, scoreValues);
    packHead(keys, rowBytes, size, p.headWidth, keyHead);
    const sigma = LOG2_E * load<f32>(p.sigma + ((<usize>head) << 2));
    const panels = padded >> 3;
    const headPanels = headEights >> 3;

    for (let block: u32 = 0; block < size; block += QUERIES) {
      const count = min(QUERIES, size - block);
      const blockQueries = queries + block * rowBytes;
      const blockDout = dout + block * outBytes;
      packStrips(blockQueries, rowBytes, 0, 0, count, p.headWidth, queryStrips);
      packStrips(blockDout, outBytes, 0, 0, count, p.headWidth, doutStrips);
      multiplyRows(
        queryStrips,
        stripBytes,
        STRIP_STEP,
        count,
        scoreKeys,
        panels,
        p.headWidth,
        weights,
        scoreBytes,
        false,
      );
      multiplyRows(
        doutStrips,
        stripBytes,
        STRIP_STEP,
        count,
        scoreValues,
        panels,
        p.headWidth,
        dscores,
        scoreBytes,
        false,
      );
      for (let i: u32 = 0; i < count; i++) {
        const query = block + i;
        const near = distancesFrom(query, axes, size, p.dimensions, distances);
        const delta = dot(dout + query * outBytes, out + query * outBytes, p.headWidth);
        const term = (<usize>(first + query) * p.heads + head) << 2;
        const logSum = load<f32>(p.logSum + term);
        const row = i * scoreBytes;
        store<f32>(p.rowTerms + term, scoreGradients(weights + row, dscores + row, near, size, sigma, logSum, delta));
      }
      across(dscores, count, padded, dscoresAcross);
      multiplyRows(
        dscoresAcross,
        STRIP_STEP,
        QUERY_BYTES,
        count,
        keyHead,
        headPanels,
        size,
        dqueries,
        headBytes,
        false,
      );
      for (let i: u32 = 0; i < count; i++) {
        const dq = p.dqkv + (first + block + i) * rowBytes + headStart;
        storeScaled(dqueries + i * headBytes, dq, p.headWidth, scale);
      }
      packHead(blockQueries, rowBytes, count, p.headWidth, queryHead);
      packHead(blockDout, outBytes, count, p.headWidth, doutHead);
      // The blocks' contributions are added up.
      const add = block > 0;
      multiplyRows(dscores, STRIP_STEP, scoreBytes, size, queryHead, headPanels, count, dkeys, headBytes, add);
      multiplyRows(weights, STRIP_STEP, scoreBytes, size, doutHead, headPanels, count, dvalues, headBytes, add);
    }
    for (let i: u32 = 0; i < size; i++) {
      const dk = p.dqkv + (first + i) * rowBytes + headStart + outBytes;
      storeScaled(dkeys + i * headBytes, dk, p.headWidth, scale);
      storeScaled(dvalues + i * headBytes, dk + outBytes, p.headWidth, 1);
    }
  }
}

/** Turns scores into weights and gradients of weights into those of scores. Returns sum_j dscore_j distance_j. */
function scoreGradients(
  weights: usize,
  dscores: usize,
  distances: usize,
  size: u32,
  sigma: f32,
  logSum: f32,
  delta: f32,
): f32 {
  let sum = f32x4.splat(0);
  for (let j: u32 = 0; j < size; j += 4) {
    const at = (<usize>j) << 2;
    const distance = v128.load(distances + at);
    const score = madd(f32x4.splat(sigma), distance, v128.load(weights + at));
    let weight = exp2Below(f32x4.sub(score, f32x4.splat(logSum)));
    if (size - j < 4) weight = v128.and(weight, lanesBelow(size - j));
    const dscore = f32x4.mul(weight, f32x4.sub(v128.load(dscores + at), f32x4.splat(delta)));
    v128.store(weights + at, weight);
    v128.store(dscores + at, dscore);
    sum = madd(dscore, distance, sum);
  }
  return sumOf(sum);
}

/** Transposes [count, columns] to [columns, QUERIES]; elements beyond `count` in a row's last vector are not read. */
function across(from: usize, count: u32, columns: u32, to: usize): void {
  const rowBytes = (<usize>columns) << 2;
  for (let i: u32 = 0; i < count; i += 4, from += 4 * rowBytes) {
    for (let j: u32 = 0; j < columns; j += 4) {
      const at = from + ((<usize>j) << 2);
      storeTransposed(
        v128.load(at),
        v128.load(at + rowBytes),
        v128.load(at + 2 * rowBytes),
        v128.load(at + 3 * rowBytes),
        to + j * QUERY_BYTES + ((<usize>i) << 2),
        QUERY_BYTES,
      );
    }
  }
}

function dot(a: usize, b: usize, count: u32): f32 {
  let sum = f32x4.splat(0);
  for (let c: u32 = 0; c < count; c += 4) {
    sum = madd(loadSome(a + ((<usize>c) << 2), count - c), loadSome(b + ((<usize>c) << 2), count - c), sum);
  }
  return sumOf(sum);
}
