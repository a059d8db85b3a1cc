// Intel: Mesa's ANV on a library that stands in for the kernel's driver.

import { countGenLoads, parseGen } from "./gen.ts";
import type { MesaDriver } from "./mesa.ts";
import type { MesaParts } from "./mesa-parts.ts";

/** A part of a GPU that shares workgroup memory (a subslice): its vector engines, their threads, and the memory in bytes. */
const subslices: Record<string, { engines: number; threads: number; shared: number }> = {
  // Xe-LP, in processors since 2020 (Iris Xe).
  tgl: { engines: 16, threads: 7, shared: 64 << 10 },
  // Xe-HPG (Arc A).
  dg2: { engines: 16, threads: 8, shared: 128 << 10 },
};
export const isIntel = (gpu: string) => gpu in subslices;

/** The bytes of an instruction that is not compacted. */
const INSTRUCTION_BYTES = 16;

export const intelDriver = (gpu: string, { intelKernel }: MesaParts): MesaDriver => ({
  environment: {
    LD_PRELOAD: intelKernel,
    INTEL_STUB_GPU_PLATFORM: gpu,
    VK_DRIVER_FILES: "/usr/share/vulkan/icd.d/intel_icd.json",
  },
  listing: "GEN_Assembly",
  parse: parseGen,
  countLoads: countGenLoads,
  read: (found, threads) => {
    const { engines, threads: most, shared } = subslices[gpu]!;
    const wanted = found["Workgroup Memory Size"];
    const ofGroup = Math.ceil(threads / found["subgroup"]);
    const groups = Math.floor((engines * most) / ofGroup);
    const resident = wanted > 0 ? Math.min(groups, Math.floor(shared / wanted)) : groups;
    return {
      registers: found["Max live registers"],
      spills: found["Spill Count"] + found["Fill Count"],
      shared: wanted,
      warps: Math.floor((resident * ofGroup) / engines),
      size: found["Instruction Count"] * INSTRUCTION_BYTES,
    };
  },
});
