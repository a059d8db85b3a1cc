// The backward operators on WebGPU, each the way back of one in forward.ts.

import type { Storage } from "../device.ts";
import type { Destination, LinearDestinations, Operators } from "../operators.ts";
import {
  type Arguments,
  attentionCut,
  flag,
  itemsOf,
  MOMENT_ROWS,
  messageShape,
  ROWS_OF_EIGHT_LANES,
  THREADS,
} from "./forward.ts";
import { GradientOperators, vector } from "./gradients.ts";
import type { BufferStorage } from "./memory.ts";
import { overRows, ROW_STEP, rowsInBinding, rowWindow } from "./windows.ts";

export class WebGPUOperators extends GradientOperators implements Operators {
  add({ x, y, size }: Arguments<"add">): void {
    overRows(size, this.limits.bindingBytes, 1, (first, count) => {
      const { quads, items } = itemsOf(count);
      this.run(
        "add",
        { QUADS: quads },
        { x: rowWindow(x, 1, first, count), y: rowWindow(y, 1, first, count) },
        { size: items },
        Math.ceil(items / THREADS),
      );
    });
  }

  gatherRowsBackward({ gradient, starts, entries, into, sources, rows, width }: Arguments<"gatherRowsBackward">): void {
    overRows(sources, this.limits.bindingBytes, width, (first, count) => {
      overRows(rows, this.limits.bindingBytes, width, (firstX, xRows) => {
        this.run(
          "gather_sum",
          { ACCUMULATE: flag(into.accumulate || firstX > 0) },
          {
            x: rowWindow(gradient, width, firstX, xRows),
            starts: { ...rowWindow(starts, 1, first, count), bytes: (count + 1) * 4 },
            entries: vector(entries),
            out: rowWindow(into.storage, width, first, count),
          },
          { rows: count, width, first_x: firstX, x_rows: xRows },
          Math.ceil((count * width) / THREADS),
        );
      });
    });
  }

  linearBackward(a: Arguments<"linearBackward">): void {
    const { x, second, weight, scatter, into, rows, columns, inner, secondInner = 0 } = a;
    let gradient = a.gradient;
    if (scatter) {
      gradient = this.pool.allocate(rows * columns * 4);
      this.gatherRows({ source: a.gradient, index: scatter, out: gradient, sources: rows, rows, width: columns });
    }
    const stride = inner + secondInner;
    if (into.x) this.inputGradient(gradient, weight, into.x, { rows, columns, inner, stride, offset: 0 });
    if (into.second)
      this.inputGradient(gradient, weight, into.second, { rows, columns, inner: secondInner, stride, offset: inner });
    this.weightGradient(gradient, x, into, { rows, columns, inner, stride, offset: 0 });
    if (second) {
      const beside = { rows, columns, inner: secondInner, stride, offset: inner };
      this.weightGradient(gradient, second, { weight: into.weight }, beside);
    }
    if (scatter) this.pool.release(gradient as BufferStorage);
  }

