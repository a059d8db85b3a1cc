// Message passing on WebGPU.

import type { DeviceInfo } from "../device.ts";
import type { Primitives } from "../operators.ts";
import { type Context, flag, itemsOf, THREADS } from "./context.ts";
import { isMixed, runProduct } from "./linear.ts";
import { partialColumnSums, sumPair, sumParts } from "./sums.ts";
import { ROW_STEP } from "./windows.ts";

/** The number of vec4s of channels that a thread of the message kernels computes at a time; the backward pass keeps more of each. */
const MESSAGES_OF_THREAD = 8;
const FEW_MESSAGES_OF_THREAD = 2;

interface Shape {
  nodes: number;
  width: number;
  dimensions: number;
}

/** How message passing is divided: the constants of its kernels (gpu/message.wgsl), and the workgroups for a number of nodes. */
function messageCut(width: number, dimensions: number, messages = MESSAGES_OF_THREAD, scratchVec4s = 0) {
  const rowVec4s = Math.ceil(width / 4);
  const across = Math.min(rowVec4s, THREADS);
  const nodes = Math.floor(THREADS / across);
  const own = Math.ceil(rowVec4s / THREADS);
  const each = Math.max(1, Math.floor(Math.min(messages, THREADS / nodes) / own));
  const edges = nodes * each;
  return {
    constants: {
      WIDTH: width,
      DIMENSIONS: dimensions,
      VEC4: itemsOf(width).vec4,
      ACROSS: across,
      OWN: own,
      EACH: each,
      SHARED: flag(edges <= THREADS / 2),
      TILE_VEC4S: Math.max(edges * (rowVec4s + 1), scratchVec4s),
    },
    groups: (count: number) => Math.ceil(count / nodes),
  };
}

/** The gradient of each node, followed by the sums of each workgroup for the parameters: the layout of message_backward.wgsl's `out`. */
function gradientCut({ fewRegisters }: DeviceInfo, { nodes, width, dimensions }: Shape) {
  const sumColumns = (dimensions + 2) * width;
  const messages = fewRegisters ? FEW_MESSAGES_OF_THREAD : MESSAGES_OF_THREAD;
  const { constants, groups } = messageCut(width, dimensions, messages, (dimensions + 2) * THREADS);
  const firstSums = Math.ceil(nodes / ROW_STEP) * ROW_STEP * width;
  return { constants, groups: groups(nodes), firstSums, sumColumns };
}

export const messagePassing = (context: Context) => {
  const { run, info, pool } = context;
  return {
    messageElements({ training, ...shape }) {
      const products = shape.nodes * 2 * shape.width;
      if (!training) return products;
      const { groups, firstSums, sumColumns } = gradientCut(info, shape);
      return Math.max(products, firstSums + groups * sumColumns);
    },

    messageProducts({ h, message: { weight, bias }, nodes, width, dimensions }) {
      const products = pool.allocate(nodes * 2 * width * 4);
      const arrays = { h: [h, width] as const, weight, bias, products: [products, 2 * width] as const };
      const shape = {
        rows: nodes,
        columns: 2 * width,
        inner: width,
        widths: [width],
        rightVec4: false,
        half: isMixed(info),
      };
      runProduct(context, "message_products", shape, {}, arrays, { width, weight_stride: 2 * width + dimensions });
      return products;
    },

    messageMeans({ products, positions, graph, message, norm, out, nodes, targets, edges, width, dimensions }) {
      const { constants, groups } = messageCut(width, dimensions);
      const parameters = { weight: message.weight, norm_weight: norm.weight, norm_bias: norm.bias };
      const bound = { products, positions, graph, ...parameters, out };
      run("message_mean", constants, bound, { nodes, edges, targets }, groups(targets));
    },

    messageGradients({ products, positions, graph, message, norm, gradient, into, nodes, edges, width, dimensions }) {
      const moments = pool.allocate(Math.max(edges, 1) * 16);
      const { constants, groups, firstSums, sumColumns } = gradientCut(info, { nodes, width, dimensions });
      const asTarget = pool.allocate((firstSums + groups * sumColumns) * 4);
      const asSource = pool.allocate(nodes * width * 4);
      const parameters = { weight: message.weight, norm_weight: norm.weight, norm_bias: norm.bias };
      const shared = { products, positions, graph, ...parameters, dout: gradient, moments };
      const sizes = { nodes, edges, first_sums: firstSums };
      // The pass over arriving edges stores the moments that the other reads.
      run("message_backward", { ...constants, ARRIVING: 1 }, { ...shared, out: asTarget }, sizes, groups);
      run("message_backward", { ...constants, ARRIVING: 0 }, { ...shared, out: asSource }, sizes, groups);
      const given = asTarget.slice(firstSums * 4, groups * sumColumns * 4);
      const { sums, parts } = partialColumnSums(context, given, { rows: groups, columns: sumColumns });
      const part = { parts, partSize: sumColumns };
      const besideNodes = { rows: width, columns: dimensions, stride: 2 * width + dimensions, offset: 2 * width };
      if (into.weight) sumParts(context, sums, into.weight, { ...part, ...besideNodes });
      const pair = { ...part, first: dimensions * width, size: width };
      sumPair(context, sums, [into.norm.weight, into.norm.bias], pair);
      for (const storage of [moments, sums]) pool.release(storage);
      return { asTarget, asSource };
    },
  } satisfies Partial<Primitives>;
};
