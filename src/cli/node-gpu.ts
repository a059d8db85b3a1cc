// Dawn, Chrome's WebGPU, from the npm package webgpu where it is installed: for the command line in Node, which has no WebGPU of
// its own, and for src/bench/machine/dawn.mjs in place of Deno's.

import type { Device } from "../index.ts";
import { UsageError } from "./command.ts";

/** What the package exports. Its own types contradict TypeScript's. */
interface Dawn {
  create(options: string[]): GPU;
  /** Classes such as GPUDevice, by name. */
  globals: Record<string, unknown>;
}

/** A host's WebGPU; with the toggles that were switched on where it was made here. */
type HostGpu = GPU & { dawnToggles?: readonly string[] };

const host = globalThis as { navigator?: { gpu?: HostGpu } };

/**
 * Half precision on NVIDIA's Vulkan driver, where Dawn leaves it off, and what is still an experiment: access to matrix
 * units. Both serve mixed precision.
 */
const TOGGLES = ["allow_unsafe_apis", "vulkan_enable_f16_on_nvidia"];

/**
 * Makes Dawn the `navigator.gpu`, with more of its toggles switched on than usual. Gives what undoes that: the process does not
 * end as long as something refers to the package's GPU. Undefined where the package is not there.
 */
export async function installDawn(more: readonly string[]): Promise<(() => void) | undefined> {
  const dawn = await importDawn();
  if (!dawn) return undefined;
  Object.assign(globalThis, dawn.globals);
  const dawnToggles = [...new Set([...TOGGLES, ...more])];
  const gpu = Object.assign(dawn.create([`enable-dawn-features=${dawnToggles}`]), { dawnToggles });
  // Node has a navigator from version 21 on.
  const added = host.navigator === undefined;
  if (added) Object.defineProperty(host, "navigator", { value: {}, configurable: true });
  const before = Object.getOwnPropertyDescriptor(host.navigator, "gpu");
  Object.defineProperty(host.navigator, "gpu", { value: gpu, configurable: true });
  return () => {
    delete host.navigator!.gpu;
    if (before) Object.defineProperty(host.navigator, "gpu", before);
    if (added) delete host.navigator;
  };
}

/**
 * Runs `work` with a `navigator.gpu`: the one that is there, or that of the package. Without either it finds none.
 * @throws UsageError when more toggles of Dawn are asked for, and WebGPU is not Dawn's from the package
 */
export async function withGpu<T>(work: () => Promise<T>, moreToggles: readonly string[] = []): Promise<T> {
  const found = host.navigator?.gpu;
  const isAsked = moreToggles.length > 0;
  if (isAsked && found && !found.dawnToggles) {
    throw new UsageError("--dawn-features is for WebGPU from the npm package webgpu, and this host has its own");
  }
  if (found && !isAsked) return work();
  const remove = await installDawn(moreToggles);
  if (!remove && isAsked) throw new UsageError("--dawn-features is for the npm package webgpu, which is not installed");
  try {
    return await work();
  } finally {
    remove?.();
  }
}

/** What is switched on in Dawn, where a device is on it by the package; asked for inside `withGpu`. */
export function describeDawn({ backend }: Device): { toggles: readonly string[] } | undefined {
  const toggles = host.navigator?.gpu?.dawnToggles;
  return backend === "webgpu" && toggles ? { toggles } : undefined;
}

async function importDawn(): Promise<Dawn | undefined> {
  // In a variable: the package is no part of the build.
  const name = "webgpu";
  try {
    return await import(/* @vite-ignore */ name);
  } catch {
    return undefined;
  }
}
