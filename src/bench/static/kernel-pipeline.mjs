// How kernels are compiled one by one, on all hosts whose compilers are looked at.

/**
 * Requests a device with what the kernels ask for, as far as the adapter has it.
 * @param {GPUAdapter} adapter
 */
export function requestDeviceFor(adapter) {
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = adapter.limits;
  /** @type {GPUFeatureName[]} */
  const features = ["shader-f16", "subgroups"];
  return adapter.requestDevice({
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxBufferSize,
      maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: Math.min(maxStorageBuffersPerShaderStage, 10),
      maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup,
    },
  });
}

/** GPUShaderStage.COMPUTE, which TypeScript's own types lack. */
const visibility = 4;

/**
 * Creates a kernel's pipeline; an error is in the device's error scopes.
 * @param {GPUDevice} device
 * @param {Pick<import("./record.ts").Kernel, "code" | "bindings">} kernel
 */
export function createPipeline(device, { code, bindings }) {
  /** @type {GPUBindGroupLayoutEntry[]} */
  const entries = [
    { binding: 0, visibility, buffer: { type: "uniform", hasDynamicOffset: true } },
    ...bindings.map(({ binding, access }) => {
      /** @type {GPUBufferBindingType} */
      const type = access === "read" ? "read-only-storage" : "storage";
      return { binding, visibility, buffer: { type } };
    }),
  ];
  const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
  return device.createComputePipeline({
    layout,
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
}
