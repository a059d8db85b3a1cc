// Operators on WebGPU that move rows or work on them one by one.

import { type RowOperators, rowOperators } from "../row-kernels.ts";
import { type Context, flag, itemsOf, type Part, ROWS_OF_EIGHT_LANES, THREADS, whole } from "./context.ts";
import type { BufferStorage } from "./memory.ts";
import type { Bound } from "./recorder.ts";
import { overRows, rowWindow } from "./windows.ts";

/** Numbers of a window's row. */
const rowWidths = { matrix: (width: number) => width, scalars: () => 1, indices: () => 1 };

/** The operators that are declared in row-kernels.ts. */
export const declaredRows = ({ run, info }: Context): RowOperators =>
  rowOperators(({ kernel, arrays, accumulate, flags, eightLanes, rows, width }) => {
    const constants: Record<string, number> = {};
    for (const [name, value] of Object.entries(flags)) constants[name.toUpperCase()] = flag(value);
    if (accumulate !== undefined) constants.ACCUMULATE = flag(accumulate);
    if (eightLanes) constants.QUADS = itemsOf(width).quads;
    overRows(rows, info.maxBindingBytes, width, (first, count) => {
      const bound: Record<string, Bound> = {};
      for (const { name, shape, storage } of arrays) {
        const whole = shape === "vector" || shape === "pair";
        bound[name] = whole ? (storage as BufferStorage) : rowWindow(storage, rowWidths[shape](width), first, count);
      }
      const groups = eightLanes ? count / ROWS_OF_EIGHT_LANES : (count * width) / THREADS;
      run(kernel, constants, bound, { rows: count, width, total_rows: rows }, Math.ceil(groups));
    });
  });

export const movedRows = ({
  run,
  info,
}: Context): Part<"gatherRows" | "scatterRows" | "gatherRowsBackward" | "add"> => ({
  gatherRows({ source, index, out, sources, rows, width }) {
    const { quads, items } = itemsOf(width);
    overRows(rows, info.maxBindingBytes, width, (first, count) => {
      overRows(sources, info.maxBindingBytes, width, (firstSource, sourceRows) => {
        run(
          "gather_rows",
          { QUADS: quads },
          {
            source: rowWindow(source, width, firstSource, sourceRows),
            row_index: rowWindow(index, 1, first, count),
            out: rowWindow(out, width, first, count),
          },
          { rows: count, width: items, first_source: firstSource, source_rows: sourceRows },
          Math.ceil((count * items) / THREADS),
        );
      });
    });
  },

  scatterRows({ source, index, into, rows, targets, width }) {
    const { quads, items } = itemsOf(width);
    overRows(targets, info.maxBindingBytes, width, (firstTarget, targetRows) => {
      overRows(rows, info.maxBindingBytes, width, (first, count) => {
        run(
          "scatter_rows",
          { ACCUMULATE: flag(into.accumulate), QUADS: quads },
          {
            source: rowWindow(source, width, first, count),
            row_index: rowWindow(index, 1, first, count),
            out: rowWindow(into.storage, width, firstTarget, targetRows),
          },
          { rows: count, width: items, first_target: firstTarget, target_rows: targetRows },
          Math.ceil((count * items) / THREADS),
        );
      });
    });
  },

  gatherRowsBackward({ gradient, starts, entries, into, sources, rows, width }) {
    overRows(sources, info.maxBindingBytes, width, (first, count) => {
      overRows(rows, info.maxBindingBytes, width, (firstX, xRows) => {
        run(
          "gather_sum",
          { ACCUMULATE: flag(into.accumulate || firstX > 0) },
          {
            x: rowWindow(gradient, width, firstX, xRows),
            starts: { ...rowWindow(starts, 1, first, count), bytes: (count + 1) * 4 },
            entries: whole(entries),
            out: rowWindow(into.storage, width, first, count),
          },
          { rows: count, width, first_x: firstX, x_rows: xRows },
          Math.ceil((count * width) / THREADS),
        );
      });
    });
  },

  add({ x, y, size }) {
    overRows(size, info.maxBindingBytes, 1, (first, count) => {
      const { quads, items } = itemsOf(count);
      run(
        "add",
        { QUADS: quads },
        { x: rowWindow(x, 1, first, count), y: rowWindow(y, 1, first, count) },
        { size: items },
        Math.ceil(items / THREADS),
      );
    });
  },
});
