// Compiles SPIR-V by one of Mesa's drivers, on a GPU that is not there (vkstat.c).

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Compiled, CompiledKernel } from "./compiled.ts";
import { analyse, type Block, type LoadCounter } from "./listing.ts";
import { describeSpirv, type NamedKernel } from "./spirv.ts";
import { fmaATurn } from "./tiles.ts";
import { buildStatistics, readInDebian } from "./tools.ts";

/** The driver's own figures of a kernel, by its names for them. */
export type Statistics = Record<string, number>;

export interface MesaDriver {
  /** The variables that choose driver and GPU. */
  environment: Record<string, string>;
  /** The driver's name for its assembly. */
  listing: string;
  parse: (listing: string) => Block[];
  countLoads: LoadCounter;
  read: (
    statistics: Statistics,
    threads: number,
  ) => Pick<CompiledKernel, "registers" | "spills" | "shared" | "warps" | "size">;
}

/** Compiles each kernel, in their order. `listings` is emptied. */
export function compileWithMesa(
  { environment, listing, parse, countLoads, read }: MesaDriver,
  kernels: readonly NamedKernel[],
  folder: string,
  listings: string,
): Compiled[] {
  rmSync(listings, { recursive: true, force: true });
  mkdirSync(listings, { recursive: true });
  const program = join(listings, "vkstat");
  buildStatistics(program);
  const modules = kernels.map(({ file }) => join(folder, `${file}.spv`)).filter((path) => existsSync(path));
  const all = readStatistics(readInDebian(environment, [program, listings, ...modules]));
  return kernels.map(({ file, constants }) => {
    const statistics = all.get(`${file}.spv`);
    if (!statistics) return { error: "the front end gave no SPIR-V, or the driver refused it" };
    const [threads] = describeSpirv(readFileSync(join(folder, `${file}.spv`))).size;
    const assembly = readFileSync(join(listings, `${file}.spv.${listing}.txt`), "utf8");
    return {
      threads,
      ...read(statistics, threads),
      ...analyse(parse(assembly), countLoads, fmaATurn(constants, threads)),
    };
  });
}

/** Parses lines of a file's name and NAME=VALUE fields, separated by tabs. */
function readStatistics(printed: string): Map<string, Statistics> {
  const lines = printed.split("\n").filter((line) => line.includes("\t"));
  return new Map(
    lines.map((line) => {
      const [file, ...fields] = line.split("\t");
      const values = fields.map((field) => [field.split("=")[0], Number(field.split("=")[1])] as const);
      return [file, Object.fromEntries(values)];
    }),
  );
}
