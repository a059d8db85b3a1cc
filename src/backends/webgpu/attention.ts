// Ball attention on WebGPU: the product that computes queries, keys and values, and attention within each ball.

import { ConfigError } from "../../errors.ts";
import type { DeviceInfo } from "../device.ts";
import type { AttentionWithinBalls, BallList, LinearParameters, Primitives } from "../operators.ts";
import { type Arrays, boundRows, type Context, flag, itemsOf, runRows, THREADS, widestOf } from "./context.ts";
import { isMixed, runProduct } from "./linear.ts";
import { movedRows, pickedRows } from "./rows.ts";
import { sumParts } from "./sums.ts";
import { ROW_STEP, rowsInBinding } from "./windows.ts";

const FOLDED_COLUMNS = 16;
/** The workgroup memory that an attention tile may take: the WebGPU default, which every adapter has. */
const ATTENTION_BYTES = 16_384;
/** The widest head of which a GPU's step of keys fits there. */
const MAX_HEAD_WIDTH = 500;
/** This many queries occupy a large GPU even if each thread computes four of them. */
const MANY_QUERIES = 131_072;

/** The most queries (or keys) of a thread, and the most vec4s of their heads together, for which it has enough registers. */
interface Room {
  queries: number;
  vec4s: number;
}
const FORWARD: Room = { queries: 4, vec4s: 16 };
const BACKWARD: Room = { queries: 2, vec4s: 8 };
const FEW_REGISTERS: Room = { queries: 2, vec4s: 4 };

/** How attention is divided: the constants of its kernels, and the blocks of queries (or keys) of the largest ball. */
function attentionCut(
  { balls, rows, heads, headWidth, dimensions }: AttentionWithinBalls,
  { software, fewRegisters }: Pick<DeviceInfo, "software" | "fewRegisters">,
  roomOfPass: Room,
) {
  if (headWidth > MAX_HEAD_WIDTH) {
    throw new ConfigError(
      `WebGPU computes heads of at most ${MAX_HEAD_WIDTH} channels, not ${headWidth}: use more heads, or the CPU backend`,
      { field: "heads", headWidth, limit: MAX_HEAD_WIDTH },
    );
  }
  const headVec4s = Math.ceil(headWidth / 4);
  // A thread uses each loaded key for all its queries, so more queries mean fewer loads, but also fewer threads. A large GPU needs
  // many threads; a software adapter does not.
  const most = software ? FORWARD : fewRegisters ? FEW_REGISTERS : roomOfPass;
  const room = Math.min(most.queries, most.vec4s / headVec4s);
  const wanted = software || rows * heads >= MANY_QUERIES ? room : Math.min(room, 2);
  // Software adapters take long to compile, so that all balls share two kernels: those for balls of 32 and of 128 points.
  const size = software ? (balls.largest <= 32 ? 32 : 128) : balls.largest;
  // At least a subgroup: 32 threads on a GPU, four or eight on software adapters.
  let threads = software ? 8 : 32;
  let queries = 1;
  while (queries * 2 <= wanted && queries * threads * 2 <= size) queries *= 2;
  while (threads < 64 && threads * room < size) threads *= 2;
  // The number of keys of one step. Software adapters take long to compile longer steps.
  const step = software ? 2 : 4;
  let keys = threads;
  while (keys > step && keys * (headVec4s * 32 + 20) + threads * queries * 4 > ATTENTION_BYTES) keys /= 2;
  return {
    constants: {
      THREADS: threads,
      QUERIES: queries,
      KEYS: keys,
      STEP: step,
      HEAD_VEC4S: headVec4s,
      // The number of vec4s of the tile's keys that each thread loads.
      FETCHES: Math.ceil((keys * headVec4s) / threads),
      VEC4: itemsOf(headWidth).vec4,
      DIMENSIONS: dimensions,
    },
    queryBlocks: Math.ceil(balls.largest / (threads * queries)),
  };
}

/** Runs a kernel on whole balls, in dispatches whose rows fit into one binding and start where a binding may start. */
function runBalls(
  { run, info }: Context,
  name: string,
  constants: Record<string, number>,
  { balls, rows }: { balls: BallList; rows: number },
  arrays: Arrays,
  parameters: Record<string, number> = {},
  groupsOfBall = 1,
): void {
  const total = balls.host.length / 2;
  const step = rowsInBinding(info.maxBindingBytes, widestOf(arrays));
  const start = (ball: number) => (ball < total ? balls.host[2 * ball] : rows);
  for (let firstBall = 0, end = 0; firstBall < total; firstBall = end) {
    const firstRow = Math.floor(start(firstBall) / ROW_STEP) * ROW_STEP;
    end = rows <= step ? total : firstBall + 1;
    while (end < total && start(end + 1) - firstRow <= step) end++;
    const bound = boundRows({ ...arrays, balls: balls.storage }, firstRow, start(end) - firstRow);
    const range = { first_ball: firstBall, ball_count: end - firstBall, first_row: firstRow };
    run(name, constants, bound, { ...range, ...parameters }, (end - firstBall) * groupsOfBall);
  }
}

