// Message passing on WebGPU.

import { type Context, flag, itemsOf, type Part, THREADS, whole } from "./context.ts";
import { isMixed, runProduct } from "./linear.ts";
import { partialColumnSums, sumPair, sumParts } from "./sums.ts";
import { overRows, ROW_STEP, rowWindow } from "./windows.ts";

/** Quads of channels that a thread of the message kernels works out at a time. */
const MESSAGES_A_THREAD = 8;

/** How message passing is cut up: constants of its kernels (gpu/message.wgsl), and the workgroups that so many nodes take. */
function messageShape(width: number, dimensions: number, scratchQuads = 0) {
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

export function messagePassing(context: Context): Part<"messageProducts" | "messageMeans" | "messageGradients"> {
  const { run, info, pool } = context;
  return {
    messageProducts({ h, message, nodes, width, dimensions }) {
      const products = pool.allocate(nodes * 2 * width * 4);
      overRows(nodes, info.maxBindingBytes, 2 * width, (first, count) => {
        runProduct(
          context,
          "message_products",
          { rows: count, columns: 2 * width, widths: [width], half: isMixed(info) },
          {},
          {
            h: rowWindow(h, width, first, count),
            weight: whole(message.weight),
            bias: whole(message.bias),
            products: rowWindow(products, 2 * width, first, count),
          },
          { nodes: count, width, weight_stride: 2 * width + dimensions },
        );
      });
      return products;
    },

    messageMeans({ products, positions, graph, message, norm, out, nodes, targets, edges, width, dimensions }) {
      const { constants, groups } = messageShape(width, dimensions);
      run(
        "message_mean",
        constants,
        {
          products: whole(products),
          weight: whole(message.weight),
          positions: whole(positions),
          graph: whole(graph),
          norm_weight: whole(norm.weight),
          norm_bias: whole(norm.bias),
          out: whole(out),
        },
        { nodes, edges, targets },
        groups(targets),
      );
    },

    messageGradients({ products, positions, graph, message, norm, gradient, into, nodes, edges, width, dimensions }) {
      const moments = pool.allocate(Math.max(edges, 1) * 16);
      // What arrives at each node, then what each workgroup found for the parameters.
      const sumColumns = (dimensions + 2) * width;
      const { constants, groups } = messageShape(width, dimensions, (dimensions + 2) * THREADS);
      const firstSums = Math.ceil(nodes / ROW_STEP) * ROW_STEP * width;
      const asTarget = pool.allocate((firstSums + groups(nodes) * sumColumns) * 4);
      const asSource = pool.allocate(nodes * width * 4);
      for (const [out, arriving] of [
        [asTarget, 1],
        [asSource, 0],
      ] as const) {
        run(
          "message_backward",
          { ...constants, ARRIVING: arriving },
          {
            products: whole(products),
            weight: whole(message.weight),
            positions: whole(positions),
            graph: whole(graph),
            norm_weight: whole(norm.weight),
            dout: whole(gradient),
            moments,
            out,
          },
          { nodes, edges, first_sums: firstSums },
          groups(nodes),
        );
      }
      const given = asTarget.slice(firstSums * 4, groups(nodes) * sumColumns * 4);
      const { sums, parts } = partialColumnSums(context, given, { rows: groups(nodes), columns: sumColumns });
      const part = { parts, partSize: sumColumns };
      const besideNodes = { rows: width, columns: dimensions, stride: 2 * width + dimensions, offset: 2 * width };
      if (into.weight) sumParts(context, sums, into.weight, { ...part, ...besideNodes });
      const pair = { ...part, first: dimensions * width, size: width };
      sumPair(context, sums, [into.norm.weight, into.norm.bias], pair);
      for (const storage of [moments, sums]) pool.release(storage);
      return { asTarget, asSource };
    },
  };
}
