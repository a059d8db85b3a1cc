// The yardstick's operators on WebGPU.

import type { YardstickOperators } from "../yardstick.ts";
import type { Context } from "./context.ts";
import { overRows, rowWindow } from "./windows.ts";

/** multiply_add.wgsl: 64 threads with 8 numbers each. */
const NUMBERS_OF_GROUP = 512;

export const yardstickOperators = ({ run, info }: Context): YardstickOperators => ({
  multiplyAdd({ x, size, rounds, factor, term }) {
    overRows(size / NUMBERS_OF_GROUP, info.maxBindingBytes, NUMBERS_OF_GROUP, (first, groups) => {
      run(
        "multiply_add",
        {},
        { x: rowWindow(x, NUMBERS_OF_GROUP, first, groups) },
        { size: groups * NUMBERS_OF_GROUP, rounds, factor, term },
        groups,
      );
    });
  },
});
