// The choice of a device: an adapter is accepted only after it has computed a known answer.

import { ConfigError, DeviceError, requestDevice } from "erwin";
import { afterEach, expect, test } from "vitest";

const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
const { requestAdapter } = GPU.prototype;

afterEach(() => {
  GPUComputePassEncoder.prototype.dispatchWorkgroups = dispatchWorkgroups;
  GPU.prototype.requestAdapter = requestAdapter;
});

/** An adapter that accepts work and does nothing. */
function makeAdapterIdle(): void {
  GPUComputePassEncoder.prototype.dispatchWorkgroups = () => {};
}

function takeAdaptersAway(): void {
  GPU.prototype.requestAdapter = async () => null;
}

test("an adapter that does nothing is refused, and the error says what it computed", async () => {
  makeAdapterIdle();
  const error = await requestDevice({ backend: "webgpu" }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeviceError);
  expect((error as DeviceError).message).toContain("computes wrong results");
  expect((error as DeviceError).details.found).toEqual(new Array(8).fill(0));
});

test("without an adapter the error says what to install", async () => {
  takeAdaptersAway();
  const error = await requestDevice({ backend: "webgpu" }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeviceError);
  expect((error as DeviceError).message).toMatch(/no adapter.*Vulkan/);
});

test.each([
  ["does nothing", makeAdapterIdle],
  ["is missing", takeAdaptersAway],
])("auto takes the processor where the adapter %s", async (_, spoil) => {
  spoil();
  using device = await requestDevice({ threads: 1 });
  expect(device.backend).toBe("cpu");
});

test("a device that has been disposed of is listened to no more, for Firefox would keep its memory", async () => {
  const device = await requestDevice({ backend: "webgpu" });
  const { gpu } = device as unknown as { gpu: GPUDevice };
  const hears = () => {
    const event = new Event("uncapturederror", { cancelable: true });
    return !gpu.dispatchEvent(Object.assign(event, { error: new GPUValidationError("of a test") }));
  };
  expect(hears()).toBe(true);
  device.dispose();
  expect(hears()).toBe(false);
});

test.each([
  [{ backend: "cuda" as "cpu" }, "backend"],
  [{ threads: 0 }, "threads"],
  [{ threads: 10_000 }, "threads"],
  [{ maxBindingBytes: 100 }, "maxBindingBytes"],
])("%o is a config error", async (options, field) => {
  const error = await requestDevice(options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).details.field).toBe(field);
});
