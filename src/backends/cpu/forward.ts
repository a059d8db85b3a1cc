// The forward operators on the CPU: which commands they are. What the commands compute stands in wasm/kernels, and the
// formulas in gpu/.

import type { Storage } from "../device.ts";
import type { LinearParameters, Operators } from "../operators.ts";
import type { Piece, PiecePool } from "./memory.ts";
import type { Fields, Recorder } from "./recorder.ts";
import { attentionScratch, cutProduct, paddedRows, paddedWidth } from "./scratch.ts";

export type Arguments<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

/** The feed-forward's hidden layer exists for so many bytes of rows at a time. */
const HIDDEN_BYTES = 2 ** 24;

/** What message passing's forward and backward have in common. */
type MessageShape = Pick<Arguments<"messageMean">, "h" | "message" | "nodes" | "width" | "dimensions">;

/** A part of a piece of memory from one of its numbers on. */
export const from = (storage: Storage, number: number): Piece => (storage as Piece).slice(number * 4, 0);

export class ForwardOperators {
  constructor(
    readonly recorder: Recorder,
    readonly pool: PiecePool,
    protected readonly threadCount: number,
  ) {}

  gatherRows({ source, index, out, rows, width }: Arguments<"gatherRows">): void {
    this.recorder.record("GatherRows", { source, index, out, rows, width });
  }

  scatterRows({ source, index, into, rows, width }: Arguments<"scatterRows">): void {
    const { storage: out, accumulate } = into;
    this.recorder.record("ScatterRows", { source, index, out, accumulate, rows, width });
  }

  linear(a: Arguments<"linear">): void {
    const { x, second, weight, bias, residual, scatter, y, rows, columns, inner, secondInner = 0 } = a;
    this.product(
      { rows, columns, inner, secondInner },
      { left: x, leftStride: inner, second },
      { right: weight, rightStride: inner + secondInner },
      { bias, residual, scatter, out: y, outStride: columns },
    );
  }

  normPositionQkv(a: Arguments<"normPositionQkv">): void {
    const { x, gather, norm, offsets, position, projection, qkv, rows, width, dimensions } = a;
    const y = this.pool.allocate(rows * width * 4);
    this.normPosition({ x, gather, norm, offsets, position, y, rows, width, dimensions });
    this.product(
      { rows, columns: 3 * width, inner: width },
      { left: y, leftStride: width },
      { right: projection.weight, rightStride: width, packedWidth: width },
      { bias: projection.bias, out: qkv, outStride: 3 * width },
    );
    this.pool.release(y);
  }

  /** y = RMSNorm(x; norm), with the positional term where `position` is given, and each row's scale where there is room for it. */
  protected normPosition(given: {
    x: Storage;
    gather?: Storage;
    norm: Storage;
    offsets?: Storage;
    position?: LinearParameters;
    y: Storage;
    scale?: Storage;
    rows: number;
    width: number;
    dimensions?: number;
  }): void {
    const { position, ...rest } = given;
    this.withScratch(paddedRows(given.dimensions ?? 0, given.width), (scratch) =>
      this.recorder.record("NormPosition", {
        ...rest,
        positionWeight: position?.weight,
        positionBias: position?.bias,
        ...scratch,
      }),
    );
  }

  ballAttention(a: Arguments<"ballAttention">): void {
    const { qkv, positions, sigma, balls, out, logSum, heads, headWidth, dimensions } = a;
    const { largest } = balls;
    this.withScratch(attentionScratch({ largest, headWidth, dimensions }), (scratch) =>
      this.recorder.record("BallAttention", {
        qkv,
        positions,
        sigma,
        balls: balls.storage,
        ballCount: balls.host.length / 2,
        largest,
        out,
        logSum,
        heads,
        headWidth,
        dimensions,
        ...scratch,
      }),
    );
  }

  feedForward(a: Arguments<"feedForward">): void {
    const { x, norm, gate, value, output, y, rows, width, hiddenWidth } = a;
    this.overHidden(rows, hiddenWidth, (first, count, hidden) => {
      const chunk = from(x, first * width);
      const normed = this.pool.allocate(count * width * 4);
      this.normPosition({ x: chunk, norm, y: normed, rows: count, width });
      this.product(
        { rows: count, columns: hiddenWidth, inner: width },
        { left: normed, leftStride: width },
        { right: gate.weight, value: value.weight, rightStride: width },
        { bias: gate.bias, valueBias: value.bias, out: hidden, outStride: hiddenWidth },
      );
      this.pool.release(normed);
      this.product(
        { rows: count, columns: width, inner: hiddenWidth },
        { left: hidden, leftStride: hiddenWidth },
        { right: output.weight, rightStride: hiddenWidth },
        { bias: output.bias, residual: chunk, out: from(y, first * width), outStride: width },
      );
    });
  }

