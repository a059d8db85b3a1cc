// A device on the page's own GPUDevice: copies between their buffers, errors of either, and what is left after dispose().

import {
  ConfigError,
  type Device,
  DeviceLostError,
  ErwinError,
  InputError,
  linear,
  requestDevice,
  Tensor,
} from "erwin";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { rejection } from "../support/rejection.ts";

/** Values of GPUBufferUsage, which not every host has as a global. */
const [MAP_READ, COPY_SRC, COPY_DST, STORAGE] = [1, 4, 8, 128];
/** Those of WebGPU by default, of which devices of OpenGL ES get less unless they ask. */
const requiredLimits = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256 };
/** Every buffer begins with 8 bytes that are not the tensor's. */
const offset = 8;
const x = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const weight = Float32Array.of(1, 0, -1, 0.5, 2, 0.5, 0.25, 0, 0, 0, 0, 1, 1, 1, 1, 1);
const product = [0, 3.75, 4, 10, 2, 14.75, 8, 26];

/** An adapter of OpenGL ES is offered only to those who ask for it. */
async function requestPageDevice(): Promise<GPUDevice> {
  const { gpu } = navigator;
  const compatible: object = { featureLevel: "compatibility" };
  const adapter = (await gpu.requestAdapter()) ?? (await gpu.requestAdapter(compatible));
  return adapter!.requestDevice({ requiredLimits });
}

/** The page's, and the device on it. */
let gpuDevice: GPUDevice;
let device: Device;
/** Errors that the page hears of. */
let heard: string[];

beforeEach(async () => {
  gpuDevice = await requestPageDevice();
  heard = [];
  gpuDevice.addEventListener("uncapturederror", (event) => {
    event.preventDefault?.();
    heard.push((event as GPUUncapturedErrorEvent).error.message);
  });
  device = await requestDevice({ gpuDevice, threads: 1 });
});

afterEach(() => {
  device.dispose();
  gpuDevice.destroy();
});

function pageBuffer(usage = STORAGE | COPY_SRC | COPY_DST, on = gpuDevice): GPUBuffer {
  return on.createBuffer({ size: offset + x.byteLength, usage });
}

/** The numbers in a buffer of the page's, by work that the page submits. */
async function contentOf(buffer: GPUBuffer): Promise<number[]> {
  const readback = gpuDevice.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = gpuDevice.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, readback, 0, buffer.size);
  gpuDevice.queue.submit([encoder.finish()]);
  await readback.mapAsync(MAP_READ);
  return [...new Float32Array(readback.getMappedRange().slice(0))];
}

/** What the device computes of the numbers in a tensor of the shape [2, 4]. */
const multiplied = (input: Tensor): Tensor => linear(input, Tensor.from(device, weight, [4, 4]));

test("what the page has in a buffer is computed with, and the result is in a buffer when the page's next work runs", async () => {
  const [from, to] = [pageBuffer(), pageBuffer()];
  gpuDevice.queue.writeBuffer(from, offset, x);
  gpuDevice.queue.writeBuffer(to, 0, Float32Array.of(-1, -2));
  const input = Tensor.from(device, new Float32Array(8), [2, 4]);
  await input.copyFrom(from, { offset });
  await multiplied(input).copyTo(to, { offset });
  expect(await contentOf(to)).toEqual([-1, -2, ...product]);
  expect(heard).toEqual([]);
  expect(device.info.software).toBe(true);
});

test("errors of the page are not the device's, and errors of the device are not the page's", async () => {
  pageBuffer(MAP_READ | STORAGE);
  const input = Tensor.from(device, x, [2, 4]);
  expect([...(await multiplied(input).data())]).toEqual(product);
  await vi.waitFor(() => expect(heard).toHaveLength(1), { timeout: 60_000 });
  (input.storage as unknown as { buffer: GPUBuffer }).buffer.destroy();
  const error = await rejection(multiplied(input).data());
  expect(error).toBeInstanceOf(ErwinError);
  expect(error.message).toContain("the device reported an error");
  expect(heard).toHaveLength(1);
});

test("dispose() frees the device's memory, and the page goes on with its own", async () => {
  const made = vi.spyOn(gpuDevice, "createBuffer");
  using other = await requestDevice({ gpuDevice, threads: 1 });
  const kept = Tensor.from(other, x, [2, 4]);
  Tensor.from(other, x).dispose();
  await kept.data();
  const buffers = made.mock.results.map(({ value }) => vi.spyOn(value as GPUBuffer, "destroy"));
  expect(buffers.length).toBeGreaterThan(2);
  other.dispose();
  for (const destroyed of buffers) expect(destroyed).toHaveBeenCalled();
  made.mockRestore();
  const buffer = pageBuffer();
  gpuDevice.queue.writeBuffer(buffer, offset, x);
  expect(await contentOf(buffer)).toEqual([0, 0, ...x]);
  expect([...(await multiplied(Tensor.from(device, x, [2, 4])).data())]).toEqual(product);
});

test("a buffer that cannot take the numbers is refused, and the device works on", async () => {
  const input = Tensor.from(device, x, [2, 4]);
  const elsewhere = await requestPageDevice();
  const destroyed = pageBuffer();
  destroyed.destroy();
  for (const [copy, message] of [
    [() => input.copyTo({} as GPUBuffer), "to a GPUBuffer, not Object"],
    [() => input.copyTo(pageBuffer(COPY_SRC)), "made without GPUBufferUsage.COPY_DST"],
    [() => input.copyFrom(pageBuffer(COPY_DST)), "made without GPUBufferUsage.COPY_SRC"],
    [() => input.copyTo(pageBuffer(), { offset: 12 }), "buffer of 40 bytes has room for the tensor's 32, not 12"],
    [() => input.copyTo(pageBuffer(), { offset: 2 }), "a multiple of 4"],
    [() => input.copyTo(pageBuffer(), { offset: -4 }), "a multiple of 4"],
    [() => input.copyTo(destroyed), "the GPU could not copy to the buffer"],
    [() => input.copyFrom(pageBuffer(undefined, elsewhere)), "the GPU could not copy from the buffer"],
  ] as const) {
    const error = await rejection(copy());
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain(message);
  }
  elsewhere.destroy();
  expect([...(await multiplied(input).data())]).toEqual(product);
  expect(heard).toEqual([]);
});

test("a device that shares nothing has no way to the page's buffers", async () => {
  using alone = await requestDevice({ backend: "cpu", threads: 1 });
  await expect(Tensor.from(alone, x).copyTo(pageBuffer())).rejects.toThrow("requestDevice({ gpuDevice })");
  await expect(requestDevice({ gpuDevice, backend: "cpu" })).rejects.toThrow(ConfigError);
  await expect(requestDevice({ gpuDevice: null as never })).rejects.toThrow("gpuDevice must be a GPUDevice");
});

test("when the page destroys its GPUDevice, calls say that it was lost", async () => {
  const input = Tensor.from(device, x, [2, 4]);
  gpuDevice.destroy();
  expect(await device.lost).toBeInstanceOf(DeviceLostError);
  expect(() => multiplied(input)).toThrow(DeviceLostError);
  await rejection(input.copyTo(pageBuffer()), DeviceLostError);
});
