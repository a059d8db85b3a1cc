// Installs the compilers and drivers that the profile needs, none of which is the project's own.
//
// apt-get installs on this machine: a C++ compiler (which NVIDIA's calls), Vulkan's headers, Python with pip. debootstrap puts
// into the cache folder: Debian 13 with Mesa (RADV's null device, and a lavapipe that dumps SPIR-V) and SPIRV-Cross. pip unpacks
// there, too: NVIDIA's compiler, and the disassembler that Triton carries.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { type DebianRoot, inRoot, prepareRoot, userCache } from "../../build/debian-root.mjs";
import { CommandError, run } from "../../build/run.mjs";
import { aptGetInstall } from "../../build/setup.mjs";
import { root } from "../../build/steps.mjs";
import { prepareMesaParts } from "./mesa-parts.ts";

/** The folder of all these tools and of the compilers' output: 0.8 GB. */
export const cacheFolder = resolve(process.env.STATIC_PROFILE_CACHE || join(userCache, "static-profile"));
const tools = join(cacheFolder, "tools");

const debian: DebianRoot = {
  suite: "trixie",
  purpose: "static-profile",
  size: "two minutes, 430 MB",
  packages: ["mesa-vulkan-drivers", "libvulkan1", "spirv-cross"],
  folder: join(tools, "trixie"),
};

/** The system's requirements: how to check each, and Debian's packages that provide it. */
const needs: { there: () => boolean; packages: string[] }[] = [
  { there: () => succeeds("g++", "--version"), packages: ["g++"] },
  { there: () => existsSync("/usr/include/vulkan/vulkan.h"), packages: ["libvulkan-dev"] },
  { there: () => succeeds("python3", "-m", "pip", "--version"), packages: ["python3", "python3-pip"] },
];

const cuda = join(tools, "cuda");
const WHEELS = [
  "nvidia-cuda-nvcc==13.0.88",
  "nvidia-cuda-crt==13.0.88",
  "nvidia-nvvm==13.0.88",
  "nvidia-cuda-runtime==13.0.96",
  "nvidia-cuda-cccl==13.0.85",
];
/** A large package, of which only nvdisasm is kept. */
const TRITON = "triton==3.6.0";
const DISASSEMBLER = "triton/backends/nvidia/bin/nvdisasm";

export const nvcc = join(cuda, "nvidia/cu13/bin/nvcc");
export const nvdisasm = join(cuda, DISASSEMBLER);
/** This file is written last, so a folder that has it is complete. */
const complete = join(cuda, ".complete");

/** Installs the tools that are missing. */
export async function prepareTools(): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64" || process.getuid?.() !== 0) {
    throw new CommandError("profiling the kernels (be root on Linux with an x86-64 processor)", null);
  }
  const packages = needs.filter(({ there }) => !there()).flatMap((need) => need.packages);
  if (packages.length > 0) await aptGetInstall(packages);
  await prepareRoot(debian);
  if (!existsSync(complete)) installCuda();
}

/** The parts of Mesa that Intel's and Qualcomm's GPUs need; they are built when they are asked for. */
export const mesaParts = () =>
  prepareMesaParts(join(tools, "mesa"), { suite: debian.suite, folder: join(tools, "mesa-builder") });

function installCuda() {
  console.log(`static profile: downloading NVIDIA's compiler into ${cuda} by pip (once; 280 MB)`);
  const unpacked = join(tools, "triton");
  for (const folder of [cuda, unpacked]) rmSync(folder, { recursive: true, force: true });
  unpack(cuda, WHEELS);
  unpack(unpacked, [TRITON]);
  cpSync(join(unpacked, DISASSEMBLER), nvdisasm);
  rmSync(unpacked, { recursive: true });
  writeFileSync(complete, "");
}

/** Unpacks packages of Python's registry into a folder that no Python imports from. */
function unpack(folder: string, packages: string[]) {
  const options = [
    "--quiet",
    "--retries",
    "1",
    "--no-deps",
    "--no-compile",
    "--only-binary",
    ":all:",
    "--root-user-action",
    "ignore",
  ];
  run("python3", ["-m", "pip", "install", ...options, "--target", folder, ...packages]);
}

function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** Builds vkstat.c, which passes SPIR-V to a Vulkan driver. */
export function buildStatistics(program: string) {
  run("g++", ["-x", "c", "-O2", "-o", program, join(root, "src/bench/static/vkstat.c"), "-lvulkan"]);
}

/**
 * Returns the output of a program in the Debian folder, where it can read the project and the cache folder. A failure is reported,
 * and the output up to it is returned.
 */
export function readInDebian(environment: Record<string, string>, command: string[]): string {
  mkdirSync(cacheFolder, { recursive: true });
  const settings = Object.entries({ NO_COLOR: "1", MESA_SHADER_CACHE_DISABLE: "1", HOME: "/tmp", ...environment });
  const words = ["env", ...settings.map(([name, value]) => `${name}=${value}`), ...command];
  const [program, ...args] = inRoot(debian, [root, cacheFolder], words);
  const { stdout, stderr, status, error } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 2 ** 30 });
  if (error) throw error;
  if (status !== 0) console.error(`${command[0]} ended with ${status}: ${stderr.slice(-2000).trim()}`);
  return stdout;
}
