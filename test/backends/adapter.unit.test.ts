// What is said of a host whose WebGPU fails or never answers.

import { afterEach, expect, test, vi } from "vitest";
import { requestWebGPUDevice } from "../../src/backends/webgpu/adapter.ts";
import { describeAdapter } from "../../src/backends/webgpu/adapter-info.ts";
import { DeviceError } from "../../src/errors.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const failureOf = (requestAdapter: (asked: { featureLevel?: string }) => unknown) => {
  vi.stubGlobal("navigator", { gpu: { requestAdapter } });
  return requestWebGPUDevice().catch((error: unknown) => error);
};
const adapter = { info: { device: "Voodoo" }, features: new Set(), limits: {} };

test("an adapter or a device that is refused is a device error, so that another device can be taken", async () => {
  const refuse = () => Promise.reject(new DOMException("GPU access is disabled", "OperationError"));
  const refuseWordlessly = () => Promise.reject(new DOMException("", "OperationError"));
  const forbid = () => {
    throw new TypeError("blocked");
  };
  for (const [requestAdapter, message] of [
    [refuse, /this host's WebGPU fails \(.*chrome:\/\/gpu.*\): GPU access is disabled/],
    [forbid, /this host's WebGPU fails \(.*\): blocked/],
    [async () => ({ ...adapter, requestDevice: refuse }), /the adapter Voodoo gave no device: GPU access is disabled/],
    [
      async () => ({ ...adapter, requestDevice: refuseWordlessly }),
      /the adapter Voodoo gave no device: OperationError/,
    ],
  ] as const) {
    const error = await failureOf(requestAdapter);
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as DeviceError).message).toMatch(message);
  }
});

test("an adapter is a software adapter if the host says so, as Firefox does of lavapipe, or by its name", async () => {
  const named = async (isFallbackAdapter: boolean, acceptSoftware: boolean, description = "") => {
    const info = { vendor: "", architecture: "", device: "", description };
    const requestAdapter = async () => ({
      ...adapter,
      info: { ...info, isFallbackAdapter },
      requestDevice: async () => {
        throw new Error("busy");
      },
    });
    vi.stubGlobal("navigator", { gpu: { requestAdapter } });
    return requestWebGPUDevice({ acceptSoftware }).catch(({ message }: Error) => message);
  };
  expect(await named(true, false)).toBe("the adapter software adapter computes on the processor");
  expect(await named(true, true)).toBe("the adapter software adapter gave no device: busy");
  expect(await named(false, false)).toBe("the adapter unnamed GPU gave no device: busy");
  const llvmpipe = "llvmpipe (LLVM 15.0.6, 256 bits)";
  expect(await named(false, false, llvmpipe)).toBe(`the adapter ${llvmpipe} computes on the processor`);
});

test("an adapter of OpenGL ES that allows less than kernels need is refused, and the error says how much they need", async () => {
  const info = { vendor: "", architecture: "", device: "", description: "" };
  const compatible = { ...adapter, info, limits: { maxComputeInvocationsPerWorkgroup: 128 } };
  // As Chrome on a device without Vulkan: there is an adapter only for those who ask for this mode.
  const error = await failureOf(async (asked: { featureLevel?: string }) =>
    asked.featureLevel === "compatibility" ? compatible : null,
  );
  expect(error).toBeInstanceOf(DeviceError);
  expect((error as DeviceError).message).toBe(
    "the adapter unnamed GPU has a maxComputeInvocationsPerWorkgroup of 128, and kernels need 256",
  );
});

test.each([
  ["Chrome", { vendor: "nvidia", architecture: "ampere" }, false],
  ["Chrome", { vendor: "amd", architecture: "rdna-3" }, false],
  ["Chrome", { vendor: "intel", architecture: "gen-12lp" }, true],
  ["Chrome", { vendor: "qualcomm", architecture: "adreno-6xx" }, true],
  ["Deno", { vendor: "4318", device: "9013", description: "NVIDIA H200" }, false],
  ["Deno", { vendor: "4098", device: "29772", description: "AMD Radeon RX 7900 XTX (RADV NAVI31)" }, false],
  ["Deno", { vendor: "32902", device: "39497", description: "Intel(R) Iris(R) Xe Graphics (TGL GT2)" }, true],
  ["Safari", { vendor: "apple", architecture: "common-3" }, true],
  ["Firefox, which tells nothing", {}, true],
])("%s: threads of %o have few registers: %s", (_, info, few) => {
  const adapter = { info: { vendor: "", architecture: "", device: "", description: "", ...info }, features: new Set() };
  expect(describeAdapter(adapter as unknown as GPUAdapter).fewRegisters).toBe(few);
});

test("a GPU process that hangs is waited for a minute, and no longer", async () => {
  vi.useFakeTimers();
  const hang = () => new Promise(() => {});
  for (const requestAdapter of [hang, async () => ({ ...adapter, requestDevice: hang })]) {
    const error = failureOf(requestAdapter);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await error).toBeInstanceOf(DeviceError);
    expect(((await error) as DeviceError).message).toContain("no answer for 60 s");
  }
  expect(vi.getTimerCount()).toBe(0);
});
