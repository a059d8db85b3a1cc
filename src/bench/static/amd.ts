// AMD: SPIR-V -> assembly by Mesa's RADV on its null device, with the driver's own statistics (vkstat.c).

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Compiled } from "./compiled.ts";
import { analyse } from "./listing.ts";
import { countRdnaLoads, parseRdna } from "./rdna.ts";
import { describeSpirv, type NamedKernel } from "./spirv.ts";
import { fmaATurn } from "./tiles.ts";
import { buildStatistics, readInDebian } from "./tools.ts";

/** Compiles each kernel, in their order. `family` is any GPU that RADV knows (navi31, navi21, gfx1201, vega20, ...). */
export function compileForAmd(
  family: string,
  kernels: readonly NamedKernel[],
  folder: string,
  listings: string,
): Compiled[] {
  rmSync(listings, { recursive: true, force: true });
  mkdirSync(listings, { recursive: true });
  const program = join(listings, "vkstat");
  buildStatistics(program);
  const environment = {
    RADV_FORCE_FAMILY: family,
    RADV_DEBUG: "nocache",
    VK_DRIVER_FILES: "/usr/share/vulkan/icd.d/radeon_icd.json",
  };
  const modules = kernels.map(({ file }) => join(folder, `${file}.spv`)).filter((path) => existsSync(path));
  const printed = readInDebian(environment, [program, listings, ...modules]);
  const statistics = readStatistics(printed);
  return kernels.map(({ file, constants }) => {
    const found = statistics.get(`${file}.spv`);
    if (!found) return { error: "the front end gave no SPIR-V, or RADV refused it" };
    const [threads] = describeSpirv(readFileSync(join(folder, `${file}.spv`))).size;
    const assembly = readFileSync(join(listings, `${file}.spv.Assembly.txt`), "utf8");
    return {
      threads,
      registers: found["VGPRs"],
      spills: found["Spilled VGPRs"] + found["Spilled SGPRs"],
      shared: found["LDS size"],
      warps: found["Subgroups per SIMD"],
      size: found["Code size"],
      ...analyse(parseRdna(assembly), countRdnaLoads, fmaATurn(constants, threads)),
    };
  });
}

/** Parses lines of a file's name and NAME=VALUE fields, separated by tabs. */
function readStatistics(printed: string): Map<string, Record<string, number>> {
  const lines = printed.split("\n").filter((line) => line.includes("\t"));
  return new Map(
    lines.map((line) => {
      const [file, ...fields] = line.split("\t");
      const values = fields.map((field) => [field.split("=")[0], Number(field.split("=")[1])] as const);
      return [file, Object.fromEntries(values)];
    }),
  );
}
