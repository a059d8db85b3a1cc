// The operator that measures the peak arithmetic rate, on WebGPU.

import type { RooflineOperators } from "../roofline.ts";
import { type Context, runRows } from "./context.ts";

/** multiply_add.wgsl: 64 threads with 8 elements each. */
const ELEMENTS_OF_GROUP = 512;

export const rooflineOperators = (context: Context): RooflineOperators => ({
  multiplyAdd({ x, size, rounds, factor, term }) {
    runRows(context, "multiply_add", {}, size / ELEMENTS_OF_GROUP, { x: [x, ELEMENTS_OF_GROUP] }, (_, groups) => ({
      parameters: { size: groups * ELEMENTS_OF_GROUP, rounds, factor, term },
      groups,
    }));
  },
});
