// What is known of an adapter before a device is requested from it.

/** Describes an adapter. Hosts differ in how much they reveal of it: Firefox tells nothing but whether it is a software adapter. */
export function describeAdapter({ info, features }: GPUAdapter) {
  const known: Partial<GPUAdapterInfo> = info ?? {};
  const { vendor = "", architecture = "", subgroupMinSize, subgroupMaxSize } = known;
  // Chrome reveals only vendor and architecture.
  const name = known.description || known.device || `${vendor} ${architecture}`.trim();
  // Older hosts do not have isFallbackAdapter, or deny it, as Deno before 2.9 of llvmpipe.
  const software = known.isFallbackAdapter || /llvmpipe|swiftshader/i.test(name);
  const description = name || (software ? "software adapter" : "unnamed GPU");
  const hasOneSize = features.has("subgroups") && subgroupMinSize === subgroupMaxSize;
  return { description, vendor, architecture, software, ...(hasOneSize && { subgroupSize: subgroupMinSize }) };
}