  normPositionQkvBackward(a: Arguments<"normPositionQkvBackward">): void {
    const { gradient, gather, norm, offsets, position, projection, into, rows, width, dimensions } = a;
    const temporary: BufferStorage[] = [];
    const allocate = (numbers: number) => {
      const storage = this.pool.allocate(numbers * 4);
      temporary.push(storage);
      return storage;
    };
    let x = a.x;
    if (gather) {
      x = allocate(rows * width);
      this.gatherRows({ source: a.x, index: gather, out: x, sources: rows, rows, width });
    }
    const y = allocate(rows * width);
    const scale = allocate(rows);
    overRows(rows, this.limits.bindingBytes, width, (first, count) => {
      this.run(
        "norm_position",
        { POSITION: 1, DIMENSIONS: dimensions, QUADS: itemsOf(width).quads },
        {
          x: rowWindow(x, width, first, count),
          norm: vector(norm),
          y: rowWindow(y, width, first, count),
          scale: rowWindow(scale, 1, first, count),
          offsets: rowWindow(offsets, dimensions, first, count),
          position_weight: vector(position.weight),
          position_bias: vector(position.bias),
        },
        { rows: count, width },
        Math.ceil(count / ROWS_OF_EIGHT_LANES),
      );
    });
    this.weightGradient(gradient, y, into.projection, {
      rows,
      columns: 3 * width,
      packedWidth: width,
      inner: width,
      stride: width,
      offset: 0,
    });

    const dy = y;
    this.inputGradient(
      gradient,
      projection.weight,
      { storage: dy, accumulate: false },
      { rows, columns: 3 * width, inner: width, stride: width, offset: 0, packedWidth: width },
    );
    this.weightGradient(
      dy,
      offsets,
      { weight: into.position.weight },
      { rows, columns: width, inner: dimensions, stride: dimensions, offset: 0 },
    );
    if (into.norm) this.columnSums(dy, into.norm, { rows, columns: width, factor: x, scale }, into.position.bias);
    else if (into.position.bias) this.columnSums(dy, into.position.bias, { rows, columns: width });
    if (into.x) {
      const target = gather ? { storage: allocate(rows * width), accumulate: false } : into.x;
      this.rmsNormBackward(x, norm, scale, dy, target, 0, rows, width);
      if (gather) {
        // The index is a permutation: every row is written, so there is nothing to clear.
        this.scatterRows({ source: target.storage, index: gather, into: into.x, rows, targets: rows, width });
      }
    }
    for (const storage of temporary) this.pool.release(storage);
  }

