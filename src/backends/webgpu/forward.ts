// The forward operators on WebGPU: which kernel runs, how it is compiled for the shapes at hand, how many workgroups it takes, and
// how it is split when an array exceeds one binding. What the kernels compute stands in their own headers (gpu/).

import type { DeviceInfo, Storage } from "../device.ts";
import type { BallList, Operators } from "../operators.ts";
import type { Constants } from "./kernels.ts";
import type { BufferPool, BufferStorage } from "./memory.ts";
import type { PipelineCache } from "./pipelines.ts";
import { type ProductShape, productCut } from "./products.ts";
import { WorkQueue } from "./queue.ts";
import { type Bound, type Recorder, windowOf } from "./recorder.ts";
import { overRows, ROW_STEP, rowsInBinding, rowWindow } from "./windows.ts";

/** Threads and rows the kernels are written for. */
export const THREADS = 64;
export const ROWS_OF_EIGHT_LANES = 8;
export const MOMENT_ROWS = 256;
export const COLUMNS_ACROSS = 8;
const FOLDED_COLUMNS = 16;
/** The feed-forward's hidden layer exists for so many bytes of rows at a time. On a GPU fewer dispatches are worth more memory. */
const HIDDEN_BYTES = { gpu: 2 ** 28, software: 2 ** 26 };
/** Workgroup memory an attention tile may take: the WebGPU default, which every adapter has. */
const ATTENTION_BYTES = 16_384;
/** So many queries occupy a large GPU even if a thread takes four of them. */
const MANY_QUERIES = 131_072;
/** Quads of channels that a thread of the message kernels works out at a time. */
const MESSAGES_A_THREAD = 8;

export type Arguments<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

export const flag = (value: unknown) => (value ? 1 : 0);

/** How a kernel sees rows of `width` numbers: as quads of them where it can (gpu/stored.wgsl). */
export function itemsOf(width: number): { quads: 0 | 1; items: number } {
  return width % 4 === 0 ? { quads: 1, items: width / 4 } : { quads: 0, items: width };
}

/** One run of linear.wgsl; its header says what the numbers mean. */
interface LinearCall {
  x: Bound;
  second?: Bound;
  weight: Storage;
  bias?: Storage;
  residual?: Bound;
  scatter?: Storage;
  y: Bound;
  rows: number;
  columns: number;
  inner: number;
  secondInner?: number;
  weightStride?: number;
  weightOffset?: number;
  packedWidth?: number;
  /** x is stored in half precision. */
  halfX?: boolean;
  transposed?: boolean;
  accumulate?: boolean;
}

/** What the cut of attention depends on. */
type AttentionShape = Pick<Arguments<"ballAttention">, "balls" | "rows" | "heads" | "headWidth" | "dimensions">;

/**
 * How attention is cut up: constants of its kernels, and the blocks of queries (or keys) of the largest ball. `most` is how many
 * queries of a head no wider than 16 a GPU's thread has registers for.
 */
