// AMD: Mesa's RADV on its null device.

import type { MesaDriver } from "./mesa.ts";
import { countRdnaLoads, parseRdna } from "./rdna.ts";

/** @param family any GPU that RADV knows (navi31, navi21, gfx1201, vega20, ...) */
export const amdDriver = (family: string): MesaDriver => ({
  environment: {
    RADV_FORCE_FAMILY: family,
    RADV_DEBUG: "nocache",
    VK_DRIVER_FILES: "/usr/share/vulkan/icd.d/radeon_icd.json",
  },
  listing: "Assembly",
  parse: parseRdna,
  countLoads: countRdnaLoads,
  read: (found) => ({
    registers: found["VGPRs"],
    spills: found["Spilled VGPRs"] + found["Spilled SGPRs"],
    shared: found["LDS size"],
    warps: found["Subgroups per SIMD"],
    size: found["Code size"],
  }),
});
