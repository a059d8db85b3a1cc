// Finds a WebGPU adapter and requests all that it offers, or takes the page's GPUDevice; accepts it only after it has computed a known
// answer.

import { DeviceError, DeviceLostError } from "../../errors.ts";
import { within } from "../../host/patience.ts";
import type { DeviceInfo } from "../device.ts";
import { checkDevice } from "../known-answer.ts";
import type { DeviceOptions } from "../request.ts";
import { describeAdapter, findAdapter, type Offer } from "./adapter-info.ts";
import { WebGPUDevice } from "./device.ts";
import { findMatrixUnits, MATRIX_FEATURE } from "./matrix-units.ts";

/** The least that kernels need. Every adapter has it, except some of OpenGL ES. */
const neededLimits = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
} as const;

/** The limits that should be as large as the adapter allows. */
const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

const wantedFeatures = ["timestamp-query", "shader-f16", "subgroups"] as const;

/** What users can do if there is no adapter. */
const ADVICE =
  "in a browser, check chrome://gpu or about:support; in Node and Bun, use the npm package webgpu; in Deno on " +
  "Linux, install a Vulkan driver (mesa-vulkan-drivers has a software one)";

/** Adapters and devices are there within moments, or after the driver's start. */
const PATIENCE_SECONDS = 60;

export interface WebGPUOptions extends Omit<DeviceOptions, "backend" | "signal"> {
  /** Whether to accept an adapter that computes on the processor. */
  acceptSoftware?: boolean;
  /** Whether to use matrix units if there are any. */
  acceptMatrixUnits?: boolean;
}

const refusal = (message: string) => new DeviceError(message, { backend: "webgpu" });

/** @throws DeviceError that begins with `failure`, also where the host gives no answer, because its GPU process hangs */
async function answerOf<Answer>(ask: () => Promise<Answer>, failure: string): Promise<Answer> {
  try {
    return await within(PATIENCE_SECONDS, ask());
  } catch (error) {
    const { message, name } = error as Error;
    // Browsers refuse without a word, too.
    throw refusal(`${failure}: ${message || name}`);
  }
}

/**
 * Returns a WebGPU device that has passed its check.
 * @throws DeviceError if the host has no WebGPU, no adapter, or only one that computes wrong results; DeviceLostError
 */
export async function requestWebGPUDevice(options: WebGPUOptions = {}): Promise<WebGPUDevice> {
  const { threads, maxBindingBytes = Number.POSITIVE_INFINITY, maxMemoryBytes, acceptSoftware = true } = options;
  const { precision = "float32", gradientPrecision, acceptMatrixUnits = true, gpuDevice } = options;
  const given = gpuDevice as GPUDevice | undefined;
  const adapter: Offer = given ? offerOf(given) : await requestAdapter();
  const requiredLimits: Record<string, number> = { ...neededLimits };
  for (const name of wantedLimits) {
    const value = adapter.limits[name];
    if (value !== undefined) requiredLimits[name] = value;
  }
  const requiredFeatures: string[] = wantedFeatures.filter((feature) => adapter.features.has(feature));
  const matrixUnits = precision === "mixed" && acceptMatrixUnits ? findMatrixUnits(adapter) : undefined;
  if (matrixUnits) requiredFeatures.push(MATRIX_FEATURE);
  const described = describeAdapter(adapter);
  const { description, software } = described;
  const what = given ? `the given GPUDevice of ${description}` : `the adapter ${description}`;
  if (software && !acceptSoftware) {
    throw refusal(`${what} computes on the processor`);
  }
  for (const [name, least] of Object.entries(neededLimits)) {
    const most = adapter.limits[name as keyof typeof neededLimits];
    if (most < least)
      throw refusal(
        `${what} has a ${name} of ${most}, and kernels need ${least}${given ? ": request it with that limit" : ""}`,
      );
  }
  if (precision === "mixed" && !requiredFeatures.includes("shader-f16")) {
    throw new DeviceError(`${what} has no half precision (the feature shader-f16): leave precision out`, {
      backend: "webgpu",
      precision,
    });
  }
  const requestDevice = () =>
    (adapter as GPUAdapter).requestDevice({ requiredFeatures: requiredFeatures as GPUFeatureName[], requiredLimits });
  const gpu = given ?? (await answerOf(requestDevice, `${what} gave no device`));

  const info: DeviceInfo = {
    ...described,
    precision,
    ...(gradientPrecision === "half" && { gradientPrecision }),
    ...(matrixUnits && { matrixUnits }),
    maxBindingBytes: Math.floor(Math.min(gpu.limits.maxStorageBufferBindingSize, maxBindingBytes) / 256) * 256,
    maxBufferBytes: gpu.limits.maxBufferSize,
    ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
    features: requiredFeatures,
  };
  const device = new WebGPUDevice(gpu, info, threads, given !== undefined);
  try {
    await checkDevice(device, what);
  } catch (error) {
    // Access to matrix units is an experiment that changes from version to version.
    if (matrixUnits && !(error instanceof DeviceLostError))
      return requestWebGPUDevice({ ...options, acceptMatrixUnits: false });
    throw error;
  }
  return device;
}

/** @throws DeviceError if the host has no WebGPU, or no adapter */
async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu) throw refusal(`this host has no WebGPU: ${ADVICE}`);
  const adapter = await answerOf(() => findAdapter(gpu), `this host's WebGPU fails (${ADVICE})`);
  if (adapter) return adapter;
  throw refusal(`this host has WebGPU but offers no adapter: ${ADVICE}`);
}

/** What a device was given of its adapter. Older hosts do not tell of which adapter it is. */
const offerOf = ({ features, limits, adapterInfo }: GPUDevice): Offer => ({ features, limits, info: adapterInfo });
