// The feed-forward's hidden layer on WebGPU, forward and backward.

import { type Context, type Part, whole } from "./context.ts";
import { isMixed, pairedWeightGradients, runLinear, runProduct } from "./linear.ts";
import { rowsInBinding, rowWindow } from "./windows.ts";

/** The hidden layer exists for so many bytes of rows at a time. On a GPU fewer dispatches are worth more memory. */
const HIDDEN_BYTES = { gpu: 2 ** 28, software: 2 ** 26 };

type Names =
  | "hiddenBytes"
  | "hiddenRows"
  | "normSwiglu"
  | "swigluBackward"
  | "gatesInputGradient"
  | "gatesWeightGradients";

export function hiddenLayers(context: Context): Part<Names> {
  const { info } = context;
  const most = info.software ? HIDDEN_BYTES.software : HIDDEN_BYTES.gpu;
  return {
    hiddenBytes: isMixed(info) ? 2 : 4,

    hiddenRows: (hiddenWidth, arrays) =>
      rowsInBinding(Math.min(most, Math.floor(info.maxBindingBytes / arrays)), hiddenWidth),

    normSwiglu({ x, norm, gate, value, hidden, rows, width, hiddenWidth }) {
      const widths = [width, hiddenWidth];
      runProduct(
        context,
        "norm_swiglu",
        { rows, columns: hiddenWidth, gated: true, widths, norm: true, half: isMixed(info) },
        {},
        {
          x: rowWindow(x, width, 0, rows),
          norm: whole(norm),
          gate_weight: whole(gate.weight),
          gate_bias: whole(gate.bias),
          value_weight: whole(value.weight),
          value_bias: whole(value.bias),
          hidden: whole(hidden),
        },
        { rows, width, hidden_width: hiddenWidth },
      );
    },

    swigluBackward({ y, gate, value, hidden, dgates, rows, width, hiddenWidth }) {
      runProduct(
        context,
        "swiglu_backward",
        { rows, columns: hiddenWidth, gated: true, widths: [width, hiddenWidth] },
        {},
        {
          y: rowWindow(y, width, 0, rows),
          gate_weight: whole(gate.weight),
          gate_bias: whole(gate.bias),
          value_weight: whole(value.weight),
          value_bias: whole(value.bias),
          hidden: rowWindow(hidden, hiddenWidth, 0, rows),
          dgates: rowWindow(dgates, 2 * hiddenWidth, 0, rows),
        },
        { rows, width, hidden_width: hiddenWidth },
      );
    },

    gatesInputGradient({ dgates, gate, value, dy, rows, width, hiddenWidth }) {
      runLinear(context, {
        x: rowWindow(dgates, 2 * hiddenWidth, 0, rows),
        weight: gate.weight,
        second: whole(value.weight),
        y: rowWindow(dy, width, 0, rows),
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
  };
}
