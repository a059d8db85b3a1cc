// The primitives of the CPU device: the commands that each of them records. wasm/kernels executes the commands; gpu/ has the formulas.

import type { Primitives } from "../operators.ts";
import { ballOperators } from "./attention.ts";
import type { Context } from "./context.ts";
import { elementOperators } from "./elementwise.ts";
import { hiddenLayers } from "./feed-forward.ts";
import { linearMaps } from "./linear.ts";
import type { Allocation } from "./memory.ts";
import { messagePassing } from "./messages.ts";
import { norms } from "./norms.ts";
import { optimizerOperators } from "./optimizer.ts";
import { declaredRows, movedRows } from "./rows.ts";

export const cpuPrimitives = (context: Context): Primitives => ({
  allocate: (bytes) => context.pool.allocate(bytes),
  release: (storage) => context.pool.release(storage as Allocation),
  indirect: true,
  ...declaredRows(context),
  ...movedRows(context),
  ...linearMaps(context),
  ...norms(context),
  ...ballOperators(context),
  ...hiddenLayers(context),
  ...messagePassing(context),
  ...elementOperators(context),
  ...optimizerOperators(context),
  multiplyAdd: (a) => context.record("MultiplyAdd", { ...a }),
});
