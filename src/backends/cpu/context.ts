// What the operators on the CPU have in common: commands are recorded, on memory of the device's pool.

import type { Storage } from "../device.ts";
import type { Primitives } from "../operators.ts";
import type { PiecePool } from "./memory.ts";
import type { Fields } from "./recorder.ts";

export interface Context {
  /** Records a command of wasm/kernels/commands.ts. */
  readonly record: (command: string, fields: Fields) => void;
  readonly pool: PiecePool;
  readonly threads: number;
}

/** The part of a device's primitives that one file makes. */
export type Part<Name extends keyof Primitives> = Pick<Primitives, Name>;

/** A part of a piece of memory from one of its elements on. */
export const from = (storage: Storage, element: number): Storage => storage.slice(element * 4, 0);

/** Memory of its own for each thread while a command runs. */
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
