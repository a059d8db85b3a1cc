// Installs Dawn, Chrome's WebGPU, from the npm package webgpu where that is installed: for the command line in Node, which has no
// WebGPU of its own, and for src/bench/machine/dawn.mjs in place of Deno's.

import type { Device } from "../index.ts";
import { UsageError } from "./command.ts";

/** The package's exports. Its own types contradict TypeScript's. */
interface Dawn {
  create(options: string[]): GPU;
  /** Classes such as GPUDevice, by name. */
  globals: Record<string, unknown>;
}

/** A host's WebGPU, with its enabled toggles where it was made here. */
type HostGpu = GPU & { dawnToggles?: readonly string[] };

const host = globalThis as { navigator?: { gpu?: HostGpu } };

/**
 * Toggles for mixed precision: access to matrix units, which is still experimental, and half precision on NVIDIA's Vulkan driver,
 * where Dawn disables it by default.
 */
const TOGGLES = ["allow_unsafe_apis", "vulkan_enable_f16_on_nvidia"];

/**
 * Makes Dawn the `navigator.gpu`, with further toggles enabled. Returns a function that undoes this, since the process does not
 * end while anything refers to the package's GPU; undefined where the package is not installed.
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
 * Runs `work` with a `navigator.gpu`: the host's own, or the package's, or none where there is neither.
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

/** The enabled toggles of Dawn, where a device is the package's; must be called inside `withGpu`. */
export function describeDawn({ backend }: Device): { toggles: readonly string[] } | undefined {
  const toggles = host.navigator?.gpu?.dawnToggles;
  return backend === "webgpu" && toggles ? { toggles } : undefined;
}

async function importDawn(): Promise<Dawn | undefined> {
  // The name is in a variable, so that bundlers leave the package out of the build.
  const name = "webgpu";
  try {
    return await import(/* @vite-ignore */ name);
  } catch {
    return undefined;
  }
}