  messageMean(a: Arguments<"messageMean">): void {
    const { positions, graph, message, norm, out, firstTarget, nodes, targets, edges, width, dimensions } = a;
    const products = this.messageProducts(a);
    this.withScratch(paddedRows(5, width), (scratch) =>
      this.recorder.record("MessageMean", {
        products,
        positions,
        graph,
        weight: message.weight,
        normWeight: norm.weight,
        normBias: norm.bias,
        out: from(out, firstTarget * width),
        nodes,
        targets,
        edges,
        width,
        dimensions,
        ...scratch,
      }),
    );
    this.pool.release(products);
  }

  /** Each node's share in the messages it sends and receives: [nodes, 2, padded width]. */
  protected messageProducts({ h, message, nodes, width, dimensions }: MessageShape): Piece {
    const stride = 2 * paddedWidth(width);
    const products = this.pool.allocate(nodes * stride * 4);
    for (const [side, bias] of [undefined, message.bias].entries()) {
      this.product(
        { rows: nodes, columns: width, inner: width },
        { left: h, leftStride: width },
        { right: from(message.weight, side * width), rightStride: 2 * width + dimensions },
        { bias, out: from(products, side * paddedWidth(width)), outStride: stride },
      );
    }
    return products;
  }

  layerNorm({ x, residual, norm, y, rows, width }: Arguments<"layerNorm">): void {
    this.recorder.record("LayerNorm", { x, residual, ...norm, y, rows, width });
  }

  batchStatistics(a: Arguments<"batchStatistics">): void {
    const { x, mean, variance, runningMean, runningVariance, rows, width } = a;
    this.recorder.record("BatchStatistics", { x, mean, variance, runningMean, runningVariance, rows, width });
  }

  batchNorm({ x, mean, variance, norm, y, rows, width }: Arguments<"batchNorm">): void {
    this.recorder.record("BatchNorm", { x, mean, variance, ...norm, y, rows, width });
  }

  ballOffsets({ positions, balls, offsets, dimensions }: Arguments<"ballOffsets">): void {
    const ballCount = balls.host.length / 2;
    this.recorder.record("BallOffsets", { positions, balls: balls.storage, ballCount, offsets, dimensions });
  }

  coarsenPositions({ positions, centres, offsets, groups, stride, dimensions }: Arguments<"coarsenPositions">): void {
    this.recorder.record("CoarsenPositions", { positions, centres, offsets, groups, stride, dimensions });
  }

  /** A matrix product: what is multiplied, and what is done with its sums (product.ts and finish.ts in wasm/kernels). */
  protected product(
    shape: { rows: number; columns: number; inner: number; secondInner?: number },
    left: { left: Storage; leftStride: number; leftAlong?: boolean; second?: Storage; gather?: Storage },
    right: {
      right: Storage;
      rightStride: number;
      rightAlong?: boolean;
      packedWidth?: number;
      value?: Storage;
    },
    finish: Fields,
  ): void {
    const { rows, columns, inner, secondInner = 0 } = shape;
    const kind = { gated: right.value !== undefined, leftAlong: left.leftAlong ?? false };
    const { scratchBytes, ...blocks } = cutProduct(
      { rows, columns, inner: inner + secondInner },
      kind,
      this.threadCount,
    );
    this.withScratch(scratchBytes, (scratch) =>
      this.recorder.record("Product", { ...shape, ...left, ...right, ...finish, ...blocks, ...scratch }),
    );
  }

  /** Memory of its own for each thread while a command runs. */
  protected withScratch(bytes: number, record: (scratch: { scratch: Storage; scratchBytes: number }) => void): void {
    const scratchBytes = Math.ceil(bytes / 64) * 64;
    const scratch = this.pool.allocate(scratchBytes * this.threadCount);
    record({ scratch, scratchBytes });
    this.pool.release(scratch);
  }

  /** Calls `run` for ranges of rows whose hidden layer is small enough, with memory for it. */
  protected overHidden(
    rows: number,
    hiddenWidth: number,
    run: (first: number, count: number, hidden: Piece) => void,
  ): void {
    const step = Math.min(rows, Math.max(64, Math.floor(HIDDEN_BYTES / (hiddenWidth * 4))));
    const hidden = this.pool.allocate(step * hiddenWidth * 4);
    for (let first = 0; first < rows; first += step) run(first, Math.min(step, rows - first), hidden);
    this.pool.release(hidden);
  }
}