export function attentionCut(
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

/** How message passing is cut up: constants of its kernels (gpu/message.wgsl), and the workgroups that so many nodes take. */
export function messageShape(width: number, dimensions: number, scratchQuads = 0) {
  const rowQuads = Math.ceil(width / 4);
  const across = Math.min(rowQuads, THREADS);
  const nodes = Math.floor(THREADS / across);
  const own = Math.ceil(rowQuads / THREADS);
  const each = Math.max(1, Math.floor(Math.min(MESSAGES_A_THREAD, THREADS / nodes) / own));
  const edges = nodes * each;
  return {
    constants: {
      WIDTH: width,
      DIMENSIONS: dimensions,
      QUADS: itemsOf(width).quads,
      ACROSS: across,
      OWN: own,
      EACH: each,
      SHARED: flag(edges <= THREADS / 2),
      TILE_QUADS: Math.max(edges * (rowQuads + 1), scratchQuads),
    },
    groups: (count: number) => Math.ceil(count / nodes),
  };
}

export class ForwardOperators {
  protected readonly work = new WorkQueue();

  /** Bytes one binding and the hidden layer may cover; whether the forward pass multiplies in half precision. */
  protected readonly limits: { bindingBytes: number; hiddenBytes: number; half: boolean };

  constructor(
    readonly recorder: Recorder,
    readonly pipelines: PipelineCache,
    readonly pool: BufferPool,
    readonly info: DeviceInfo,
  ) {
    this.limits = {
      bindingBytes: info.maxBindingBytes,
      hiddenBytes: Math.min(info.software ? HIDDEN_BYTES.software : HIDDEN_BYTES.gpu, info.maxBindingBytes),
      half: info.precision === "mixed",
    };
  }

  gatherRows({ source, index, out, sources, rows, width }: Arguments<"gatherRows">): void {
    const { quads, items } = itemsOf(width);
    overRows(rows, this.limits.bindingBytes, width, (first, count) => {
      overRows(sources, this.limits.bindingBytes, width, (firstSource, sourceRows) => {
        this.run(
          "gather_rows",
          { QUADS: quads },
          {
            source: rowWindow(source, width, firstSource, sourceRows),
            row_index: rowWindow(index, 1, first, count),
            out: rowWindow(out, width, first, count),
          },
          { rows: count, width: items, first_source: firstSource, source_rows: sourceRows },
          Math.ceil((count * items) / THREADS),
        );
      });
    });
  }

  scatterRows({ source, index, into, rows, targets, width }: Arguments<"scatterRows">): void {
    const { quads, items } = itemsOf(width);
    overRows(targets, this.limits.bindingBytes, width, (firstTarget, targetRows) => {
      overRows(rows, this.limits.bindingBytes, width, (first, count) => {
        this.run(
          "scatter_rows",
          { ACCUMULATE: flag(into.accumulate), QUADS: quads },
          {
            source: rowWindow(source, width, first, count),
            row_index: rowWindow(index, 1, first, count),
            out: rowWindow(into.storage, width, firstTarget, targetRows),
          },
          { rows: count, width: items, first_target: firstTarget, target_rows: targetRows },
          Math.ceil((count * items) / THREADS),
        );
      });
    });
  }

  linear(a: Arguments<"linear">): void {
    const { x, second, weight, bias, residual, scatter, y, rows, columns, inner, secondInner = 0 } = a;
    const widest = Math.max(inner, secondInner, columns);
    if (scatter && rows > rowsInBinding(this.limits.bindingBytes, widest)) {
      this.#linearThenScatter(a, scatter);
      return;
    }
    overRows(rows, this.limits.bindingBytes, widest, (first, count) => {
      this.runLinear({
        x: rowWindow(x, inner, first, count),
        second: second && rowWindow(second, secondInner, first, count),
        weight,
        bias,
        residual: residual && rowWindow(residual, columns, first, count),
        // Without a window of its own: the rows of y are anywhere.
        scatter,
        y: rowWindow(y, columns, first, count),
        rows: count,
        columns,
        inner,
        secondInner,
      });
    });
  }

  normPositionQkv(a: Arguments<"normPositionQkv">): void {
    const { x, gather, norm, offsets, position, projection, qkv, rows, width, dimensions } = a;
    if (gather && rows > rowsInBinding(this.limits.bindingBytes, width)) {
      const gathered = this.pool.allocate(rows * width * 4);
      this.gatherRows({ source: x, index: gather, out: gathered, sources: rows, rows, width });
      this.normPositionQkv({ ...a, x: gathered, gather: undefined });
      this.pool.release(gathered);
      return;
    }
    const folded = this.pool.allocate(3 * width * 4 * 4);
    const weight = projection.weight as BufferStorage;
    this.run(
      "fold_position",
      { DIMENSIONS: dimensions, QUADS: itemsOf(width).quads },
      {
        weight,
        bias: projection.bias as BufferStorage,
        position_weight: position.weight as BufferStorage,
        position_bias: position.bias as BufferStorage,
        folded,
      },
      { width },
      Math.ceil((3 * width) / FOLDED_COLUMNS),
    );
    overRows(rows, this.limits.bindingBytes, 3 * width, (first, count) => {
      const bound: Record<string, Bound> = {
        x: gather ? (x as BufferStorage) : rowWindow(x, width, first, count),
        norm: norm as BufferStorage,
        weight,
        offsets: rowWindow(offsets, dimensions, first, count),
        folded,
        qkv: rowWindow(qkv, 3 * width, first, count),
        row_index: gather ? rowWindow(gather, 1, first, count) : weight,
      };
      this.runProduct(
        "norm_position_qkv",
        { rows: count, columns: 3 * width, widths: [width], norm: true, half: this.limits.half },
        { DIMENSIONS: dimensions },
        bound,
        { rows: count, width, gather: flag(gather) },
      );
    });
    this.pool.release(folded);
  }

  ballAttention(a: Arguments<"ballAttention">): void {
    const { qkv, positions, sigma, balls, out, logSum, rows, heads, headWidth, dimensions } = a;
    const width = heads * headWidth;
    const { constants, queryBlocks } = attentionCut(a, this.info, 4);
    this.overBalls(balls, rows, 3 * width, (firstBall, ballCount, first, count) => {
      this.run(
        "ball_attention",
        constants,
        {
          qkv: rowWindow(qkv, 3 * width, first, count),
          positions: rowWindow(positions, dimensions, first, count),
          sigma: sigma as BufferStorage,
          balls: balls.storage as BufferStorage,
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
  }

  feedForward(a: Arguments<"feedForward">): void {
    const { x, norm, gate, value, output, y, rows, width, hiddenWidth } = a;
    const { half, hiddenBytes: limit } = this.limits;
    const hiddenBytes = hiddenWidth * (half ? 2 : 4);
    const hidden = this.pool.allocate(Math.min(rows, rowsInBinding(limit, hiddenWidth)) * hiddenBytes);
    overRows(rows, limit, hiddenWidth, (first, count) => {
      this.runProduct(
        "norm_swiglu",
        { rows: count, columns: hiddenWidth, gated: true, widths: [width, hiddenWidth], norm: true, half },
        {},
        {
          x: rowWindow(x, width, first, count),
          norm: norm as BufferStorage,
          gate_weight: gate.weight as BufferStorage,
          gate_bias: gate.bias as BufferStorage,
          value_weight: value.weight as BufferStorage,
          value_bias: value.bias as BufferStorage,
          hidden,
        },
        { rows: count, width, hidden_width: hiddenWidth },
      );
      this.runLinear({
        x: hidden,
        halfX: half,
        weight: output.weight,
        bias: output.bias,
        residual: rowWindow(x, width, first, count),
        y: rowWindow(y, width, first, count),
        rows: count,
        columns: width,
        inner: hiddenWidth,
      });
    });
    this.pool.release(hidden);
  }

  messageMean(a: Arguments<"messageMean">): void {
    const products = this.messageProducts(a);
    const { positions, graph, message, norm, out, firstTarget, nodes, targets, edges, width, dimensions } = a;
    const { constants, groups } = messageShape(width, dimensions);
    this.run(
      "message_mean",
      constants,
      {
        products,
        weight: message.weight as BufferStorage,
        positions: positions as BufferStorage,
        graph: graph as BufferStorage,
        norm_weight: norm.weight as BufferStorage,
        norm_bias: norm.bias as BufferStorage,
        out: rowWindow(out, width, firstTarget, targets),
      },
      { nodes, edges, targets },
      groups(targets),
    );
    this.pool.release(products);
  }

  /** Each node's share in the messages it sends and receives, [nodes, 2 width]. */
  protected messageProducts({
    h,
    message,
    nodes,
    width,
    dimensions,
  }: Pick<Arguments<"messageMean">, "h" | "message" | "nodes" | "width" | "dimensions">): BufferStorage {
    const products = this.pool.allocate(nodes * 2 * width * 4);
    overRows(nodes, this.limits.bindingBytes, 2 * width, (first, count) => {
      this.runProduct(
        "message_products",
        { rows: count, columns: 2 * width, widths: [width], half: this.limits.half },
        {},
        {
          h: rowWindow(h, width, first, count),
          weight: message.weight as BufferStorage,
          bias: message.bias as BufferStorage,
          products: rowWindow(products, 2 * width, first, count),
        },
        { nodes: count, width, weight_stride: 2 * width + dimensions },
      );
    });
    return products;
  }

  layerNorm({ x, residual, norm, y, rows, width }: Arguments<"layerNorm">): void {
    overRows(rows, this.limits.bindingBytes, width, (first, count) => {
      this.run(
        "layer_norm",
        { QUADS: itemsOf(width).quads },
        {
          x: rowWindow(x, width, first, count),
          residual: rowWindow(residual, width, first, count),
          weight: norm.weight as BufferStorage,
          bias: norm.bias as BufferStorage,
          y: rowWindow(y, width, first, count),
        },
        { rows: count, width },
        Math.ceil(count / ROWS_OF_EIGHT_LANES),
      );
    });
  }

  batchStatistics({
    x,
    mean,
    variance,
    runningMean,
    runningVariance,
    rows,
    width,
  }: Arguments<"batchStatistics">): void {
    const moments = this.pool.allocate(Math.ceil(rows / MOMENT_ROWS) * width * 8);
    this.overParts(rows, width, MOMENT_ROWS, (first, count) => {
      this.runColumns("column_moments", {}, { x: rowWindow(x, width, first, count), moments }, { first, count, width });
    });
    this.run(
      "batch_statistics",
      {},
      {
        moments,
        mean: mean as BufferStorage,
        variance: variance as BufferStorage,
        running_mean: runningMean as BufferStorage,
        running_variance: runningVariance as BufferStorage,
      },
      { rows, width },
      Math.ceil(width / COLUMNS_ACROSS),
    );
    this.pool.release(moments);
  }

  batchNorm({ x, mean, variance, norm, y, rows, width }: Arguments<"batchNorm">): void {
    overRows(rows, this.limits.bindingBytes, width, (first, count) => {
      this.run(
        "batch_norm",
        {},
        {
          x: rowWindow(x, width, first, count),
          mean: mean as BufferStorage,
          variance: variance as BufferStorage,
          weight: norm.weight as BufferStorage,
          bias: norm.bias as BufferStorage,
          y: rowWindow(y, width, first, count),
        },
        { rows: count, width },
        Math.ceil((count * width) / THREADS),
      );
    });
  }

  ballOffsets({ positions, balls, offsets, rows, dimensions }: Arguments<"ballOffsets">): void {
    this.overBalls(balls, rows, dimensions, (firstBall, ballCount, first, count) => {
      this.run(
        "ball_offsets",
        { DIMENSIONS: dimensions },
        {
          positions: rowWindow(positions, dimensions, first, count),
          balls: balls.storage as BufferStorage,
          offsets: rowWindow(offsets, dimensions, first, count),
        },
        { first_ball: firstBall, ball_count: ballCount, first_row: first },
        ballCount,
      );
    });
  }

  coarsenPositions({ positions, centres, offsets, groups, stride, dimensions }: Arguments<"coarsenPositions">): void {
    overRows(groups, this.limits.bindingBytes, stride * dimensions, (first, count) => {
      this.run(
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
  }

  /** The product in its own order first, then its rows to their places, window by window. */
  #linearThenScatter(a: Arguments<"linear">, scatter: Storage): void {
    const { residual, y, rows, columns } = a;
    const product = this.pool.allocate(rows * columns * 4);
    let ordered: BufferStorage | undefined;
    if (residual) {
      ordered = this.pool.allocate(rows * columns * 4);
      this.gatherRows({ source: residual, index: scatter, out: ordered, sources: rows, rows, width: columns });
    }
    this.linear({ ...a, y: product, scatter: undefined, residual: ordered });
    this.scatterRows({
      source: product,
      index: scatter,
      into: { storage: y, accumulate: false },
      rows,
      targets: rows,
      width: columns,
    });
    if (ordered) this.pool.release(ordered);
    this.pool.release(product);
  }

  /** linear.wgsl on rows that fit into one binding. Arrays a call does not have are bound to the weight, and not read. */
  protected runLinear(call: LinearCall): void {
    const { x, weight, y, second, bias, residual, scatter, rows, columns, inner, secondInner = 0 } = call;
    const { transposed = false, accumulate = false, packedWidth = 0, halfX = false } = call;
    const { weightStride = inner + secondInner, weightOffset = 0 } = call;
    const absent = weight as BufferStorage;
    this.runProduct(
      "linear",
      {
        rows,
        columns,
        widths: [columns, inner, secondInner, weightStride, weightOffset],
        rightAlong: transposed,
        // Gradients are often too small for half precision.
        half: this.limits.half && !transposed,
      },
      { TRANSPOSED: flag(transposed), HALF_X: flag(halfX), SECOND: flag(secondInner) },
      {
        x,
        weight: absent,
        y,
        second: second ?? absent,
        bias: (bias as BufferStorage) ?? absent,
        residual: residual ?? absent,
        row_index: (scatter as BufferStorage) ?? absent,
      },
      {
        rows,
        columns,
        inner,
        second_inner: secondInner,
        weight_stride: weightStride,
        weight_offset: weightOffset,
        packed_width: packedWidth,
        has_bias: flag(bias),
        has_residual: flag(residual),
        scatter: flag(scatter),
        accumulate: flag(accumulate),
      },
    );
  }

  /** Ranges of rows that fit into one binding and begin with a part of their own. */
  protected overParts(
    rows: number,
    width: number,
    partRows: number,
    run: (first: number, count: number) => void,
  ): void {
    const step = Math.max(1, Math.floor(rowsInBinding(this.limits.bindingBytes, width) / partRows)) * partRows;
    for (let first = 0; first < rows; first += step) run(first, Math.min(step, rows - first));
  }

  /** A kernel that includes column_tile.wgsl, on `count` rows from `first` on. */
  protected runColumns(
    name: string,
    constants: Constants,
    bound: Record<string, Bound>,
    { first, count, width, partRows = MOMENT_ROWS }: { first: number; count: number; width: number; partRows?: number },
  ): void {
    const { quads, items } = itemsOf(width);
    this.run(
      name,
      { ...constants, QUADS: quads },
      bound,
      { rows: count, items, part_rows: partRows, first_part: first / partRows },
      Math.ceil(items / COLUMNS_ACROSS) * Math.ceil(count / partRows),
    );
  }

  /** A kernel that includes product.wgsl, for `parts` parts of its inner dimension. */
  protected runProduct(
    name: string,
    shape: ProductShape,
    constants: Constants,
    bound: Record<string, Bound>,
    parameters: Record<string, number>,
    parts = 1,
  ): void {
    const cut = productCut(shape, this.info);
    this.run(name, Object.assign(cut.constants, constants), bound, parameters, cut.tiles * parts);
  }

  /** Calls `run` for ranges of whole balls whose rows fit into one binding and start where a binding may start. */
  protected overBalls(
    balls: BallList,
    rows: number,
    width: number,
    run: (firstBall: number, ballCount: number, firstRow: number, rowCount: number) => void,
  ): void {
    const total = balls.host.length / 2;
    const step = rowsInBinding(this.limits.bindingBytes, width);
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

  protected run(
    name: string,
    constants: Constants,
    bound: Record<string, Bound>,
    parameters: Record<string, number>,
    groups: number,
  ): void {
    const pipeline = this.pipelines.get(name, constants);
    if (this.work.idle && pipeline.pipeline) {
      this.recorder.dispatch(pipeline, bound, parameters, groups);
      return;
    }
    // Memory may have been given back and be used for something of another size by then.
    const windows = Object.fromEntries(Object.entries(bound).map(([array, given]) => [array, windowOf(given)]));
    this.work.add(() => this.recorder.dispatch(pipeline, windows, parameters, groups), pipeline.compiling);
  }
}
