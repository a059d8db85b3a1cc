// The feed-forward's hidden layer on WebGPU, forward and backward. Its rows fit into one binding (hiddenRows).

import type { Storage } from "../device.ts";
import type { FeedForward, GatedLayer, Primitives } from "../operators.ts";
import { type Context, flag, itemsOf, THREADS } from "./context.ts";
import { halvesGradients, isMixed, pairedWeightGradients, runLinear, runProduct } from "./linear.ts";
import { rowsInBinding } from "./windows.ts";

/** The maximum size of the hidden layer in bytes; its rows are computed in as many steps as this takes. */
const HIDDEN_BYTES = { gpu: 2 ** 28, software: 2 ** 26 };

/** feed_forward.wgsl's constants: its channels, and the rows of a workgroup. Wider layers are faster in two kernels. */
const NARROW = { WIDTH: 32, ROWS: 64 };

export const hiddenLayers = (context: Context) => {
  const { info } = context;
  const maxBytes = info.software ? HIDDEN_BYTES.software : HIDDEN_BYTES.gpu;

  // Software adapters take too long to compile the kernel, whose threads have 96 sums.
  const joinsFeedForward = (rows: number, width: number, hiddenWidth: number) =>
    width === NARROW.WIDTH &&
    hiddenWidth % 32 === 0 &&
    !info.software &&
    !info.fewRegisters &&
    !isMixed(info) &&
    rows <= rowsInBinding(info.maxBindingBytes, width);

  return {
    hiddenBytes: isMixed(info) ? 2 : 4,

    hiddenRows: (hiddenWidth, arrays) =>
      rowsInBinding(Math.min(maxBytes, Math.floor(info.maxBindingBytes / arrays)), hiddenWidth),

    // They are computed again, to save memory.
    keepsGates: () => false,

    joinsFeedForward,

    narrowFeedForward({ x, y, rows, attention, ...layer }) {
      const { width, hiddenWidth } = layer;
      if (!joinsFeedForward(rows, width, hiddenWidth)) return false;
      const weights = feedForwardWeights(context, layer);
      const arrays: Record<string, Storage> = { x, weights, y };
      if (attention) {
        const { attended, projection, scatter } = attention;
        Object.assign(arrays, { attended, ...projection, row_index: scatter ?? projection.weight });
      }
      const parameters = { rows, hidden_width: hiddenWidth, scatter: flag(attention?.scatter) };
      const groups = Math.ceil(rows / NARROW.ROWS);
      context.run("feed_forward", { ...NARROW, ATTENDED: flag(attention) }, arrays, parameters, groups);
      return true;
    },

    normSwiglu({ x, norm, hidden, ...a }) {
      const { rows, width, hiddenWidth } = a;
      const shape = { rows, columns: hiddenWidth, gated: true, inner: width, widths: [width, hiddenWidth] };
      const options = { norm: true, half: isMixed(info) };
      const arrays = { x, norm, ...gateArrays(context, a), hidden };
      runProduct(context, "norm_swiglu", { ...shape, ...options }, {}, arrays, { width, hidden_width: hiddenWidth });
    },

    swigluBackward({ y, hidden, dgates, ...a }) {
      const { rows, width, hiddenWidth } = a;
      const half = halvesGradients(info);
      const shape = { rows, columns: hiddenWidth, gated: true, inner: width, widths: [width, hiddenWidth], half };
      const arrays = { y, ...gateArrays(context, a), hidden, dgates };
      runProduct(context, "swiglu_backward", shape, {}, arrays, { width, hidden_width: hiddenWidth });
    },

    gatesInputGradient({ dgates, dy, ...a }) {
      const { rows, width, hiddenWidth } = a;
      runLinear(context, {
        x: dgates,
        weight: gateWeights(context, a),
        y: dy,
        rows,
        columns: width,
        inner: 2 * hiddenWidth,
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

/** The array of feed_forward_weights.wgsl. */
function feedForwardWeights(
  { derived, run }: Context,
  { norm, gate, value, output, width, hiddenWidth }: Omit<FeedForward, "x" | "rows">,
) {
  const arrays = {
    norm,
    gate_weight: gate.weight,
    gate_bias: gate.bias,
    value_weight: value.weight,
    value_bias: value.bias,
    output_weight: output.weight,
    output_bias: output.bias,
  };
  const { gate_weight, ...others } = arrays;
  const size = 3 * width * hiddenWidth + 2 * hiddenWidth + width;
  return derived.of([gate_weight, ...Object.values(others)], size * 4, (weights) =>
    run(
      "feed_forward_weights",
      { WIDTH: width },
      { ...arrays, weights },
      { hidden_width: hiddenWidth },
      Math.ceil(size / THREADS),
    ),
  );
}

/** The arrays of gated_product.wgsl, except for its rows. */
const gateArrays = (context: Context, layer: GatedLayer) => ({
  gates: gateWeights(context, layer),
  gate_bias: layer.gate.bias,
  value_bias: layer.value.bias,
});

/** The array of gate_weights.wgsl. That of feed_forward_weights.wgsl belongs to the gate's weight, so it belongs to the value's. */
function gateWeights({ derived, run }: Context, { gate, value, width, hiddenWidth }: GatedLayer) {
  const { vec4, items: size } = itemsOf(width * hiddenWidth);
  const arrays = { value_weight: value.weight, gate_weight: gate.weight };
  return derived.of(Object.values(arrays), 2 * width * hiddenWidth * 4, (gates) =>
    run("gate_weights", { VEC4: vec4 }, { ...arrays, gates }, { size }, Math.ceil(size / THREADS)),
  );
}
