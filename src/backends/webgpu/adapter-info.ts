// Finds an adapter, and tells what is known of it before a device is requested from it.

/**
 * Returns the host's adapter, or null. Where Chrome has none of Vulkan, Metal or Direct3D 12, as on many Android devices, it may have
 * one of OpenGL ES, but only for those who ask for what it calls the compatibility mode. Other hosts do not know that name.
 */
export async function findAdapter(gpu: GPU): Promise<GPUAdapter | null> {
  const options = { powerPreference: "high-performance" } as const;
  const compatible = { ...options, featureLevel: "compatibility" };
  return (await gpu.requestAdapter(options)) ?? gpu.requestAdapter(compatible);
}

/**
 * The GPUs whose threads have 255 or 256 registers of 32 bits: NVIDIA's and AMD's, by name or by PCI's number (Deno). Intel's,
 * Apple's and Qualcomm's have 128 or little more, ARM's fewer. One that tells nothing (Firefox) is taken for one of these: kernels
 * for few registers lose a tenth on a large GPU, the others take several times as long on a small one.
 */
const MANY_REGISTERS = /nvidia|geforce|amd|radeon|^4318 |^4098 /i;

/** What an adapter offers, or a device of it has. */
export type Offer = Pick<GPUAdapter, "features" | "limits" | "info">;

/** Describes an adapter. Hosts differ in how much they reveal of it: Firefox tells nothing but whether it is a software adapter. */
export function describeAdapter({ info, features }: Offer) {
  const known: Partial<GPUAdapterInfo> = info ?? {};
  const { vendor = "", architecture = "", subgroupMinSize, subgroupMaxSize } = known;
  // Chrome reveals only vendor and architecture.
  const name = known.description || known.device || `${vendor} ${architecture}`.trim();
  // Older hosts do not have isFallbackAdapter, or deny it, as Deno before 2.9 of llvmpipe.
  const software = known.isFallbackAdapter || /llvmpipe|swiftshader/i.test(name);
  const description = name || (software ? "software adapter" : "unnamed GPU");
  const fewRegisters = !software && !MANY_REGISTERS.test(`${vendor} ${description}`);
  const hasOneSize = features.has("subgroups") && subgroupMinSize === subgroupMaxSize;
  const named = { description, vendor, architecture, software, fewRegisters };
  return { ...named, ...(hasOneSize && { subgroupSize: subgroupMinSize }) };
}
