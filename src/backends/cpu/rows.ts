// Operators on the CPU that move rows, work on them one by one, or add them.

import type { Primitives } from "../operators.ts";
import { type RowOperators, rowOperators } from "../row-kernels.ts";
import type { Context } from "./context.ts";
import type { Fields } from "./recorder.ts";

/** Returns the command of a kernel: LayerNorm for layer_norm. */
const commandOf = (kernel: string) => kernel.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The operators that row-kernels.ts declares. */
export const declaredRows = ({ record }: Context): RowOperators =>
  rowOperators(({ kernel, arrays, accumulate, flags, rows, width }) => {
    const fields: Fields = { ...flags, rows, width };
    for (const { name, storage } of arrays) fields[name] = storage;
    if (accumulate !== undefined) fields.accumulate = accumulate;
    record(commandOf(kernel), fields);
  });

export const movedRows = ({ record }: Context) =>
  ({
    gatherRows({ source, index, out, rows, width }) {
      record("GatherRows", { source, index, out, rows, width });
    },

    scatterRows({ source, index, into, rows, width }) {
      const { storage: out, accumulate } = into;
      record("ScatterRows", { source, index, out, accumulate, rows, width });
    },

    gatherRowsBackward({ gradient, starts, entries, into, sources, width }) {
      const { storage: out, accumulate } = into;
      record("GatherSum", { x: gradient, starts, entries, out, accumulate, rows: sources, width });
    },

    add({ x, y, size }) {
      record("Add", { x, y, size });
    },
  }) satisfies Partial<Primitives>;
