// Ball attention on WebGPU: the product that makes queries, keys and values, and attention inside each ball.

import type { DeviceInfo } from "../device.ts";
import type { BallList, DirectOperators } from "../operators.ts";
import { type Context, flag, itemsOf, type Part, THREADS, whole } from "./context.ts";
import { isMixed, runProduct } from "./linear.ts";
import type { Bound } from "./recorder.ts";
import { movedRows } from "./rows.ts";
import { overRows, ROW_STEP, rowsInBinding, rowWindow } from "./windows.ts";

const FOLDED_COLUMNS = 16;
/** Workgroup memory an attention tile may take: the WebGPU default, which every adapter has. */
const ATTENTION_BYTES = 16_384;
/** So many queries occupy a large GPU even if a thread takes four of them. */
const MANY_QUERIES = 131_072;

/** What the cut of attention depends on. */
type AttentionShape = Pick<
  Parameters<DirectOperators["ballAttention"]>[0],
  "balls" | "rows" | "heads" | "headWidth" | "dimensions"
>;

/**
 * How attention is cut up: constants of its kernels, and the blocks of queries (or keys) of the largest ball. `most` is how many
 * queries of a head no wider than 16 a GPU's thread has registers for.
 */
function attentionCut(
  { balls, rows, heads, headWidth, dimensions }: AttentionShape,
  { software }: Pick<DeviceInfo, "software">,
  most: 2 | 4,
) {
  const headQuads = Math.ceil(headWidth / 4);
  // What a thread reads of a key serves all its queries; but a large GPU wants many threads. A software adapter does not.
  const room = Math.min(1, 4 / headQuads) * (software ? 4 : most);
  const wanted = software || rows * heads >= MANY_QUERIES ? room : Math.min(room, 2);
  // No fewer than a GPU runs as one; software adapters run four or eight.
  let threads = software ? 8 : 32;
  let queries = 1;
  while (queries * 2 <= wanted && queries * threads * 2 <= balls.largest) queries *= 2;
  while (threads < 64 && threads * room < balls.largest) threads *= 2;
  // Keys at a time: more take a software adapter long to compile.
  const step = software ? 2 : 4;
  let keys = threads;
  while (keys > step && keys * (headQuads * 32 + 20) > ATTENTION_BYTES) keys /= 2;
  return {
    constants: {
      THREADS: threads,
      QUERIES: queries,
      KEYS: keys,
      STEP: step,
      HEAD_QUADS: headQuads,
      // Quads of the tile's keys that each thread fetches.
      FETCHES: Math.ceil((keys * headQuads) / threads),
      QUADS: itemsOf(headWidth).quads,
      DIMENSIONS: dimensions,
    },
    queryBlocks: Math.ceil(balls.largest / (threads * queries)),
  };
}

/** Calls `run` for ranges of whole balls whose rows fit into one binding and start where a binding may start. */
function overBalls(
  { info }: Context,
  { balls, rows, width }: { balls: BallList; rows: number; width: number },
  run: (firstBall: number, ballCount: number, firstRow: number, rowCount: number) => void,
): void {
  const total = balls.host.length / 2;
  const step = rowsInBinding(info.maxBindingBytes, width);
  if (rows <= step) {
    run(0, total, 0, rows);
    return;
  }
  const start = (ball: number) => (ball < total ? balls.host[2 * ball]! : rows);
  let firstBall = 0;
  while (firstBall < total) {
    const firstRow = Math.floor(start(firstBall) / ROW_STEP) * ROW_STEP;
    let end = firstBall + 1;
    while (end < total && start(end + 1) - firstRow <= step) end++;
    run(firstBall, end - firstBall, firstRow, start(end) - firstRow);
    firstBall = end;
  }
}

