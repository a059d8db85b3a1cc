// The dry run of a WebGPU device.

import { operatorsOf } from "../composites/index.ts";
import type { DeviceInfo } from "../device.ts";
import { DryRunDevice } from "../dry-run.ts";
import { Allocations } from "./allocations.ts";
import type { Run } from "./context.ts";
import { DeferredSums } from "./deferred-sums.ts";
import { DerivedArrays } from "./derived.ts";
import { BufferPool } from "./memory.ts";
import { webgpuPrimitives } from "./primitives.ts";

/** Counts buffers without creating any. */
class CountingPool extends BufferPool {
  protected override createBuffer(): GPUBuffer {
    return { destroy() {} } as GPUBuffer;
  }
}

/**
 * Nothing is ever written, so arrays that are derived from weights are computed once.
 * @param run is called with each kernel that would run
 */
export function webgpuDryRun(
  { gpu, info, threads }: { gpu: GPUDevice; info: DeviceInfo; threads?: number },
  run: Run = () => {},
): DryRunDevice {
  const allocations = new Allocations(gpu);
  const pool = new CountingPool(allocations);
  const derived = new DerivedArrays(new CountingPool(allocations));
  const sums = new DeferredSums(run, pool, info);
  const operators = operatorsOf(webgpuPrimitives({ run: sums.run, pool, sums, derived, info }), pool);
  return new DryRunDevice({ backend: "webgpu", info, threads, pool, operators, submit: () => sums.settle() });
}
