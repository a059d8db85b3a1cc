// What a compiler makes of one kernel.

import type { Analysis } from "./listing.ts";

export interface CompiledKernel extends Analysis {
  /** Of a workgroup. */
  threads: number;
  /** Of a thread; AMD: vector registers of a lane. */
  registers: number;
  /** NVIDIA: bytes stored and loaded; AMD: registers. */
  spills: number;
  /** Bytes of a workgroup's memory. */
  shared: number;
  /** Resident on an SM (NVIDIA) or a SIMD (AMD). */
  warps: number;
  /** Bytes of code. */
  size: number;
}

/** A kernel, or why there is none. */
export type Compiled = CompiledKernel | { error: string };

export function failure(error: unknown): { error: string } {
  const { message, stderr } = error as Error & { stderr?: string };
  return { error: (stderr || message).trim().replace(/\s+/g, " ").slice(0, 400) };
}
