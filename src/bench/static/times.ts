// Estimated times of recorded passes on NVIDIA's GPUs (devices.ts), from their kernels' SASS. They are modelled, not
// measured.
//
// A dispatch takes the longest of five times, and then a gap:
//
//   issue    the instructions of all its warps, one per cycle and scheduler, of which a share is reached
//   loads    the accesses of all its warps to workgroup memory and memory, for which a multiprocessor's schedulers share one unit
//   L2       the bytes that product tiles read, at the L2 cache's bandwidth
//   DRAM     the bytes that it must read and write at least, at the memory's bandwidth
//   latency  loads that wait for one another: waits per iteration * iterations * latency, times how often its warps fill the
//            GPU; for a product of few tiles, one tile's own instructions
//
// Instructions are counted in the kernel's own SASS: a product's tile is the iterations of its loop and the code outside of it;
// attention counts by (query, key) pairs, message passing by tiles of edges. Kernels without a rule here count as memory-bound.

import type { Tile } from "../../backends/device.ts";
import type { Constants } from "../../backends/webgpu/kernels.ts";
import { innerOf } from "../../backends/webgpu/work.ts";
import type { CompiledKernel } from "./compiled.ts";
import type { ModelledDevice } from "./devices.ts";
import { type Counts, total } from "./listing.ts";
import type { Dispatch, Kernel, Pass } from "./record.ts";
import { fmaATurn, INNER_A_TURN, tileOf } from "./tiles.ts";

/** Points in a ball of the benchmarks' model, whose balls are all full. */
const BALL = 128;
/** The whole of attention relative to its pairs alone: tiles of keys, prologue and epilogue are on top. */
const ATTENTION_WHOLE = 1.12;
/** Instructions per cycle of a tile that has an SM to itself. */
const ALONE = 0.9;

/**
 * Cycles of the load-store unit for a warp's access of 16 bytes per thread. Workgroup memory: 512 bytes at 128 per cycle. Memory:
 * the extra time of products in tiles of 64 x 64, 128 x 64 and 128 x 128 with their loads over that without them (H200).
 */
const SHARED_CYCLES = 4;
const LOAD_CYCLES = 20;

export type Bound = "issue" | "loads" | "L2" | "DRAM" | "latency";
type Values = Record<string, number>;

/** The work of a dispatch, whatever its code. */
interface Needs {
  operations: number;
  /** Bytes read and written. */
  memory: number;
  /** Bytes that the tiles of a product read. */
  tileReads?: number;
  /** (query, key) pairs of attention. */
  pairs?: number;
}

const tileReads = (tile: Tile, rows: number, columns: number, inner: number) =>
  Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns) * (tile.rows + tile.columns) * inner * 4;

/** The work of matrix products by kernel. */
const products: Record<string, (p: Values, c: Constants, tile: Tile) => Needs> = {
  linear: ({ rows, columns, inner, second_inner, has_residual, accumulate }, { HALF_X }, tile) => {
    const whole = inner + second_inner;
    const written = 1 + has_residual + accumulate;
    return {
      operations: 2 * rows * columns * whole,
      memory:
        rows * inner * (HALF_X ? 2 : 4) + rows * second_inner * 4 + columns * whole * 4 + rows * columns * 4 * written,
      tileReads: tileReads(tile, rows, columns, whole),
    };
  },
  weight_gradient: ({ rows, columns, inner, part_rows }, _, tile) => ({
    operations: 2 * rows * columns * inner,
    memory: rows * (columns + inner) * 4 + Math.ceil(rows / part_rows) * columns * inner * 4,
    tileReads: tileReads(tile, columns, inner, rows),
  }),
  norm_swiglu: ({ rows, width, hidden_width: hidden }, { HALF }, tile) =>
    gated(rows, width, hidden, rows * hidden * (HALF ? 2 : 4), tile),
  swiglu_backward: ({ rows, width, hidden_width: hidden }, _, tile) =>
    gated(rows, width, hidden, rows * hidden * 16, tile),
  norm_position_qkv: ({ rows, width }, _, tile) => ({
    operations: 6 * rows * width ** 2,
    memory: (rows * width + 3 * width ** 2 + 3 * rows * width) * 4 + rows * 12,
    tileReads: tileReads(tile, rows, 3 * width, width),
  }),
  message_products: ({ rows, width }, _, tile) => ({
    operations: 4 * rows * width ** 2,
    memory: rows * width * 4 * 3,
    tileReads: tileReads(tile, rows, 2 * width, width),
  }),
};

