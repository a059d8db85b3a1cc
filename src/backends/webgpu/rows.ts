// Operators on WebGPU that move rows or work on them one by one.

import type { Storage } from "../device.ts";
import type { Primitives } from "../operators.ts";
import { type RowOperators, rowOperators } from "../row-kernels.ts";
import { type Context, flag, itemsOf, ROWS_OF_EIGHT_LANES, runRows, THREADS } from "./context.ts";
import { overRows, rowsInBinding, rowWindow } from "./windows.ts";

/** The operators that row-kernels.ts declares. */
export const declaredRows = (context: Context): RowOperators =>
  rowOperators(({ kernel, arrays, accumulate, flags, eightLanes, rows, width }) => {
    const constants: Record<string, number> = {};
    for (const [name, value] of Object.entries(flags)) constants[name.toUpperCase()] = flag(value);
    if (accumulate !== undefined) constants.ACCUMULATE = flag(accumulate);
    if (eightLanes) constants.VEC4 = itemsOf(width).vec4;
    const bound = arrays.map(
      ({ name, shape, storage }) => [name, shape === "matrix" ? ([storage, width] as const) : storage] as const,
    );
    runRows(context, kernel, constants, rows, Object.fromEntries(bound), (_, count) => ({
      parameters: { rows: count, width, total_rows: rows },
      groups: eightLanes ? count / ROWS_OF_EIGHT_LANES : (count * width) / THREADS,
    }));
  });

/**
 * Runs `work` on the rows x[gather]: through the index if one binding holds all rows, else on a copy of them in this order. Without
 * an index, it runs on the matrix itself.
 */
export function pickedRows(
  context: Context,
  { x, gather, rows, width }: { x: Storage; gather?: Storage; rows: number; width: number },
  work: (x: Storage, gather?: Storage) => void,
): void {
  if (!gather || rows <= rowsInBinding(context.info.maxBindingBytes, width)) {
    work(x, gather);
    return;
  }
  const ordered = context.pool.allocate(rows * width * 4);
  movedRows(context).gatherRows({ source: x, index: gather, out: ordered, sources: rows, rows, width });
  work(ordered);
  context.pool.release(ordered);
}

export const movedRows = (context: Context) => {
  const { run, info } = context;

  /** Runs a kernel on every pair of a window of outer rows and a window of inner rows. */
  const overPairs = (
    outer: number,
    inner: number,
    width: number,
    work: (...ranges: [number, number, number, number]) => void,
  ) =>
    overRows(outer, info.maxBindingBytes, width, (first, count) =>
      overRows(inner, info.maxBindingBytes, width, (firstInner, countInner) =>
        work(first, count, firstInner, countInner),
      ),
    );

  return {
    gatherRows({ source, index, out, sources, rows, width }) {
      const { vec4, items } = itemsOf(width);
      overPairs(rows, sources, width, (first, count, firstSource, sourceRows) =>
        run(
          "gather_rows",
          { VEC4: vec4 },
          {
            source: rowWindow(source, width, firstSource, sourceRows),
            row_index: rowWindow(index, 1, first, count),
            out: rowWindow(out, width, first, count),
          },
          { rows: count, width: items, first_source: firstSource, source_rows: sourceRows },
          Math.ceil((count * items) / THREADS),
        ),
      );
    },

    scatterRows({ source, index, into, rows, targets, width }) {
      const { vec4, items } = itemsOf(width);
      overPairs(targets, rows, width, (firstTarget, targetRows, first, count) =>
        run(
          "scatter_rows",
          { ACCUMULATE: flag(into.accumulate), VEC4: vec4 },
          {
            source: rowWindow(source, width, first, count),
            row_index: rowWindow(index, 1, first, count),
            out: rowWindow(into.storage, width, firstTarget, targetRows),
          },
          { rows: count, width: items, first_target: firstTarget, target_rows: targetRows },
          Math.ceil((count * items) / THREADS),
        ),
      );
    },

    gatherRowsBackward({ gradient, starts, entries, into, sources, rows, width }) {
      overPairs(sources, rows, width, (first, count, firstX, xRows) =>
        run(
          "gather_sum",
          { ACCUMULATE: flag(into.accumulate || firstX > 0) },
          {
            x: rowWindow(gradient, width, firstX, xRows),
            starts: { ...rowWindow(starts, 1, first, count), bytes: (count + 1) * 4 },
            entries,
            out: rowWindow(into.storage, width, first, count),
          },
          { rows: count, width, first_x: firstX, x_rows: xRows },
          Math.ceil((count * width) / THREADS),
        ),
      );
    },

    add({ x, y, size }) {
      overRows(size, info.maxBindingBytes, 1, (first, count) => {
        const { vec4, items } = itemsOf(count);
        const bound = { x: rowWindow(x, 1, first, count), y: rowWindow(y, 1, first, count) };
        run("add", { VEC4: vec4 }, bound, { size: items }, Math.ceil(items / THREADS));
      });
    },
  } satisfies Partial<Primitives>;
};
