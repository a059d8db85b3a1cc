// The result of compiling one kernel.

import type { Analysis } from "./listing.ts";

export interface CompiledKernel extends Analysis {
  /** Threads of a workgroup. */
  threads: number;
  /** Registers of a thread; on AMD, vector registers of a lane. */
  registers: number;
  /** Spilled bytes, stored and loaded, on NVIDIA; spilled registers on AMD. */
  spills: number;
  /** Bytes of a workgroup's memory; absent where the driver does not tell (Qualcomm). */
  shared?: number;
  /** Resident warps on an SM (NVIDIA) or waves on a SIMD (AMD). */
  warps: number;
  /** Bytes of code. */
  size: number;
}

/** A compiled kernel, or why there is none. */
export type Compiled = CompiledKernel | { error: string };

export function failure(error: unknown): { error: string } {
  const { message, stderr } = error as Error & { stderr?: string };
  return { error: (stderr || message).trim().replace(/\s+/g, " ").slice(0, 400) };
}
