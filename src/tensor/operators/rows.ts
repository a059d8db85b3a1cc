// Operators that move rows.

import type { Device } from "../../backends/device.ts";
import { expectSameDevice, matrixShape } from "../shapes.ts";
import { record, recording } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";

/** The rows to gather, on the device, and on the host for the backward pass. */
export interface RowIndex {
  /** [rows] on the device. */
  tensor: Tensor;
  host: Int32Array;
  /** For the backward pass, if it is on the device already. */
  inverse?: RowPlaces;
}

/** `Places` on the device. */
export interface RowPlaces {
  starts: Tensor;
  entries: Tensor;
}

/**
 * For each value 0 .. values - 1 the places of an index that hold it, in order: entries[starts[v] .. starts[v + 1]].
 */
export interface Places {
  starts: Uint32Array;
  entries: Uint32Array;
}

/** out[i] = x[index[i]]: x [sources, width], index [rows] -> [rows, width]. Indices are not checked. */
export function gatherRows(x: Tensor, { tensor: index, host, inverse }: RowIndex): Tensor {
  const [sources, width] = matrixShape("x", x);
  expectSameDevice({ x, index });
  const rows = index.size;
  const { device } = x;
  return scope(() => {
    const out = new Tensor(device, [rows, width], x.type);
    device.operators.gatherRows({ source: x.storage, index: index.storage, out: out.storage, sources, rows, width });
    if (!recording(x)) return out;
    const kept = inverse ?? uploadPlaces(device, byValue(unsigned(host), sources));
    record(out, [x], { ...kept }, (gradient, gradients, { starts, entries }) => {
      const into = gradients.into(x);
      if (rows === 0 && !into.accumulate) device.clear(into.storage);
      device.operators.gatherRowsBackward({
        gradient: gradient.storage,
        starts: starts.storage,
        entries: entries.storage,
        into,
        sources,
        rows,
        width,
      });
    });
    if (!inverse) for (const tensor of Object.values(kept)) tensor.dispose();
    return out;
  });
}

export const uploadPlaces = (device: Device, { starts, entries }: Places): RowPlaces => ({
  starts: Tensor.from(device, starts),
  entries: Tensor.from(device, entries),
});

/** Returns the same numbers, none of which is negative: loops over arrays of one type are twice as fast. */
export const unsigned = ({ buffer, byteOffset, length }: Int32Array) => new Uint32Array(buffer, byteOffset, length);

export function byValue(index: Uint32Array, values: number): Places {
  const starts = new Uint32Array(values + 1);
  for (let i = 0; i < index.length; i++) starts[index[i] + 1]++;
  for (let v = 0; v < values; v++) starts[v + 1] += starts[v];
  const next = starts.slice(0, values);
  const entries = new Uint32Array(index.length);
  for (let i = 0; i < index.length; i++) entries[next[index[i]]++] = i;
  return { starts, entries };
}
