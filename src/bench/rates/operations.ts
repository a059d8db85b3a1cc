// The floating-point operations and the memory traffic that each operator needs at least, from its shapes alone. Rates and
// rooflines of all backends are computed from them.

import type { Operators } from "../../backends/composites/index.ts";
import type { BallList, CompositeParts, Destination, LinearDestinations } from "../../backends/operators.ts";
import { BLOCK } from "../../backends/optimizer.ts";
import { elementsOf, type RowKernelName, rowKernels } from "../../backends/row-kernels.ts";

/** The work of an operator, or of a whole pass. */
export interface Work {
  /**
   * Floating-point operations, of which a multiply-add is two. Only matrix products and attention count: norms, activations and
   * distances add a few percent. Values that a backward pass recomputes to save memory do not count, except attention's scores,
   * which no implementation keeps.
   */
  operations: number;
  /** Bytes of memory traffic, if each input is read once and each output is written once. */
  bytes: number;
}

type Needs<Name extends keyof Operators> = Operators[Name] extends (a: infer Given) => unknown
  ? (a: Given) => Work
  : never;
type Table = { [Name in Exclude<keyof Operators, keyof CompositeParts>]: Needs<Name> };
export type OperatorName = keyof Table;

const needs = (operations: number, ...elements: number[]): Work => ({
  operations,
  bytes: 4 * elements.reduce((sum, count) => sum + count, 0),
});

/** The work of the operators that are declared as row-wise kernels. */
const declaredNeeds = Object.fromEntries(
  Object.keys(rowKernels).map((name) => [name, (a: object) => needs(0, elementsOf(name as RowKernelName, a))]),
) as { [Name in RowKernelName]: Needs<Name> };

/** The operations of a matrix product. */
const product = (rows: number, columns: number, inner: number) => 2 * rows * columns * inner;
/** The traffic of `count` elements that are written, or read and written. */
const into = (destination: Destination | undefined, count: number) =>
  destination ? (destination.accumulate ? 2 * count : count) : 0;
/** The traffic of a linear map's gradients. */
const intoLinear = ({ weight, bias }: LinearDestinations, rows: number, columns: number) =>
  into(weight, rows * columns) + into(bias, rows);
const linearSize = (rows: number, columns: number) => rows * (columns + 1);
const when = (condition: unknown, count: number) => (condition ? count : 0);

/** The operations of one product of attention: each channel takes a multiply-add for each pair in a ball. */
function pairsProduct({ host }: BallList, width: number): number {
  let pairs = 0;
  for (let ball = 1; ball < host.length; ball += 2) pairs += host[ball] ** 2;
  return 2 * pairs * width;
}

