// The general operators on WebGPU: elementwise functions, and sums along an axis.

import { sizeOf } from "../../arguments/numbers.ts";
import { OutOfMemoryError } from "../../errors.ts";
import { type DirectOperators, elementFunctions, type Primitives, type Strided } from "../operators.ts";
import { type Context, flag, THREADS } from "./context.ts";
import type { BufferStorage } from "./memory.ts";
import type { Bound } from "./recorder.ts";
import { alignedWindow } from "./windows.ts";

/** The maximum number of elements that one thread adds. */
const PART_ELEMENTS = 256;
/** A binding may have to begin up to this many elements before the first one that is used. */
const ALIGNMENT = 64;

export const elementOperators = ({ run, info, pool }: Context) => {
  const elementwise: DirectOperators["elementwise"] = (a) => {
    const { x, y, out, shape } = a;
    const count = sizeOf(shape);
    if (count === 0) return;
    const arrays = { x, y, out };
    const bound: Record<string, Bound> = {};
    const parameters: Record<string, number> = { count, factor: a.factor ?? 1, shift: a.shift ?? 0 };
    for (const [name, array] of Object.entries(arrays)) {
      parameters[`${name}_first`] = 0;
      if (!array) continue;
      const { window, first } = alignedWindow(array.storage, array.first, extentOf(array, shape));
      if (window.bytes > info.maxBindingBytes) {
        inHalves(a);
        return;
      }
      bound[name] = window;
      parameters[`${name}_first`] = first;
    }
    // The kernel counts axes from the innermost.
    shape.forEach((size, axis) => {
      const place = shape.length - 1 - axis;
      parameters[`size_${place}`] = size;
      for (const [name, array] of Object.entries(arrays)) {
        parameters[`${name}_stride_${place}`] = array?.strides[axis] ?? 0;
      }
    });
    const choice = elementFunctions.map((name) => [name.toUpperCase(), flag(name === a.function)]);
    run(
      "elementwise",
      {
        ...Object.fromEntries(choice),
        DERIVATIVE: flag(a.derivative),
        Y: flag(y),
        ACCUMULATE: flag(a.accumulate),
        RANK: shape.length,
      },
      bound,
      parameters,
      Math.ceil(count / THREADS),
    );
  };

  const sumAxis: DirectOperators["sumAxis"] = ({ x, into, outer, middle, inner, factor = 1 }) => {
    if (outer * inner === 0) return;
    const maxElements = info.maxBindingBytes / 4 - ALIGNMENT;
    const step = Math.min(Math.max(middle, 1), Math.floor(maxElements / inner));
    if (step < Math.min(middle, 2)) {
      throw new OutOfMemoryError(
        `sums over two times ${inner} elements exceed the ${info.maxBindingBytes} bytes that one binding of this device holds`,
        { bytes: 2 * inner * 4, limit: info.maxBindingBytes },
      );
    }
    // An array that exceeds a binding is divided into chunks: of the middle axis if one element of the outer axis exceeds a binding,
    // otherwise of the outer axis.
    const chunks = Math.max(1, Math.ceil(middle / step));
    const outerStep = chunks > 1 ? 1 : Math.max(1, Math.floor(maxElements / (step * inner)));
    const parts = Math.ceil(step / PART_ELEMENTS);
    const all = chunks * parts;
    const done = all === 1;
    const sums = done ? into.storage : pool.allocate(outer * all * inner * 4);
    for (let o = 0; o < outer; o += outerStep) {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const count = Math.min(outerStep, outer - o);
        const rows = Math.min(step, middle - chunk * step);
        const from = alignedWindow(x, (o * middle + chunk * step) * inner, ((count - 1) * middle + rows) * inner);
        const to = alignedWindow(sums, (o * all + chunk * parts) * inner, ((count - 1) * all + parts) * inner);
        run(
          "sum_axis",
          { ACCUMULATE: flag(done && into.accumulate) },
          { x: from.window, sums: to.window },
          {
            outer: count,
            middle: rows,
            inner,
            parts,
            x_first: from.first,
            x_stride: middle * inner,
            sums_first: to.first,
            sums_stride: all * inner,
            factor: done ? factor : 1,
          },
          Math.ceil((count * parts * inner) / THREADS),
        );
      }
    }
    if (done) return;
    sumAxis({ x: sums, into, outer, middle: all, inner, factor });
    pool.release(sums as BufferStorage);
  };

  /** Computes both halves of the outermost axis: each sees about half of every array that exceeds a binding. */
  function inHalves(a: Parameters<typeof elementwise>[0]): void {
    const axis = a.shape.findIndex((size) => size > 1);
    const size = a.shape[axis];
    const half = Math.ceil(size / 2);
    for (const [from, count] of [
      [0, half],
      [half, size - half],
    ] as const) {
      const moved = <Given extends Strided | undefined>(array: Given) =>
        array && { ...array, first: array.first + from * array.strides[axis] };
      const shape = a.shape.map((whole, i) => (i === axis ? count : whole));
      elementwise({ ...a, shape, x: moved(a.x), y: moved(a.y), out: moved(a.out) });
    }
  }

  return { elementwise, sumAxis } satisfies Partial<Primitives>;
};

/** The number of elements from the first to the last of a strided array. */
const extentOf = ({ strides }: Strided, shape: readonly number[]) =>
  1 + shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], 0);
