// Translates WGSL to SPIR-V as hosts do, and reads facts from a SPIR-V module.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { denoProgram } from "../../build/deno.mjs";
import { root } from "../../build/steps.mjs";
import type { Kernel } from "./record.ts";
import { readInDebian } from "./tools.ts";

/** A kernel with the name of its files. */
export interface NamedKernel extends Kernel {
  file: string;
}

/**
 * The front ends that translate WGSL: naga is Deno's and Firefox's, Tint is Chrome's and Node's, with the options of
 * src/bench/machine/dawn.mjs. The last one leaves out Tint's own bound checks, which shows their cost.
 */
export const frontEnds: Record<string, readonly string[] | undefined> = {
  naga: undefined,
  tint: [],
  "tint-norobust": ["--dawn-features", "disable_robustness"],
};

/** Writes FILE.spv of each kernel that the front end accepts into an emptied folder; returns the errors of the others. */
export function writeSpirv(kernels: readonly NamedKernel[], front: string, folder: string): string[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const list = `${folder}.json`;
  writeFileSync(list, JSON.stringify(kernels));
  const dawn = frontEnds[front];
  const program = [
    ...(dawn ? [join(root, "src/bench/machine/dawn.mjs"), ...dawn] : []),
    join(root, "src/bench/static/pipelines.ts"),
  ];
  const environment: Record<string, string> = {
    VK_DRIVER_FILES: "/usr/share/vulkan/icd.d/lvp_icd.json",
    MESA_SPIRV_DUMP_PATH: folder,
    XDG_RUNTIME_DIR: "/tmp",
    DENO_WEBGPU_BACKEND: "vulkan",
    DENO_NO_UPDATE_CHECK: "1",
  };
  const printed = readInDebian(environment, [denoProgram(), "run", "-A", ...program, list, folder]);
  return printed.split("\n").filter((line) => line !== "");
}

const MAGIC = 0x07230203;
const OP_EXECUTION_MODE = 16;
const OP_VARIABLE = 59;
const LOCAL_SIZE = 17;
const WORKGROUP = 4;

/** Reads the size of a module's workgroups, and whether a variable of their memory has an initializer (zeros, as WGSL requires). */
export function describeSpirv(bytes: Uint8Array): { size: number[]; zeroed: boolean } {
  const words = new Uint32Array(bytes.slice().buffer);
  if (words[0] !== MAGIC) throw new Error("the file is no SPIR-V module");
  let size: number[] = [];
  let zeroed = false;
  for (let at = 5; at < words.length; at += Math.max(words[at] >>> 16, 1)) {
    const [op, length] = [words[at] & 0xffff, words[at] >>> 16];
    if (op === OP_EXECUTION_MODE && words[at + 2] === LOCAL_SIZE) size = [...words.subarray(at + 3, at + 6)];
    if (op === OP_VARIABLE && words[at + 3] === WORKGROUP && length === 5) zeroed = true;
  }
  return { size, zeroed };
}
