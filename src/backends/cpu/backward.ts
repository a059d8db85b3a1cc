// The backward operators on the CPU. A weight's gradient is a product whose inner dimension is the rows; every sum over
// rows is taken in their order by one thread.

import type { Storage } from "../device.ts";
import type { Destination, LinearDestinations, Operators } from "../operators.ts";
import { ElementwiseOperators } from "./elementwise.ts";
import { type Arguments, from } from "./forward.ts";
import type { Fields } from "./recorder.ts";
import { attentionBackwardScratch, paddedRows } from "./scratch.ts";

/** A matrix product's gradient: gradient [rows, columns], W's element (c, k) at `offset` + c * `stride` + k, k < inner. */
interface GradientShape {
  rows: number;
  columns: number;
  inner: number;
  stride?: number;
  offset?: number;
  packedWidth?: number;
  /** Row i of the gradient is row gather[i] of what is given. */
  gather?: Storage;
}

export class CpuOperators extends ElementwiseOperators implements Operators {
  add({ x, y, size }: Arguments<"add">): void {
    this.recorder.record("Add", { x, y, size });
  }

  gatherRowsBackward({ gradient, starts, entries, into, sources, width }: Arguments<"gatherRowsBackward">): void {
    const { storage: out, accumulate } = into;
    this.recorder.record("GatherSum", { x: gradient, starts, entries, out, accumulate, rows: sources, width });
  }

  linearBackward(a: Arguments<"linearBackward">): void {
    const { gradient, x, second, weight, scatter, into, rows, columns, inner, secondInner = 0 } = a;
    const shape = { rows, columns, inner, stride: inner + secondInner, gather: scatter };
    const secondShape = { ...shape, inner: secondInner, offset: inner };
    if (into.x) this.#inputGradient(gradient, weight, into.x, shape);
    if (into.second) this.#inputGradient(gradient, weight, into.second, secondShape);
    if (into.weight) this.#weightGradient(gradient, x, into.weight, shape);
    if (into.weight && second) this.#weightGradient(gradient, second, into.weight, secondShape);
    if (into.bias) this.#columnSums(gradient, into.bias, { rows, columns });
  }

  normPositionQkvBackward(a: Arguments<"normPositionQkvBackward">): void {
    const { gradient, x, gather, norm, offsets, position, projection, into, rows, width, dimensions } = a;
    const y = this.pool.allocate(rows * width * 4);
    const scale = this.pool.allocate(rows * 4);
    this.normPosition({ x, gather, norm, offsets, position, y, scale, rows, width, dimensions });
    const packed = { rows, columns: 3 * width, inner: width, packedWidth: width };
    if (into.projection.weight) this.#weightGradient(gradient, y, into.projection.weight, packed);
    if (into.projection.bias) this.#columnSums(gradient, into.projection.bias, packed);
    const dy = y;
    this.#inputGradient(gradient, projection.weight, { storage: dy, accumulate: false }, packed);
    const inPosition = { rows, columns: width, inner: dimensions };
    if (into.position.weight) this.#weightGradient(dy, offsets, into.position.weight, inPosition);
    if (into.position.bias) this.#columnSums(dy, into.position.bias, inPosition);
    const factor = { factor: x, factorGather: gather, scale };
    if (into.norm) this.#columnSums(dy, into.norm, { rows, columns: width, ...factor });
    if (into.x) this.#rmsNormBackward({ x, gather, norm, scale, dy, rows, width }, into.x);
    this.pool.release(y);
    this.pool.release(scale);
  }

  ballAttentionBackward(a: Arguments<"ballAttentionBackward">): void {
    const { gradient, qkv, positions, sigma, balls, out, logSum, into, rows, heads, headWidth, dimensions } = a;
    const { largest } = balls;
    const rowTerms = this.pool.allocate(rows * heads * 4);
    this.withScratch(attentionBackwardScratch({ largest, headWidth, dimensions }), (scratch) =>
      this.recorder.record("BallAttentionBackward", {
        gradient,
        qkv,
        positions,
        sigma,
        balls: balls.storage,
        ballCount: balls.host.length / 2,
        largest,
        out,
        logSum,
        dqkv: into.qkv,
        rowTerms,
        heads,
        headWidth,
        dimensions,
        ...scratch,
      }),
    );
    if (into.sigma) this.#columnSums(rowTerms, into.sigma, { rows, columns: heads });
    this.pool.release(rowTerms);
  }