const gated = (rows: number, width: number, hidden: number, written: number, tile: Tile): Needs => ({
  operations: 4 * rows * width * hidden,
  memory: rows * width * 4 + 2 * width * hidden * 4 + written,
  tileReads: tileReads(tile, rows, 2 * hidden, width),
});

/**
 * Attention by kernel: operations per pair and channel, elements read and written per row and channel, and the array whose size
 * gives the rows, with its elements per row and channel.
 */
const attention: Record<string, { operations: number; elements: number; array: string; ofArray: number }> = {
  ball_attention: { operations: 4, elements: 4, array: "out", ofArray: 1 },
  ball_attention_backward_keys: { operations: 8, elements: 7, array: "qkv", ofArray: 3 },
  ball_attention_backward_queries: { operations: 6, elements: 5, array: "qkv", ofArray: 3 },
};

/** Special functions per (query, key) pair, from which the pairs of an iteration are counted. */
const specials: Record<string, number> = {
  ball_attention: 2.25,
  ball_attention_backward_keys: 2,
  ball_attention_backward_queries: 2,
};

/** Threads that share the rows of a column (gpu/column_tile.wgsl), and the parts of a sum (gpu/sum_parts.wgsl). */
const ROW_LANES = 32;
const PART_LANES = 8;

/**
 * Kernels whose threads wait for one load after another: the loads of an item, the items that a thread goes through, and where
 * they come from.
 */
const chains: Record<
  string,
  { loads: (c: Constants) => number; items: (p: Values, c: Constants) => number; from: "dramLatency" | "l2Latency" }
> = {
  column_sums: { loads: () => 1, items: ownRows, from: "dramLatency" },
  norm_backward: {
    loads: (c) => 2 + c.ACCUMULATE + c.GATHER,
    // For each 32 rows their means, for which LayerNorm goes through them three times, and then a thread's rows of its column.
    items: (p, c) => Math.min(p.rows, p.part_rows) * ((1 + 2 * c.LAYER) / ROW_LANES + p.across / 256),
    from: "dramLatency",
  },
  batch_norm_sums: { loads: () => 2, items: ownRows, from: "dramLatency" },
  column_moments: { loads: () => 1, items: ownRows, from: "dramLatency" },
  sum_parts: {
    loads: () => 1,
    items: (p, c) => Math.max(...partSums(p, c).map(({ parts }) => parts / (parts < c.MANY_PARTS ? 1 : PART_LANES))),
    from: "l2Latency",
  },
  batch_statistics: { loads: () => 2, items: (p) => p.rows / 256 / ROW_LANES, from: "l2Latency" },
  fold_position: {
    loads: (c) => 2 + c.DIMENSIONS * (c.VEC4 ? 4 : 1),
    items: (p, c) => p.width / ROW_LANES / (c.VEC4 ? 4 : 1),
    from: "dramLatency",
  },
};

function ownRows({ rows, part_rows }: Values): number {
  return Math.min(rows, part_rows) / ROW_LANES;
}

/** The parts and the size of each sum of one dispatch. */
function partSums(p: Values, { JOBS }: Constants): { parts: number; size: number; accumulate: number }[] {
  const jobs = Array.from({ length: JOBS }, (_, j) => ({
    parts: p[`parts_${j}`],
    size: p[`size_${j}`],
    accumulate: p[`accumulate_${j}`],
  }));
  return jobs.filter(({ parts }) => parts > 0);
}

