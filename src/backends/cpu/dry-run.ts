// The dry run of a CPU device. It allocates nothing, and suffices for a model that only prepares its inputs.

import { operatorsOf } from "../composites/index.ts";
import type { Device } from "../device.ts";
import { DryRunDevice } from "../dry-run.ts";
import { AllocationPool } from "./memory.ts";
import { cpuPrimitives } from "./primitives.ts";

/** A device that only counts memory. */
export function cpuDryRun({ info, threads }: Pick<Device, "info"> & { threads: number }): Device {
  const pool = new AllocationPool(Number.POSITIVE_INFINITY, () => {});
  const operators = operatorsOf(cpuPrimitives({ record: () => {}, pool, threads }), pool);
  return new DryRunDevice({ backend: "cpu", info, threads, pool, operators });
}
