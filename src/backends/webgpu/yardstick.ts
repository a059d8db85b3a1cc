// The yardstick's operators on WebGPU.

import type { YardstickOperators } from "../yardstick.ts";
import { WebGPUOptimizerOperators } from "./optimizer.ts";
import { overRows, rowWindow } from "./windows.ts";

/** multiply_add.wgsl: 64 threads with 8 numbers each. */
const NUMBERS_OF_GROUP = 512;

export class WebGPUYardstickOperators extends WebGPUOptimizerOperators implements YardstickOperators {
  multiplyAdd({ x, size, rounds, factor, term }: Parameters<YardstickOperators["multiplyAdd"]>[0]): void {
    overRows(size / NUMBERS_OF_GROUP, this.limits.bindingBytes, NUMBERS_OF_GROUP, (first, groups) => {
      this.run(
        "multiply_add",
        {},
        { x: rowWindow(x, NUMBERS_OF_GROUP, first, groups) },
        { size: groups * NUMBERS_OF_GROUP, rounds, factor, term },
        groups,
      );
    });
  }
}