/** Kernels that go through the edges of neighbouring nodes, tile by tile (gpu/message.wgsl). */
const messages = ["message_mean", "message_backward"];

/** The feed-forward part in one kernel (gpu/feed_forward.wgsl). */
const FEED_FORWARD = "feed_forward";

function needsOf({ name, constants }: Kernel, { parameters: p, bound, groups }: Dispatch): Needs {
  const tile = tileOf(constants);
  if (tile && products[name]) return products[name](p, constants, tile);
  if (attention[name]) {
    const { operations, elements, array, ofArray } = attention[name];
    const width = p.heads * p.head_width;
    const rows = Math.floor(bound[array] / (4 * ofArray) / width);
    return {
      operations: operations * rows * BALL * width,
      memory: rows * width * 4 * elements,
      pairs: rows * BALL * p.heads,
    };
  }
  if (name === "sum_parts") {
    // What is bound has gaps between the destinations.
    const elements = partSums(p, constants).map(({ parts, size, accumulate }) => size * (parts + 1 + accumulate));
    return { operations: 0, memory: 4 * elements.reduce((sum, count) => sum + count, 0) };
  }
  const arrays = Object.values(bound).reduce((sum, bytes) => sum + bytes, 0);
  if (name === FEED_FORWARD) {
    const weights = 3 * constants.WIDTH * p.hidden_width;
    return {
      operations: 2 * p.rows * (weights + constants.ATTENDED * constants.WIDTH ** 2),
      memory: arrays,
      tileReads: groups * weights * 4 + bound.x,
    };
  }
  // Edges gather rows, which come on top.
  return { operations: 0, memory: arrays + (messages.includes(name) ? p.edges * constants.WIDTH * 4 : 0) };
}

const isZeroing = (loop: Counts) =>
  Boolean(loop["shared-store"]) && !loop.load && !loop.fma && !loop["shared-load"] && !loop.fp;

/** Instructions of one warp, with `turns` iterations of each loop; loops that zero the workgroup's memory write 4 bytes a store. */
function wholeWarp(found: CompiledKernel, turns: (loop: Counts) => number): number {
  const stores = found.loops.reduce((sum, loop) => sum + (isZeroing(loop) ? loop["shared-store"]! : 0), 0);
  const zeroing = (found.shared ?? 0) / 4 / found.threads / stores;
  return found.loops.reduce(
    (sum, loop) => sum + total(loop) * (isZeroing(loop) ? zeroing : turns(loop)),
    found.outside,
  );
}

/** Cycles of the load-store unit for one warp and iteration. */
const accessCycles = ({ load = 0, "shared-load": read = 0, "shared-store": written = 0 }: Counts) =>
  LOAD_CYCLES * load + SHARED_CYCLES * (read + written);

