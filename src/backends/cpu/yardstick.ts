// The yardstick's operators on the CPU.

import type { YardstickOperators } from "../yardstick.ts";
import { CpuOptimizerOperators } from "./optimizer.ts";

export class CpuYardstickOperators extends CpuOptimizerOperators implements YardstickOperators {
  multiplyAdd({ x, size, rounds, factor, term }: Parameters<YardstickOperators["multiplyAdd"]>[0]): void {
    this.recorder.record("MultiplyAdd", { x, size, rounds, factor, term });
  }
}