/** What the kernels of attention inside balls share. */
function attentionRun(context: Context, a: AttentionWithinBalls, room: Room) {
  const { qkv, positions, sigma, logSum, heads, headWidth, dimensions } = a;
  const { constants, queryBlocks } = attentionCut(a, context.info, room);
  const shared = {
    qkv: [qkv, 3 * heads * headWidth],
    positions: [positions, dimensions],
    log_sum: [logSum, heads],
  } as const;
  const sizes = { heads, head_width: headWidth, query_blocks: queryBlocks };
  const runKernel = (name: string, arrays: Arrays) =>
    runBalls(context, name, constants, a, { ...shared, sigma, ...arrays }, sizes, heads * queryBlocks);
  return { queryBlocks, runKernel };
}

export const ballOperators = (context: Context) => {
  const { run, info, pool, derived } = context;
  const { gatherRows } = movedRows(context);

  /** The terms of fold_position.wgsl. */
  const foldPosition = (projection: LinearParameters, position: LinearParameters, width: number, dimensions: number) =>
    derived.of([projection.weight, projection.bias, position.weight, position.bias], 3 * width * 4 * 4, (folded) =>
      run(
        "fold_position",
        { DIMENSIONS: dimensions, VEC4: itemsOf(width).vec4 },
        { ...projection, position_weight: position.weight, position_bias: position.bias, folded },
        { width },
        Math.ceil((3 * width) / FOLDED_COLUMNS),
      ),
    );

  return {
    normPositionQkv({ norm, offsets, position, projection, qkv, dimensions, ...picked }) {
      const { rows, width } = picked;
      const { weight } = projection;
      const shape = { rows, columns: 3 * width, inner: width, widths: [width], norm: true, half: isMixed(info) };
      pickedRows(context, picked, (x, gather) => {
        const arrays: Arrays = {
          x: gather ? x : [x, width],
          norm,
          weight,
          offsets: [offsets, dimensions],
          folded: foldPosition(projection, position, width, dimensions),
          qkv: [qkv, 3 * width],
          row_index: gather ? [gather, 1] : weight,
        };
        const constants = { DIMENSIONS: dimensions };
        runProduct(context, "norm_position_qkv", shape, constants, arrays, { width, gather: flag(gather) });
      });
    },

    ballAttention(a) {
      attentionRun(context, a, FORWARD).runKernel("ball_attention", { out: [a.out, a.heads * a.headWidth] });
    },

    placeLevelAtOnce({ source, sources, from, balls, straight, rotated, rows, dimensions }) {
      if (Math.max(sources, rows) > rowsInBinding(info.maxBindingBytes, dimensions)) return false;
      const gather = "index" in from;
      const constants = { DIMENSIONS: dimensions, GATHER: flag(gather), MEAN: flag(!gather), ROTATED: flag(rotated) };
      const arrays: Arrays = { source, ...straight };
      if (gather) arrays.row_index = from.index;
      else arrays.from_means = from.offsets;
      if (rotated) {
        arrays.rotated_index = rotated.index;
        arrays.rotated_positions = rotated.positions;
        arrays.rotated_offsets = rotated.offsets;
      }
      const stride = gather ? 1 : from.stride;
      runBalls(context, "ball_offsets", constants, { balls, rows }, arrays, { stride }, rotated ? 2 : 1);
      return true;
    },

    ballOffsets({ positions, from, balls, offsets, rows, dimensions }) {
      const indirect = from && from.sources <= rowsInBinding(info.maxBindingBytes, dimensions);
      if (from && !indirect) gatherRows({ ...from, out: positions, rows, width: dimensions });
      const arrays: Arrays = { positions: [positions, dimensions], offsets: [offsets, dimensions] };
      if (indirect) Object.assign(arrays, { source: from.source, row_index: [from.index, 1] });
      const constants = { DIMENSIONS: dimensions, GATHER: flag(indirect), MEAN: 0, ROTATED: 0 };
      runBalls(context, "ball_offsets", constants, { balls, rows }, arrays, { stride: 1 });
    },

    coarsenPositions({ positions, centres, offsets, groups, stride, dimensions }) {
      const arrays: Arrays = {
        positions: [positions, stride * dimensions],
        centres: [centres, dimensions],
        offsets: [offsets, stride * dimensions],
      };
      runRows(context, "coarsen_positions", { DIMENSIONS: dimensions }, groups, arrays, (_, count) => ({
        parameters: { groups: count, stride },
        groups: (count * dimensions) / THREADS,
      }));
    },

    ballAttentionBackward({ gradient, into, ...a }) {
      const { balls, out, heads, headWidth } = a;
      const width = heads * headWidth;
      const { queryBlocks, runKernel } = attentionRun(context, a, BACKWARD);
      const parts = (balls.host.length / 2) * queryBlocks;
      const sums = pool.allocate(parts * heads * 4);
      const shared = { dout: [gradient, width], dqkv: [into.qkv, 3 * width] } as const;
      runKernel("ball_attention_backward_keys", { ...shared, out: [out, width] });
      runKernel("ball_attention_backward_queries", { ...shared, sums });
      if (into.sigma) sumParts(context, sums, into.sigma, { parts, rows: heads });
      pool.release(sums);
    },
  } satisfies Partial<Primitives>;
};