/** Estimates the seconds of one dispatch without its gap, and what bounds it. */
function costOf(
  kernel: Kernel,
  dispatch: Dispatch,
  found: CompiledKernel,
  device: ModelledDevice,
): { seconds: number; bound: Bound } {
  const { name, constants } = kernel;
  const { parameters: p, groups } = dispatch;
  const { hot, threads, waits } = found;
  const needs = needsOf(kernel, dispatch);
  const slots = device.multiprocessors * 4 * device.clock * device.issue;
  const warps = (groups * threads) / 32;
  const fills = Math.max(1, warps / (device.multiprocessors * Math.max(found.warps, 1)));
  const units = device.multiprocessors * device.clock * device.loadStore;
  let issue = 0;
  let loads = 0;
  let latency = 0;
  if (products[name] && fmaATurn(constants, threads) && hot) {
    // Loops other than the hot one and those that zero memory are left out.
    const turns = Math.ceil(innerOf(name, p) / INNER_A_TURN);
    const tile = turns * hot.instructions + wholeWarp(found, () => 0);
    issue = (warps * tile) / slots;
    loads = (warps * turns * accessCycles(hot.counts)) / units;
    if (groups <= 2 * device.multiprocessors) latency = tile / (device.clock * ALONE);
  } else if (name === FEED_FORWARD && hot) {
    // A loop goes through the hidden layer, 32 elements with their exponentials at a time, and one inside it through half the 32
    // channels of x.
    const turns = (loop: Counts) => (p.hidden_width / 32) * (loop.special ? 1 : constants.WIDTH / 16);
    const whole = wholeWarp(found, turns);
    issue = (warps * whole) / slots;
    // The map before it is outside of all loops: at each of 32 inner positions it reads three vec4s, and it loads four of its weight.
    const before = constants.ATTENDED * accessCycles({ load: 4, "shared-load": 3 * 32 });
    loads = (warps * found.loops.reduce((sum, loop) => sum + turns(loop) * accessCycles(loop), before)) / units;
    if (groups <= 2 * device.multiprocessors) latency = whole / (device.clock * ALONE);
  } else if (needs.pairs && hot?.counts.special) {
    const items = hot.counts.special / specials[name];
    issue = (((needs.pairs / 32) * hot.instructions) / items) * (ATTENTION_WHOLE / slots);
    loads = (((needs.pairs / 32) * accessCycles(hot.counts)) / items) * (ATTENTION_WHOLE / units);
  } else if (messages.includes(name) && hot) {
    // An iteration of the hot loop takes a tile of edges, one of another loop an edge of the thread's own node, or as much.
    const ofNode = p.edges / p.nodes;
    const tiles = Math.ceil(ofNode / constants.EACH);
    issue = (warps * wholeWarp(found, (loop) => (loop === hot.counts ? tiles : ofNode))) / slots;
    latency = (tiles * waits + 2) * device.dramLatency * fills;
  } else if (chains[name]) {
    const { loads: ofItem, items, from } = chains[name];
    // Without a loop all loads are issued at once.
    const turns = hot?.counts.load ? Math.max(1, items(p, constants) / (hot.counts.load / ofItem(constants))) : 1;
    latency = turns * Math.max(1, waits) * device[from] * fills;
  }
  const parts: [Bound, number][] = [
    ["issue", issue],
    ["loads", loads],
    ["L2", (needs.tileReads ?? 0) / device.l2],
    ["DRAM", needs.memory / device.dram],
    ["latency", latency],
  ];
  if (!parts.every(([, seconds]) => seconds >= 0))
    throw new Error(`times.ts: the rule of ${name} uses parameters or constants that the kernel no longer has`);
  const [bound, seconds] = parts.reduce((longest, part) => (part[1] > longest[1] ? part : longest));
  return { seconds, bound };
}

export interface Estimate {
  /** Seconds of the whole pass, and those of the gaps between dispatches. */
  seconds: number;
  gaps: number;
  /** The roofline: the seconds of arithmetic at the GPU's peak and of memory alone. */
  floor: number;
  /** Seconds by the kernel's index. */
  byKernel: Map<number, number>;
  byBound: Map<Bound, number>;
}

/** @param found the compiled kernels, by their index */
export function estimatePass(
  pass: Pass,
  kernels: readonly Kernel[],
  found: readonly CompiledKernel[],
  device: ModelledDevice,
): Estimate {
  const byKernel = new Map<number, number>();
  const byBound = new Map<Bound, number>();
  const peak = device.multiprocessors * 256 * device.clock;
  let [inKernels, floor] = [0, 0];
  for (const dispatch of pass.dispatches) {
    const index = dispatch.kernel;
    const { seconds, bound } = costOf(kernels[index], dispatch, found[index], device);
    const { operations, memory } = needsOf(kernels[index], dispatch);
    inKernels += seconds;
    floor += Math.max(operations / peak, memory / device.dram);
    byKernel.set(index, (byKernel.get(index) ?? 0) + seconds);
    byBound.set(bound, (byBound.get(bound) ?? 0) + seconds);
  }
  const gaps = device.gap * (pass.dispatches.length + pass.copies + pass.clears);
  return { seconds: inKernels + gaps, gaps, floor, byKernel, byBound };
}
