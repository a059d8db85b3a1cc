// NVIDIA: SPIR-V -> Metal (SPIRV-Cross) -> CUDA C++ -> SASS by NVIDIA's compiler. Its output is cached by its source.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../build/steps.mjs";
import { type Compiled, failure } from "./compiled.ts";
import { analyse } from "./listing.ts";
import { translateMetal } from "./msl-to-cuda.ts";
import { countSassLoads, parseSass } from "./sass.ts";
import { describeSpirv, type NamedKernel } from "./spirv.ts";
import { fmaATurn } from "./tiles.ts";
import { cacheFolder, nvcc, nvdisasm, readInDebian } from "./tools.ts";

/** The limits of one streaming multiprocessor; shared memory is in bytes. */
const multiprocessors: Record<string, { warps: number; workgroups: number; shared: number }> = {
  sm_80: { warps: 64, workgroups: 32, shared: 164 << 10 },
  sm_86: { warps: 48, workgroups: 16, shared: 100 << 10 },
  sm_89: { warps: 48, workgroups: 24, shared: 100 << 10 },
  sm_90: { warps: 64, workgroups: 32, shared: 228 << 10 },
  sm_100: { warps: 64, workgroups: 32, shared: 228 << 10 },
  sm_120: { warps: 48, workgroups: 24, shared: 100 << 10 },
};
export const isNvidia = (gpu: string) => gpu in multiprocessors;

const store = join(cacheFolder, "nvidia");
const here = join(root, "src/bench/static");

/** The compiler's statistics of a kernel. */
interface Statistics {
  registers: number;
  /** Spilled bytes, stored and loaded. */
  spills: number;
  shared: number;
}

/** Translates all modules of a folder to Metal, FILE.metal beside FILE.spv. */
export function writeMetal(folder: string) {
  const script = `for f in *.spv; do spirv-cross --msl --msl-version 30000 "$f" > "\${f%.spv}.metal" 2>&1; done`;
  readInDebian({}, ["env", `--chdir=${folder}`, "sh", "-c", script]);
}

/** Compiles each kernel, in their order, with `jobs` compilers at a time. */
export async function compileForNvidia(
  gpu: string,
  kernels: readonly NamedKernel[],
  folder: string,
  jobs: number,
): Promise<Compiled[]> {
  mkdirSync(store, { recursive: true });
  const results: Compiled[] = [];
  const waiting = [...kernels.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, kernel] = next;
      try {
        results[index] = await profileKernel(gpu, kernel, folder);
      } catch (error) {
        results[index] = failure(error);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results;
}

async function profileKernel(gpu: string, kernel: NamedKernel, folder: string): Promise<Compiled> {
  const module = join(folder, `${kernel.file}.spv`);
  if (!existsSync(module)) throw new Error("the front end gave no SPIR-V");
  const { size, zeroed } = describeSpirv(readFileSync(module));
  if (size[1] !== 1 || size[2] !== 1) throw new Error("workgroups of several dimensions are not translated");
  const threads = size[0];
  const source = translateMetal(readFileSync(join(folder, `${kernel.file}.metal`), "utf8"), threads, zeroed);
  const { statistics, sass } = await compile(gpu, source);
  const blocks = parseSass(sass);
  const instructions = blocks.reduce((sum, block) => sum + block.instructions.length, 0);
  return {
    ...statistics,
    ...analyse(blocks, countSassLoads, fmaATurn(kernel.constants, threads)),
    threads,
    warps: residentWarps(gpu, statistics, threads),
    size: 16 * instructions,
  };
}

const execute = promisify(execFile);

async function compile(gpu: string, source: string): Promise<{ statistics: Statistics; sass: string }> {
  const hash = createHash("sha256")
    .update(gpu)
    .update(readFileSync(join(here, "msl.h")))
    .update(source);
  const path = join(store, hash.digest("hex").slice(0, 24));
  const [done, listing] = [`${path}.json`, `${path}.sass`];
  if (existsSync(done))
    return { statistics: JSON.parse(readFileSync(done, "utf8")), sass: readFileSync(listing, "utf8") };
  const [text, binary] = [`${path}.cu`, `${path}.cubin`];
  writeFileSync(text, source);
  const options = [`-I${here}`, "-w", `-arch=${gpu}`, "-use_fast_math", "-cubin", "-Xptxas", "-v", "-o", binary, text];
  const { stderr } = await execute(nvcc, options);
  const { stdout: sass } = await execute(nvdisasm, ["-c", binary], { maxBuffer: 2 ** 28 });
  const statistics = readStatistics(stderr);
  for (const file of [text, binary]) rmSync(file);
  writeFileSync(listing, sass);
  writeFileSync(done, JSON.stringify(statistics));
  return { statistics, sass };
}

/** Parses the output of ptxas -v. */
export function readStatistics(said: string): Statistics {
  const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1] ?? 0);
  return {
    registers: number(/Used (\d+) registers/),
    spills: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
    shared: number(/(\d+) bytes smem/),
  };
}

/** A warp gets registers in units of 256, from a quarter of the SM's; a workgroup takes 1 KiB of memory on top of its own. */
export function residentWarps(gpu: string, { registers, shared }: Statistics, threads: number): number {
  const most = multiprocessors[gpu];
  const warps = Math.ceil(threads / 32);
  const ofWarp = Math.ceil(registers / 8) * 256;
  const byRegisters = Math.floor((Math.floor(16384 / ofWarp) * 4) / warps);
  const byMemory = shared ? Math.floor(most.shared / (Math.ceil((shared + 1024) / 128) * 128)) : most.workgroups;
  return Math.min(Math.floor(most.warps / warps), most.workgroups, byRegisters, byMemory) * warps;
}
