// The primitives of a WebGPU device: which kernel each of them runs, with which constants and how many workgroups, and how it is
// split when an array exceeds one binding. The headers of the kernels (gpu/) define what they compute.

import type { Primitives } from "../operators.ts";
import { ballOperators } from "./attention.ts";
import type { Context } from "./context.ts";
import { elementOperators } from "./elementwise.ts";
import { hiddenLayers } from "./feed-forward.ts";
import { linearMaps } from "./linear.ts";
import type { BufferStorage } from "./memory.ts";
import { messagePassing } from "./messages.ts";
import { norms } from "./norms.ts";
import { optimizerOperators } from "./optimizer.ts";
import { rooflineOperators } from "./roofline.ts";
import { declaredRows, movedRows } from "./rows.ts";

export const webgpuPrimitives = (context: Context): Primitives => ({
  allocate: (bytes) => context.pool.allocate(bytes),
  release: (storage) => context.pool.release(storage as BufferStorage),
  indirect: false,
  ...declaredRows(context),
  ...movedRows(context),
  ...linearMaps(context),
  ...norms(context),
  ...ballOperators(context),
  ...hiddenLayers(context),
  ...messagePassing(context),
  ...elementOperators(context),
  ...optimizerOperators(context),
  ...rooflineOperators(context),
});