  feedForwardBackward(a: Arguments<"feedForwardBackward">): void {
    const { gradient, x, norm, gate, value, output, into, rows, width, hiddenWidth } = a;
    this.overHidden(rows, hiddenWidth, (first, count, hidden) => {
      const allocate = (columns: number) => this.pool.allocate(count * columns * 4);
      const [y, scale, dgate, dvalue] = [allocate(width), allocate(1), allocate(hiddenWidth), allocate(hiddenWidth)];
      const chunk = from(x, first * width);
      const dout = from(gradient, first * width);
      // After the first rows, gradients of parameters are added to what the rows before gave.
      const later = (destination: Destination | undefined) =>
        destination && { ...destination, accumulate: destination.accumulate || first > 0 };
      this.normPosition({ x: chunk, norm, y, scale, rows: count, width });
      const outer = { rows: count, columns: width, inner: hiddenWidth };
      this.#inputGradient(dout, output.weight, { storage: dvalue, accumulate: false }, outer);
      this.product(
        { rows: count, columns: hiddenWidth, inner: width },
        { left: y, leftStride: width },
        { right: gate.weight, value: value.weight, rightStride: width },
        { bias: gate.bias, valueBias: value.bias, out: hidden, outStride: hiddenWidth, dgate, dvalue },
      );
      const parameters = (of: Storage, input: Storage, into: LinearDestinations, shape: GradientShape) => {
        const weight = later(into.weight);
        const bias = later(into.bias);
        if (weight) this.#weightGradient(of, input, weight, shape);
        if (bias) this.#columnSums(of, bias, shape);
      };
      const inner = { rows: count, columns: hiddenWidth, inner: width };
      parameters(dout, hidden, into.output, outer);
      parameters(dgate, y, into.gate, inner);
      parameters(dvalue, y, into.value, inner);
      const dy = y;
      this.#inputGradient(dgate, gate.weight, { storage: dy, accumulate: false }, inner);
      this.#inputGradient(dvalue, value.weight, { storage: dy, accumulate: true }, inner);
      const intoNorm = later(into.norm);
      if (intoNorm) this.#columnSums(dy, intoNorm, { rows: count, columns: width, factor: chunk, scale });
      if (into.x) {
        const dx = { ...into.x, storage: from(into.x.storage, first * width) };
        this.#rmsNormBackward({ x: chunk, norm, scale, dy, rows: count, width }, dx);
      }
      for (const storage of [y, scale, dgate, dvalue]) this.pool.release(storage);
    });
  }

