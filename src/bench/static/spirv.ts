// From WGSL to SPIR-V as hosts make it, and what a SPIR-V module says of itself.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { denoProgram } from "../../build/deno.mjs";
import { root } from "../../build/steps.mjs";
import type { Kernel } from "./record.ts";
import { readInDebian } from "./tools.ts";

/** A kernel with a name for its files. */
export interface NamedKernel extends Kernel {
  file: string;
}

/**
 * What translates WGSL, by options of src/bench/machine/dawn.mjs where it is Tint (Chrome, Node); naga is Deno's and Firefox's. The last leaves out
 * Tint's own bound checks, to see what they cost.
 */
export const frontEnds: Record<string, readonly string[] | undefined> = {
  naga: undefined,
  tint: [],
  "tint-norobust": ["--dawn-features", "disable_robustness"],
};

/** Writes FILE.spv of each kernel that the front end accepts into a folder, which is made anew; gives what it says of the others. */
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

/** The size of its workgroups, and whether a variable of their memory has an initializer (zeros: WGSL's rule). */
export function describeSpirv(bytes: Uint8Array): { size: number[]; zeroed: boolean } {
  const words = new Uint32Array(bytes.slice().buffer);
  if (words[0] !== MAGIC) throw new Error("this is no SPIR-V module");
  let size: number[] = [];
  let zeroed = false;
  for (let at = 5; at < words.length; at += Math.max(words[at]! >>> 16, 1)) {
    const [op, length] = [words[at]! & 0xffff, words[at]! >>> 16];
    if (op === OP_EXECUTION_MODE && words[at + 2] === LOCAL_SIZE) size = [...words.subarray(at + 3, at + 6)];
    if (op === OP_VARIABLE && words[at + 3] === WORKGROUP && length === 5) zeroed = true;
  }
  return { size, zeroed };
}
