// WebGPU for the command line in Node, which has none of its own: from the npm package webgpu (Dawn), where it is installed.

/** What the package exports. Its own types contradict TypeScript's. */
interface Dawn {
  create(options: string[]): GPU;
  /** Classes such as GPUDevice, by name. */
  globals: Record<string, unknown>;
}

/**
 * Half precision on NVIDIA's Vulkan driver, where Dawn leaves it off, and what is still an experiment: access to matrix
 * units. Both serve mixed precision.
 */
const OPTIONS = ["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia"];

/** Runs `work` with a `navigator.gpu`: the host's own, or that of the package. Without either it finds none. */
export async function withGpu<T>(work: () => Promise<T>): Promise<T> {
  const host = globalThis as { navigator?: { gpu?: GPU } };
  const dawn = host.navigator?.gpu ? undefined : await importDawn();
  if (!dawn) return work();
  Object.assign(globalThis, dawn.globals);
  // Node has a navigator from version 21 on.
  const added = host.navigator === undefined;
  if (added) Object.defineProperty(host, "navigator", { value: {}, configurable: true });
  Object.defineProperty(host.navigator, "gpu", { value: dawn.create(OPTIONS), configurable: true });
  try {
    return await work();
  } finally {
    // Node does not end as long as something refers to the package's GPU.
    delete host.navigator!.gpu;
    if (added) delete host.navigator;
  }
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
