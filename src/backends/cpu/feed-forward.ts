// The feed-forward's hidden layer on the CPU, forward and backward.

import type { Primitives } from "../operators.ts";
import { type Context, from } from "./context.ts";
import { linearMaps, recordProduct } from "./linear.ts";
import { recordNorm } from "./norms.ts";

/** The maximum size of the hidden layer in bytes; its rows are computed in as many steps as this takes. */
const HIDDEN_BYTES = 2 ** 24;

/**
 * Gate and value of layers whose hidden layer is at most this large are kept for the backward pass, which then takes a tenth
 * less of a training step's time. This bounds what the blocks of a model keep: twice as much each.
 */
const KEPT_BYTES = 2 ** 22;

export const hiddenLayers = (context: Context) => {
  const { inputGradient, weightGradient } = linearMaps(context);
  return {
    hiddenBytes: 4,

    hiddenRows: (hiddenWidth) => Math.max(64, Math.floor(HIDDEN_BYTES / (hiddenWidth * 4))),

    keepsGates: (rows, hiddenWidth) => rows * hiddenWidth * 4 <= KEPT_BYTES,

    joinsFeedForward: () => false,
    narrowFeedForward: () => false,

    normSwiglu({ x, norm, gate, value, hidden, gates, rows, width, hiddenWidth }) {
      const kept = gates && { keptGate: gates, keptValue: from(gates, rows * hiddenWidth) };
      const normed = context.pool.allocate(rows * width * 4);
      recordNorm(context, { x, norm, y: normed, rows, width });
      recordProduct(
        context,
        { rows, columns: hiddenWidth, inner: width },
        { left: normed, leftStride: width },
        { right: gate.weight, value: value.weight, rightStride: width },
        { bias: gate.bias, valueBias: value.bias, out: hidden, outStride: hiddenWidth, ...kept },
      );
      context.pool.release(normed);
    },

    swigluBackward({ y, gate, value, hidden, dgates, kept, rows, width, hiddenWidth }) {
      const gradients = { dgate: dgates, dvalue: from(dgates, rows * hiddenWidth) };
      if (kept) {
        context.record("SwigluBackward", { ...gradients, hidden, size: rows * hiddenWidth });
        return;
      }
      recordProduct(
        context,
        { rows, columns: hiddenWidth, inner: width },
        { left: y, leftStride: width },
        { right: gate.weight, value: value.weight, rightStride: width },
        { bias: gate.bias, valueBias: value.bias, out: hidden, outStride: hiddenWidth, ...gradients },
      );
    },

    gatesInputGradient({ dgates, gate, value, dy, rows, width, hiddenWidth }) {
      const shape = { rows, columns: hiddenWidth, inner: width };
      const dvalue = from(dgates, rows * hiddenWidth);
      inputGradient({ ...shape, gradient: dgates, weight: gate.weight, into: { storage: dy, accumulate: false } });
      inputGradient({ ...shape, gradient: dvalue, weight: value.weight, into: { storage: dy, accumulate: true } });
    },

    gatesWeightGradients({ dgates, y, into, rows, width, hiddenWidth }) {
      const shape = { x: y, rows, columns: hiddenWidth, inner: width };
      weightGradient({ ...shape, gradient: dgates, into: into.gate });
      weightGradient({ ...shape, gradient: from(dgates, rows * hiddenWidth), into: into.value });
    },
  } satisfies Partial<Primitives>;
};
