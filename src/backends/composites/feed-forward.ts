// The gated feed-forward part of a block. Its hidden layer exists only for some rows at a time, to save memory.

import {
  type AttentionProjection,
  type Destination,
  type FeedForward,
  type LinearDestinations,
  ofPart,
  type Primitives,
  pairOfPart,
  type Storage,
} from "../operators.ts";
import { rowsOf, withMemory } from "./memory.ts";

/**
 * y = x + W3 (W2 n * SiLU(W1 n)), n = RMSNorm(x; norm). `gates` is kept for feedForwardBackward, where the device keeps it. `attention`
 * comes before it, only where joinsFeedForward says so.
 */
export function feedForward(
  device: Primitives,
  a: FeedForward & { y: Storage; gates?: Storage; attention?: AttentionProjection },
): void {
  if (device.narrowFeedForward(a)) return;
  const { norm, gate, value, output, gates, rows, width, hiddenWidth } = a;
  const step = Math.min(rows, device.hiddenRows(hiddenWidth, 1));
  const hidden = device.allocate(step * hiddenWidth * device.hiddenBytes);
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const x = rowsOf(a.x, width, first, count);
    const y = rowsOf(a.y, width, first, count);
    device.normSwiglu({ x, norm, gate, value, hidden, gates, rows: count, width, hiddenWidth });
    const shape = { rows: count, columns: width, inner: hiddenWidth, fromHidden: true };
    device.linear({ x: hidden, ...output, residual: x, y, ...shape });
  }
  device.release(hidden);
}

/**
 * The backward pass of feedForward without its residual: `into.x` receives only the gradient through the hidden layer. It may be
 * added to `gradient` itself, because each row is read before it is written. What `gates` holds is replaced.
 */
export function feedForwardBackward(
  device: Primitives,
  a: FeedForward & {
    gradient: Storage;
    gates?: Storage;
    into: {
      x?: Destination;
      norm?: Destination;
      gate: LinearDestinations;
      value: LinearDestinations;
      output: LinearDestinations;
    };
  },
): void {
  const { norm, gate, value, output, into, rows: all, width, hiddenWidth } = a;
  // The gradients of gate and value are side by side.
  const step = Math.min(all, device.hiddenRows(hiddenWidth, 2));
  const elements = { y: step * width, scale: step, hidden: step * hiddenWidth };
  const dgates = a.gates ?? device.allocate(2 * step * hiddenWidth * 4);
  withMemory(device, elements, ({ y, scale, hidden }) => {
    for (let first = 0; first < all; first += step) {
      const rows = Math.min(step, all - first);
      const x = rowsOf(a.x, width, first, rows);
      const gradient = rowsOf(a.gradient, width, first, rows);
      const later = first > 0;
      const shape = { rows, width, hiddenWidth };
      const outer = { gradient, rows, columns: width, inner: hiddenWidth };

      device.normPosition({ x, norm, y, scale, rows, width });
      device.inputGradient({ ...outer, weight: output.weight, into: { storage: hidden, accumulate: false } });
      device.swigluBackward({ y, gate, value, hidden, dgates, kept: a.gates !== undefined, ...shape });
      device.weightGradient({ ...outer, x: hidden, into: pairOfPart(into.output, later) });
      device.gatesWeightGradients({
        dgates,
        y,
        into: { gate: pairOfPart(into.gate, later), value: pairOfPart(into.value, later) },
        ...shape,
      });
      const dy = y;
      device.gatesInputGradient({ dgates, gate, value, dy, ...shape });
      const dx = into.x && { ...into.x, storage: rowsOf(into.x.storage, width, first, rows) };
      device.rmsNormBackward({ x, norm, scale, dy, into: { x: dx, weight: ofPart(into.norm, later) }, rows, width });
    }
  });
  if (!a.gates) device.release(dgates);
}
