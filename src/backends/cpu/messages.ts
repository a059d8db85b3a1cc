// Message passing on the CPU.

import type { Storage } from "../device.ts";
import type { MessageShape, Primitives } from "../operators.ts";
import { type Context, from, withScratch } from "./context.ts";
import { recordColumnSums, recordProduct } from "./linear.ts";
import { messageScratch, paddedRows, paddedWidth } from "./scratch.ts";

/** The fields that the commands of the forward and the backward pass share. */
function sharedFields({ products, ...a }: MessageShape & { products: Storage }) {
  const { positions, graph, message, norm, nodes, edges, width, dimensions } = a;
  return {
    products,
    positions,
    graph,
    weight: message.weight,
    normWeight: norm.weight,
    nodes,
    edges,
    width,
    dimensions,
  };
}

export const messagePassing = (context: Context) =>
  ({
    messageElements: ({ nodes, width }) => nodes * 2 * width,

    // [nodes, 2, padded width]
    messageProducts({ h, message, nodes, width, dimensions }) {
      const stride = 2 * paddedWidth(width);
      const products = context.pool.allocate(nodes * stride * 4);
      for (const [side, bias] of [undefined, message.bias].entries()) {
        recordProduct(
          context,
          { rows: nodes, columns: width, inner: width },
          { left: h, leftStride: width },
          { right: from(message.weight, side * width), rightStride: 2 * width + dimensions },
          { bias, out: from(products, side * paddedWidth(width)), outStride: stride },
        );
      }
      return products;
    },

    messageMeans(a) {
      const { norm, out, targets, width } = a;
      withScratch(context, messageScratch(width), (scratch) =>
        context.record("MessageMean", { ...sharedFields(a), normBias: norm.bias, out, targets, ...scratch }),
      );
    },

    messageGradients(a) {
      const { gradient: dout, arrived, into, nodes, targets, edges, width, dimensions } = a;
      const allocate = (elements: number) => context.pool.allocate(Math.max(elements, 1) * 4);
      const moments = allocate(edges * 4);
      const [asSource, asTarget, plain] = [allocate(nodes * width), allocate(nodes * width), allocate(targets * width)];
      const terms = allocate(nodes * width * dimensions);
      const shared = { ...sharedFields(a), dout, moments };
      withScratch(context, paddedRows(dimensions + 8, width), (scratch) => {
        context.record("MessageBackwardArriving", { ...shared, plain, asTarget, terms, targets, ...scratch });
        context.record("MessageBackwardLeaving", { ...shared, asSource, ...scratch });
      });
      const { weight, norm } = into;
      const ofTargets = { rows: targets, columns: width };
      if (norm.bias) recordColumnSums(context, dout, norm.bias, { ...ofTargets, scale: arrived });
      if (norm.weight) recordColumnSums(context, plain, norm.weight, { ...ofTargets, factor: dout });
      for (let axis = 0; weight && axis < dimensions; axis++) {
        recordColumnSums(
          context,
          from(terms, axis * width),
          { ...weight, storage: from(weight.storage, 2 * width + axis) },
          { rows: nodes, columns: width, stride: dimensions * width, outStep: 2 * width + dimensions },
        );
      }
      for (const storage of [moments, plain, terms]) context.pool.release(storage);
      return { asTarget, asSource };
    },
  }) satisfies Partial<Primitives>;
