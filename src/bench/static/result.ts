// The result of a profile as data.

import { CommandError } from "../../build/run.mjs";
import type { Compiled } from "./compiled.ts";
import type { Variant } from "./variants.ts";

/** One kernel as compiled from one front end for one GPU. */
export interface Row {
  /** The kernel's name, with its variant in words. */
  kernel: string;
  front: string;
  gpu: string;
  /** Why the other fields are missing. */
  error?: string;
  registers?: number;
  spills?: number;
  shared?: number;
  warps?: number;
  /** Share of FMAs among the hot loop's instructions, 0 to 1; null where the compiler left no loop. */
  fmaShare?: number | null;
  /** Instructions of one iteration of the hot loop. */
  hotLoop?: number | null;
  loadsInFlight?: number;
  waits?: number;
  size?: number;
}

/** The numeric columns and their titles. */
export const columns = {
  registers: "registers",
  spills: "spills",
  shared: "shared B",
  warps: "warps",
  fmaShare: "FMA share",
  hotLoop: "hot loop",
  loadsInFlight: "loads in flight",
  waits: "waits",
  size: "size B",
} as const;
export type Column = keyof typeof columns;

/** The estimated time of a pass in float32 over 16 clouds. */
export interface Time {
  device: string;
  front: string;
  pass: "forward" | "training";
  points: number;
  /** Estimated milliseconds. */
  ms: number;
  /** The roofline: arithmetic at the GPU's peak and memory alone. */
  floor: number;
}

export interface ProfiledVariant extends Variant {
  /** Shares of the estimated times at 16 x 16384 (naga, H100); absent where the kernel is not in them. */
  shares?: { forward: number; training: number };
}

export interface StaticResult {
  format: typeof FORMAT;
  date: string;
  kernels: ProfiledVariant[];
  rows: Row[];
  times: Time[];
}

const FORMAT = "erwin-static-1";

/** Rounds away meaningless digits. */
export const rounded = (value: number, digits = 3) => Number(value.toFixed(digits));

export function makeRow({ kernel }: Variant, front: string, gpu: string, found: Compiled): Row {
  const row = { kernel, front, gpu };
  if ("error" in found) return { ...row, error: found.error };
  const { registers, spills, shared, warps, hot, loadsInFlight, waits, size } = found;
  const loop = { fmaShare: hot ? rounded(hot.share) : null, hotLoop: hot ? hot.instructions : null };
  return { ...row, registers, spills, shared, warps, ...loop, loadsInFlight, waits, size };
}

export function makeResult(kernels: ProfiledVariant[], rows: Row[], times: Time[]): StaticResult {
  return { format: FORMAT, date: new Date().toISOString().slice(0, 10), kernels, rows, times };
}

/** Formats a result as JSON, with one row on each line. */
export function formatResult(result: StaticResult): string {
  const lines = Object.entries(result).map(([key, value]) => {
    const items = Array.isArray(value) && value.map((item) => JSON.stringify(item));
    return `${JSON.stringify(key)}: ${items ? `[\n${items.join(",\n")}\n]` : JSON.stringify(value)}`;
  });
  return `{\n${lines.join(",\n")}\n}\n`;
}

export function parseResult(text: string, file: string): StaticResult {
  let result: Partial<StaticResult> | null = null;
  try {
    result = JSON.parse(text);
  } catch {}
  if (result?.format !== FORMAT)
    throw new CommandError(`reading ${file} as a static profile (no JSON of ${FORMAT})`, 2);
  return result as StaticResult;
}

/** The key by which a row is found in another result. */
export const keyOf = ({ kernel, front, gpu }: Pick<Row, "kernel" | "front" | "gpu">) => [kernel, front, gpu].join("|");