  messageMeanBackward(a: Arguments<"messageMeanBackward">): void {
    const { firstTarget, h, positions, graph, arrived, message, norm, into } = a;
    const { nodes, targets, edges, width, dimensions } = a;
    const dout = from(a.gradient, firstTarget * width);
    const products = this.messageProducts(a);
    const allocate = (numbers: number) => this.pool.allocate(Math.max(numbers, 1) * 4);
    const moments = allocate(edges * 4);
    const [asSource, asTarget, plain] = [allocate(nodes * width), allocate(nodes * width), allocate(targets * width)];
    const terms = allocate(nodes * width * dimensions);
    const shared = {
      products,
      positions,
      graph,
      weight: message.weight,
      normWeight: norm.weight,
      dout,
      moments,
      nodes,
      edges,
      width,
      dimensions,
    };
    this.withScratch(paddedRows(dimensions + 8, width), (scratch) => {
      const arriving = { ...shared, plain, asTarget, terms, targets };
      this.recorder.record("MessageBackwardArriving", { ...arriving, ...scratch });
      this.recorder.record("MessageBackwardLeaving", { ...shared, asSource, ...scratch });
    });
    if (into.norm.bias) this.#columnSums(dout, into.norm.bias, { rows: targets, columns: width, scale: arrived });
    if (into.norm.weight) this.#columnSums(plain, into.norm.weight, { rows: targets, columns: width, factor: dout });
    const stride = 2 * width + dimensions;
    const sourceShape = { rows: nodes, columns: width, inner: width, stride, offset: 0 };
    const targetShape = { ...sourceShape, offset: width };
    if (into.h) {
      this.#inputGradient(asSource, message.weight, into.h, sourceShape);
      this.#inputGradient(asTarget, message.weight, { ...into.h, accumulate: true }, targetShape);
    }
    if (into.message.weight) {
      const { storage, accumulate } = into.message.weight;
      this.#weightGradient(asSource, h, into.message.weight, sourceShape);
      this.#weightGradient(asTarget, h, into.message.weight, targetShape);
      for (let axis = 0; axis < dimensions; axis++) {
        this.#columnSums(
          from(terms, axis * width),
          { storage: from(storage, 2 * width + axis), accumulate },
          { rows: nodes, columns: width, stride: dimensions * width, outStep: stride },
        );
      }
    }
    if (into.message.bias) this.#columnSums(asTarget, into.message.bias, { rows: nodes, columns: width });
    for (const storage of [products, moments, asSource, asTarget, plain, terms]) this.pool.release(storage);
  }

  layerNormBackward({ gradient, x, norm, into, rows, width }: Arguments<"layerNormBackward">): void {
    const normalised = this.pool.allocate(rows * width * 4);
    this.recorder.record("LayerNormBackward", {
      x,
      weight: norm.weight,
      dy: gradient,
      dx: into.x?.storage,
      accumulate: into.x?.accumulate,
      normalised,
      rows,
      width,
    });
    if (into.weight) this.#columnSums(gradient, into.weight, { rows, columns: width, factor: normalised });
    if (into.bias) this.#columnSums(gradient, into.bias, { rows, columns: width });
    this.pool.release(normalised);
  }

  batchNormBackward(a: Arguments<"batchNormBackward">): void {
    const { gradient, x, mean, variance, norm, training, into, rows, width } = a;
    const sums = this.pool.allocate(2 * width * 4);
    this.recorder.record("BatchNormSums", {
      x,
      mean,
      variance,
      dy: gradient,
      sums,
      dweight: into.weight?.storage,
      accumulateWeight: into.weight?.accumulate,
      dbias: into.bias?.storage,
      accumulateBias: into.bias?.accumulate,
      rows,
      width,
    });
    if (into.x) {
      const { storage: dx, accumulate } = into.x;
      const given = { x, mean, variance, weight: norm.weight, dy: gradient, sums };
      this.recorder.record("BatchNormBackward", { ...given, dx, training, accumulate, rows, width });
    }
    this.pool.release(sums);
  }

  /** into [rows, inner] (+)= gradient W. */
  #inputGradient(gradient: Storage, weight: Storage, into: Destination, shape: GradientShape): void {
    const { rows, columns, inner, stride = inner, offset = 0, packedWidth, gather } = shape;
    this.product(
      { rows, columns: inner, inner: columns },
      { left: gradient, leftStride: columns, gather },
      { right: from(weight, offset), rightStride: stride, rightAlong: true, packedWidth },
      { out: into.storage, outStride: inner, accumulate: into.accumulate },
    );
  }

  /** W's part of the gradient (+)= gradient^T x. */
  #weightGradient(gradient: Storage, x: Storage, into: Destination, shape: GradientShape): void {
    const { rows, columns, inner, stride = inner, offset = 0, packedWidth, gather } = shape;
    this.product(
      { rows: columns, columns: inner, inner: rows },
      { left: gradient, leftStride: columns, leftAlong: true, gather },
      { right: x, rightStride: inner, rightAlong: true },
      {
        out: from(into.storage, offset),
        outStride: stride,
        outPackedWidth: packedWidth,
        accumulate: into.accumulate,
      },
    );
  }

  /** into[c * outStep] (+)= sum over rows of x[row, c] (* factor[row, c]) (* scale[row]). */
  #columnSums(
    x: Storage,
    into: Destination,
    shape: {
      rows: number;
      columns: number;
      stride?: number;
      factor?: Storage;
      factorGather?: Storage;
      scale?: Storage;
      outStep?: number;
      packedWidth?: number;
    },
  ): void {
    const { rows, columns, stride = columns, factor, factorGather, scale, outStep = 1, packedWidth } = shape;
    this.recorder.record("ColumnSums", {
      x,
      stride,
      factor,
      factorStride: columns,
      factorGather,
      scale,
      out: into.storage,
      outStep,
      packedWidth,
      accumulate: into.accumulate,
      rows,
      columns,
    });
  }

  #rmsNormBackward(given: Fields & { rows: number; width: number }, into: Destination): void {
    this.recorder.record("RmsNormBackward", { ...given, dx: into.storage, accumulate: into.accumulate });
  }
}