  ballAttentionBackward(a: Arguments<"ballAttentionBackward">): void {
    const { gradient, qkv, positions, sigma, balls, out, logSum, into, rows, heads, headWidth, dimensions } = a;
    const width = heads * headWidth;
    const { constants, queryBlocks } = attentionCut(a, this.info, 2);
    const rowTerms = this.pool.allocate(rows * heads * 4);
    overRows(rows, this.limits.bindingBytes, width, (first, count) => {
      this.run(
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
    this.overBalls(balls, rows, 3 * width, (firstBall, ballCount, first, count) => {
      const shared = {
        qkv: rowWindow(qkv, 3 * width, first, count),
        positions: rowWindow(positions, dimensions, first, count),
        sigma: vector(sigma),
        balls: vector(balls.storage),
        log_sum: rowWindow(logSum, heads, first, count),
        dout: rowWindow(gradient, width, first, count),
        dqkv: rowWindow(into.qkv, 3 * width, first, count),
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
      this.run("ball_attention_backward_keys", constants, { ...shared, delta: terms }, sizes, groups);
      this.run("ball_attention_backward_queries", constants, { ...shared, row_terms: terms }, sizes, groups);
    });
    if (into.sigma) this.columnSums(rowTerms, into.sigma, { rows, columns: heads });
    this.pool.release(rowTerms);
  }

  feedForwardBackward(a: Arguments<"feedForwardBackward">): void {
    const { gradient, x, norm, gate, value, output, into, rows, width, hiddenWidth } = a;
    // The gradients of gate and value lie side by side.
    const limit = Math.min(this.limits.hiddenBytes, Math.floor(this.limits.bindingBytes / 2));
    const most = Math.min(rows, rowsInBinding(limit, hiddenWidth));
    const allocate = (columns: number) => this.pool.allocate(most * columns * 4);
    const y = allocate(width);
    const scale = allocate(1);
    const hidden = allocate(hiddenWidth);
    const dgates = allocate(2 * hiddenWidth);
    overRows(rows, limit, hiddenWidth, (first, count) => {
      const chunk = (storage: Storage, columns: number) => rowWindow(storage, columns, first, count);
      const local = (storage: Storage, columns: number) => rowWindow(storage, columns, 0, count);
      this.run(
        "norm_position",
        { POSITION: 0, DIMENSIONS: 0, QUADS: itemsOf(width).quads },
        { x: chunk(x, width), norm: vector(norm), y: local(y, width), scale: local(scale, 1) },
        { rows: count, width },
        Math.ceil(count / ROWS_OF_EIGHT_LANES),
      );
      const through = {
        rows: count,
        columns: width,
        inner: hiddenWidth,
        stride: hiddenWidth,
        offset: 0,
        firstGradient: first,
      };
      this.inputGradient(gradient, output.weight, { storage: hidden, accumulate: false }, through);
      this.runProduct(
        "swiglu_backward",
        { rows: count, columns: hiddenWidth, gated: true, widths: [width, hiddenWidth] },
        {},
        {
          y: local(y, width),
          gate_weight: vector(gate.weight),
          gate_bias: vector(gate.bias),
          value_weight: vector(value.weight),
          value_bias: vector(value.bias),
          hidden: local(hidden, hiddenWidth),
          dgates: local(dgates, 2 * hiddenWidth),
        },
        { rows: count, width, hidden_width: hiddenWidth },
      );
      // After the first rows, gradients of parameters are added to what the rows before gave.
      const later = (destination: Destination | undefined) =>
        destination && { ...destination, accumulate: destination.accumulate || first > 0 };
      const laterOf = ({ weight, bias }: LinearDestinations) => ({ weight: later(weight), bias: later(bias) });
      const outer = { rows: count, columns: width, inner: hiddenWidth, stride: hiddenWidth, offset: 0 };
      this.weightGradient(gradient, hidden, laterOf(into.output), { ...outer, firstGradient: first });
      this.pairedWeightGradients(dgates, y, [laterOf(into.gate), laterOf(into.value)], {
        rows: count,
        columns: hiddenWidth,
        inner: width,
      });
      this.runLinear({
        x: local(dgates, 2 * hiddenWidth),
        weight: gate.weight,
        second: vector(value.weight),
        y: local(y, width),
        rows: count,
        columns: width,
        inner: hiddenWidth,
        secondInner: hiddenWidth,
        weightStride: width,
        transposed: true,
      });
      const intoNorm = later(into.norm);
      if (intoNorm) this.columnSums(y, intoNorm, { rows: count, columns: width, factor: x, firstFactor: first, scale });
      if (into.x) this.rmsNormBackward(x, norm, scale, y, into.x, first, count, width);
    });
    for (const storage of [y, scale, hidden, dgates]) this.pool.release(storage);
  }

  messageMeanBackward(a: Arguments<"messageMeanBackward">): void {
    const {
      gradient,
      firstTarget,
      h,
      positions,
      graph,
      message,
      norm,
      into,
      nodes,
      targets,
      edges,
      width,
      dimensions,
    } = a;
    const stride = 2 * width + dimensions;
    const products = this.messageProducts(a);
    const moments = this.pool.allocate(Math.max(edges, 1) * 16);
    // What arrives at each node, then what each workgroup found for the parameters.
    const sumColumns = (dimensions + 2) * width;
    const { constants, groups } = messageShape(width, dimensions, (dimensions + 2) * THREADS);
    const firstSums = Math.ceil(nodes / ROW_STEP) * ROW_STEP * width;
    const arriving = this.pool.allocate((firstSums + groups(nodes) * sumColumns) * 4);
    const leaving = this.pool.allocate(nodes * width * 4);
    for (const [out, direction] of [
      [arriving, 1],
      [leaving, 0],
    ] as const) {
      this.run(
        "message_backward",
        { ...constants, ARRIVING: direction },
        {
          products,
          weight: vector(message.weight),
          positions: vector(positions),
          graph: vector(graph),
          norm_weight: vector(norm.weight),
          dout: rowWindow(gradient, width, firstTarget, targets),
          moments,
          out,
        },
        { nodes, edges, first_sums: firstSums },
        groups(nodes),
      );
    }
    const sourceShape = { rows: nodes, columns: width, inner: width, stride, offset: 0 };
    const targetShape = { ...sourceShape, offset: width };
    if (into.h) {
      this.inputGradient(leaving, message.weight, into.h, sourceShape);
      this.inputGradient(arriving, message.weight, { ...into.h, accumulate: true }, targetShape);
    }
    this.weightGradient(leaving, h, { weight: into.message.weight }, sourceShape);
    this.weightGradient(arriving, h, into.message, targetShape);

    const given = arriving.slice(firstSums * 4, groups(nodes) * sumColumns * 4);
    const { sums, parts } = this.partialColumnSums(given, { rows: groups(nodes), columns: sumColumns });
    const part = { parts, partSize: sumColumns };
    if (into.message.weight)
      this.sumParts(sums, into.message.weight, {
        ...part,
        rows: width,
        columns: dimensions,
        stride,
        offset: 2 * width,
      });
    const vectorShape = { ...part, rows: width, columns: 1, stride: 1, offset: 0 };
    if (into.norm.weight) {
      const second = into.norm.bias && { into: into.norm.bias, rows: width };
      this.sumParts(sums, into.norm.weight, { ...vectorShape, first: dimensions * width }, second);
    } else if (into.norm.bias) {
      this.sumParts(sums, into.norm.bias, { ...vectorShape, first: (dimensions + 1) * width });
    }
    for (const storage of [products, moments, arriving, leaving, sums]) this.pool.release(storage);
  }

  layerNormBackward({ gradient, x, norm, into, rows, width }: Arguments<"layerNormBackward">): void {
    const normalised = this.pool.allocate(rows * width * 4);
    const unwanted = into.x ? undefined : this.pool.allocate(rows * width * 4);
    const target = into.x ?? { storage: unwanted!, accumulate: false };
    overRows(rows, this.limits.bindingBytes, width, (first, count) => {
      this.run(
        "layer_norm_backward",
        { ACCUMULATE: flag(target.accumulate), QUADS: itemsOf(width).quads },
        {
          x: rowWindow(x, width, first, count),
          weight: vector(norm.weight),
          dy: rowWindow(gradient, width, first, count),
          dx: rowWindow(target.storage, width, first, count),
          normalised: rowWindow(normalised, width, first, count),
        },
        { rows: count, width },
        Math.ceil(count / ROWS_OF_EIGHT_LANES),
      );
    });
    if (into.weight) this.columnSums(gradient, into.weight, { rows, columns: width, factor: normalised }, into.bias);
    else if (into.bias) this.columnSums(gradient, into.bias, { rows, columns: width });
    this.pool.release(normalised);
    if (unwanted) this.pool.release(unwanted);
  }

  batchNormBackward({
    gradient,
    x,
    mean,
    variance,
    norm,
    training,
    into,
    rows,
    width,
  }: Arguments<"batchNormBackward">): void {
    const parts = Math.ceil(rows / MOMENT_ROWS);
    const partial = this.pool.allocate(parts * 2 * width * 4);
    const sums = this.pool.allocate(2 * width * 4);
    const given = { mean: vector(mean), variance: vector(variance) };
    this.overParts(rows, width, MOMENT_ROWS, (first, count) => {
      this.runColumns(
        "batch_norm_sums",
        {},
        { x: rowWindow(x, width, first, count), ...given, dy: rowWindow(gradient, width, first, count), sums: partial },
        { first, count, width },
      );
    });
    const both = { parts, partSize: 2 * width, columns: 1, stride: 1, offset: 0 };
    this.sumParts(partial, { storage: sums, accumulate: false }, { ...both, rows: 2 * width });
    if (into.bias) {
      const second = into.weight && { into: into.weight, rows: width };
      this.sumParts(partial, into.bias, { ...both, rows: width }, second);
    } else if (into.weight) this.sumParts(partial, into.weight, { ...both, first: width, rows: width });
    const { x: target } = into;
    if (target) {
      overRows(rows, this.limits.bindingBytes, width, (first, count) => {
        this.run(
          "batch_norm_backward",
          { TRAINING: flag(training), ACCUMULATE: flag(target.accumulate) },
          {
            x: rowWindow(x, width, first, count),
            ...given,
            weight: vector(norm.weight),
            dy: rowWindow(gradient, width, first, count),
            sums,
            dx: rowWindow(target.storage, width, first, count),
          },
          { rows: count, width, total_rows: rows },
          Math.ceil((count * width) / THREADS),
        );
      });
    }
    this.pool.release(partial);
    this.pool.release(sums);
  }
}
