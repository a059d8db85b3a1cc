// Qualcomm: Mesa's Turnip on a library that stands in for the kernel's driver.

import { countIr3Loads, parseIr3 } from "./ir3.ts";
import type { MesaDriver } from "./mesa.ts";
import type { MesaParts } from "./mesa-parts.ts";

/** GPUs of phones, by Mesa's numbers: Adreno 630 and 660. */
const numbers: Record<string, string> = { a630: "630", a660: "660" };
export const isQualcomm = (gpu: string) => gpu in numbers;

export const qualcommDriver = (gpu: string, { qualcommKernel, qualcommManifest }: MesaParts): MesaDriver => ({
  environment: { LD_PRELOAD: qualcommKernel, FD_GPU_ID: numbers[gpu]!, VK_DRIVER_FILES: qualcommManifest },
  listing: "IR3_Assembly",
  parse: parseIr3,
  countLoads: countIr3Loads,
  read: (found) => ({
    // Counted in vec4s.
    registers: 4 * found["Registers used"],
    spills: found["STP Count"] + found["LDP Count"],
    warps: found["Max Waves Per Core"],
    size: found["Code size"],
  }),
});