export const operatorNeeds: Table = {
  ...declaredNeeds,
  gatherRows: ({ rows, width }) => needs(0, rows, 2 * rows * width),
  scatterRows: ({ into: to, rows, width }) => needs(0, rows, rows * width, into(to, rows * width)),
  linear: ({ bias, residual, scatter, norm, rows, columns, inner, secondInner = 0 }) => {
    const whole = inner + secondInner;
    return needs(
      product(rows, columns, whole),
      (rows + columns) * whole,
      when(bias, columns),
      when(residual, rows * columns),
      when(scatter, rows),
      norm ? 4 * norm.width : 0,
      rows * columns,
    );
  },
  linearLayerNorm: ({ bias, rows, columns, inner, secondInner = 0 }) => {
    const whole = inner + secondInner;
    const weights = columns * whole + when(bias, columns) + 2 * columns;
    return needs(product(rows, columns, whole), rows * whole, weights, 2 * rows * columns);
  },
  normPositionQkv: ({ gather, rows, width, dimensions }) =>
    needs(
      product(rows, width, dimensions) + product(rows, 3 * width, width),
      rows * (width + dimensions),
      when(gather, rows),
      width + linearSize(width, dimensions) + linearSize(3 * width, width),
      3 * rows * width,
    ),
  ballAttention: ({ balls, rows, heads, headWidth, dimensions }) => {
    const width = heads * headWidth;
    const given = rows * (3 * width + dimensions) + heads + balls.host.length;
    return needs(2 * pairsProduct(balls, width), given, rows * (width + heads));
  },
  feedForward: ({ rows, width, hiddenWidth }) =>
    needs(
      3 * product(rows, hiddenWidth, width),
      2 * rows * width,
      width + 2 * linearSize(hiddenWidth, width) + linearSize(width, hiddenWidth),
    ),
  messageMean: ({ nodes, targets, edges, width, dimensions }) =>
    needs(
      product(nodes, width, 2 * width + dimensions),
      nodes * (width + dimensions),
      nodes + 1 + 2 * edges,
      linearSize(width, 2 * width + dimensions) + 2 * width,
      targets * width,
    ),
  batchStatistics: ({ rows, width }) => needs(0, rows * width, 6 * width),
  placeLevel: ({ from, balls, rotated, rows, sources, dimensions }) =>
    needs(
      0,
      sources * dimensions + balls.host.length,
      when("index" in from, rows),
      when("stride" in from, sources * dimensions),
      2 * rows * dimensions,
      when(rotated, rows * (2 * dimensions + 1)),
    ),

  add: ({ size }) => needs(0, 3 * size),
  gatherRowsBackward: ({ into: to, sources, rows, width }) =>
    needs(0, rows * (width + 1), sources + 1, into(to, sources * width)),
  linearBackward: ({ scatter, into: to, rows, columns, inner, secondInner = 0 }) => {
    const whole = inner + secondInner;
    const back = when(to.x, inner) + when(to.second, secondInner);
    return needs(
      product(rows, columns, back) + when(to.weight, product(rows, columns, whole)),
      rows * columns,
      when(scatter, rows),
      columns * back,
      when(to.weight, rows * whole),
      into(to.x, rows * inner) + into(to.second, rows * secondInner),
      intoLinear(to, columns, whole),
    );
  },
  normPositionQkvBackward: ({ gather, into: to, rows, width, dimensions }) =>
    needs(
      product(rows, width, 3 * width) +
        when(to.projection.weight, product(rows, 3 * width, width)) +
        when(to.position.weight, product(rows, width, dimensions)),
      rows * (3 * width + width + dimensions),
      when(gather, rows),
      width + linearSize(width, dimensions) + 3 * width * width,
      into(to.x, rows * width) + into(to.norm, width),
      intoLinear(to.position, width, dimensions) + intoLinear(to.projection, 3 * width, width),
    ),
  ballAttentionBackward: ({ balls, into: to, rows, heads, headWidth, dimensions }) => {
    const width = heads * headWidth;
    return needs(
      5 * pairsProduct(balls, width),
      rows * (3 * width + 2 * width + heads + dimensions) + heads + balls.host.length,
      rows * 3 * width,
      into(to.sigma, heads),
    );
  },
  feedForwardBackward: ({ into: to, rows, width, hiddenWidth }) => {
    const parts = [to.gate, to.value, to.output];
    const weights = parts.filter(({ weight }) => weight).length;
    return needs(
      (3 + weights) * product(rows, hiddenWidth, width),
      2 * rows * width,
      width + 2 * linearSize(hiddenWidth, width) + width * hiddenWidth,
      into(to.x, rows * width) + into(to.norm, width),
      intoLinear(to.gate, hiddenWidth, width) + intoLinear(to.value, hiddenWidth, width),
      intoLinear(to.output, width, hiddenWidth),
    );
  },
  messageMeanBackward: ({ into: to, nodes, targets, edges, width, dimensions }) =>
    needs(
      when(to.h, product(nodes, width, 2 * width)) +
        when(to.message.weight, product(nodes, width, 2 * width + dimensions)),
      targets * (width + 1) + nodes * (width + dimensions),
      2 * (nodes + 1) + 3 * edges,
      linearSize(width, 2 * width + dimensions) + 2 * width,
      into(to.h, nodes * width),
      intoLinear(to.message, width, 2 * width + dimensions) + into(to.norm.weight, width) + into(to.norm.bias, width),
    ),
  layerNormBackward: ({ into: to, rows, width }) =>
    needs(0, 2 * rows * width, width, into(to.x, rows * width), into(to.weight, width) + into(to.bias, width)),
  batchNormBackward: ({ into: to, rows, width }) =>
    needs(0, 2 * rows * width, 3 * width, into(to.x, rows * width), into(to.weight, width) + into(to.bias, width)),

  elementwise: ({ x, y, accumulate, shape }) => {
    const distinct = ({ strides }: { strides: readonly number[] }) =>
      shape.reduce((count, size, axis) => (strides[axis] === 0 ? count : count * size), 1);
    const size = shape.reduce((count, axis) => count * axis, 1);
    return needs(0, distinct(x), y ? distinct(y) : 0, accumulate ? 2 * size : size);
  },
  sumAxis: ({ into: to, outer, middle, inner }) => needs(0, outer * middle * inner, into(to, outer * inner)),

  gradientSquares: ({ size }) => needs(0, size, (2 * size) / BLOCK),
  gradientTotal: ({ count }) => needs(0, 6 * count, 4),
  scale: ({ size }) => needs(0, 2 * size, 1),
  adamw: ({ blocks, count, average }) => {
    const size = blocks * BLOCK;
    // Weights and moments are read and written, and so is the average; gradients are read.
    return needs(0, (average ? 9 : 7) * size, blocks + 11 * count);
  },
  multiplyAdd: ({ size, rounds }) => needs(2 * size * rounds, 2 * size),
};
