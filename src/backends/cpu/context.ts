// What the operators on the CPU share: they record commands, on memory of the device's pool.

import type { Storage } from "../device.ts";
import type { AllocationPool } from "./memory.ts";
import type { Fields } from "./recorder.ts";

export interface Context {
  /** Records a command of wasm/kernels/commands.ts. */
  readonly record: (command: string, ...fields: Fields[]) => void;
  readonly pool: AllocationPool;
  readonly threads: number;
}

/** The part of a storage from one of its elements on. */
export const from = (storage: Storage, element: number): Storage => storage.slice(element * 4, 0);

/** Gives each thread `bytes` bytes of its own while a command runs. */
export function withScratch(
  { pool, threads }: Context,
  bytes: number,
  record: (scratch: { scratch: Storage; scratchBytes: number }) => void,
): void {
  const scratchBytes = Math.ceil(bytes / 64) * 64;
  const scratch = pool.allocate(scratchBytes * threads);
  record({ scratch, scratchBytes });
  pool.release(scratch);
}
