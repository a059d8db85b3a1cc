// The feed-forward's hidden layer on WebGPU, forward and backward. Its rows fit into one binding (hiddenRows).

import type { LinearParameters, Primitives } from "../operators.ts";
import type { Context } from "./context.ts";
import { halvesGradients, isMixed, pairedWeightGradients, runLinear, runProduct } from "./linear.ts";
import { rowsInBinding } from "./windows.ts";

/** The maximum size of the hidden layer in bytes; its rows are computed in as many steps as this takes. */
const HIDDEN_BYTES = { gpu: 2 ** 28, software: 2 ** 26 };

export const hiddenLayers = (context: Context) => {
  const { info } = context;
  const maxBytes = info.software ? HIDDEN_BYTES.software : HIDDEN_BYTES.gpu;
  return {
    hiddenBytes: isMixed(info) ? 2 : 4,

    hiddenRows: (hiddenWidth, arrays) =>
      rowsInBinding(Math.min(maxBytes, Math.floor(info.maxBindingBytes / arrays)), hiddenWidth),

    // They are computed again, to save memory.
    keepsGates: () => false,

    normSwiglu({ x, norm, gate, value, hidden, rows, width, hiddenWidth }) {
      const shape = { rows, columns: hiddenWidth, gated: true, inner: width, widths: [width, hiddenWidth] };
      const options = { norm: true, half: isMixed(info) };
      const arrays = { x, norm, ...gateArrays(gate, value), hidden };
      runProduct(context, "norm_swiglu", { ...shape, ...options }, {}, arrays, { width, hidden_width: hiddenWidth });
    },

    swigluBackward({ y, gate, value, hidden, dgates, rows, width, hiddenWidth }) {
      const half = halvesGradients(info);
      const shape = { rows, columns: hiddenWidth, gated: true, inner: width, widths: [width, hiddenWidth], half };
      const arrays = { y, ...gateArrays(gate, value), hidden, dgates };
      runProduct(context, "swiglu_backward", shape, {}, arrays, { width, hidden_width: hiddenWidth });
    },

    gatesInputGradient({ dgates, gate, value, dy, rows, width, hiddenWidth }) {
      runLinear(context, {
        x: dgates,
        weight: gate.weight,
        second: value.weight,
        y: dy,
        rows,
        columns: width,
        inner: hiddenWidth,
        secondInner: hiddenWidth,
        weightStride: width,
        transposed: true,
      });
    },

    gatesWeightGradients({ dgates, y, into, rows, width, hiddenWidth }) {
      const shape = { rows, columns: hiddenWidth, inner: width };
      pairedWeightGradients(context, dgates, y, [into.gate, into.value], shape);
    },
  } satisfies Partial<Primitives>;
};

const gateArrays = (gate: LinearParameters, value: LinearParameters) => ({
  gate_weight: gate.weight,
  gate_bias: gate.bias,
  value_weight: value.weight,
  value_bias: value.bias,
});