export function ballOperators(
  context: Context,
): Part<"normPositionQkv" | "ballAttention" | "ballAttentionGradients" | "ballOffsets" | "coarsenPositions"> {
  const { run, info, pool } = context;
  const { gatherRows } = movedRows(context);

  const normPositionQkv: DirectOperators["normPositionQkv"] = (a) => {
    const { x, gather, norm, offsets, position, projection, qkv, rows, width, dimensions } = a;
    if (gather && rows > rowsInBinding(info.maxBindingBytes, width)) {
      const gathered = pool.allocate(rows * width * 4);
      gatherRows({ source: x, index: gather, out: gathered, sources: rows, rows, width });
      normPositionQkv({ ...a, x: gathered, gather: undefined });
      pool.release(gathered);
      return;
    }
    const folded = pool.allocate(3 * width * 4 * 4);
    const weight = whole(projection.weight);
    run(
      "fold_position",
      { DIMENSIONS: dimensions, QUADS: itemsOf(width).quads },
      {
        weight,
        bias: whole(projection.bias),
        position_weight: whole(position.weight),
        position_bias: whole(position.bias),
        folded,
      },
      { width },
      Math.ceil((3 * width) / FOLDED_COLUMNS),
    );
    overRows(rows, info.maxBindingBytes, 3 * width, (first, count) => {
      const bound: Record<string, Bound> = {
        x: gather ? whole(x) : rowWindow(x, width, first, count),
        norm: whole(norm),
        weight,
        offsets: rowWindow(offsets, dimensions, first, count),
        folded,
        qkv: rowWindow(qkv, 3 * width, first, count),
        row_index: gather ? rowWindow(gather, 1, first, count) : weight,
      };
      runProduct(
        context,
        "norm_position_qkv",
        { rows: count, columns: 3 * width, widths: [width], norm: true, half: isMixed(info) },
        { DIMENSIONS: dimensions },
        bound,
        { rows: count, width, gather: flag(gather) },
      );
    });
    pool.release(folded);
  };

  return {
    normPositionQkv,

    ballAttention(a) {
      const { qkv, positions, sigma, balls, out, logSum, rows, heads, headWidth, dimensions } = a;
      const width = heads * headWidth;
      const { constants, queryBlocks } = attentionCut(a, info, 4);
      overBalls(context, { balls, rows, width: 3 * width }, (firstBall, ballCount, first, count) => {
        run(
          "ball_attention",
          constants,
          {
            qkv: rowWindow(qkv, 3 * width, first, count),
            positions: rowWindow(positions, dimensions, first, count),
            sigma: whole(sigma),
            balls: whole(balls.storage),
            out: rowWindow(out, width, first, count),
            log_sum: rowWindow(logSum, heads, first, count),
          },
          {
            first_ball: firstBall,
            ball_count: ballCount,
            first_row: first,
            heads,
            head_width: headWidth,
            query_blocks: queryBlocks,
          },
          ballCount * heads * queryBlocks,
        );
      });
    },

    ballOffsets({ positions, balls, offsets, rows, dimensions }) {
      overBalls(context, { balls, rows, width: dimensions }, (firstBall, ballCount, first, count) => {
        run(
          "ball_offsets",
          { DIMENSIONS: dimensions },
          {
            positions: rowWindow(positions, dimensions, first, count),
            balls: whole(balls.storage),
            offsets: rowWindow(offsets, dimensions, first, count),
          },
          { first_ball: firstBall, ball_count: ballCount, first_row: first },
          ballCount,
        );
      });
    },

    coarsenPositions({ positions, centres, offsets, groups, stride, dimensions }) {
      overRows(groups, info.maxBindingBytes, stride * dimensions, (first, count) => {
        run(
          "coarsen_positions",
          { DIMENSIONS: dimensions },
          {
            positions: rowWindow(positions, stride * dimensions, first, count),
            centres: rowWindow(centres, dimensions, first, count),
            offsets: rowWindow(offsets, stride * dimensions, first, count),
          },
          { groups: count, stride },
          Math.ceil((count * dimensions) / THREADS),
        );
      });
    },

    ballAttentionGradients(a) {
      const {
        gradient,
        qkv,
        positions,
        sigma,
        balls,
        out,
        logSum,
        dqkv,
        rowTerms,
        rows,
        heads,
        headWidth,
        dimensions,
      } = a;
      const width = heads * headWidth;
      const { constants, queryBlocks } = attentionCut(a, info, 2);
      overRows(rows, info.maxBindingBytes, width, (first, count) => {
        run(
          "ball_attention_delta",
          { HEAD_QUADS: constants.HEAD_QUADS, QUADS: constants.QUADS },
          {
            out: rowWindow(out, width, first, count),
            dout: rowWindow(gradient, width, first, count),
            delta: rowWindow(rowTerms, heads, first, count),
          },
          { rows: count, heads, head_width: headWidth },
          Math.ceil((count * heads) / THREADS),
        );
      });
      overBalls(context, { balls, rows, width: 3 * width }, (firstBall, ballCount, first, count) => {
        const shared = {
          qkv: rowWindow(qkv, 3 * width, first, count),
          positions: rowWindow(positions, dimensions, first, count),
          sigma: whole(sigma),
          balls: whole(balls.storage),
          log_sum: rowWindow(logSum, heads, first, count),
          dout: rowWindow(gradient, width, first, count),
          dqkv: rowWindow(dqkv, 3 * width, first, count),
        };
        const terms = rowWindow(rowTerms, heads, first, count);
        const sizes = {
          first_ball: firstBall,
          ball_count: ballCount,
          first_row: first,
          heads,
          head_width: headWidth,
          query_blocks: queryBlocks,
        };
        const groups = ballCount * heads * queryBlocks;
        run("ball_attention_backward_keys", constants, { ...shared, delta: terms }, sizes, groups);
        run("ball_attention_backward_queries", constants, { ...shared, row_terms: terms }, sizes, groups);
      });
    },
  };
}
