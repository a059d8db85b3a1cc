// A device that is lost while a call waits: the call gives its numbers, or the error that says so; never another error.

import { type Device, DeviceLostError, linear, requestDevice, Tensor } from "erwin";
import { afterEach, expect, test } from "vitest";

let device: Device;
afterEach(() => device.dispose());

const lose = () => (device as unknown as { gpu: GPUDevice }).gpu.destroy();
/** After so many turns of the event loop's microtasks, or of its timers. */
const delays: [string, () => Promise<unknown>][] = [
  ["at once", () => Promise.resolve()],
  [
    "microtasks later",
    async () => {
      for (let i = 0; i < 5; i++) await undefined;
    },
  ],
  ["a moment later", () => new Promise((resolve) => setTimeout(resolve))],
];

test.each(delays)("while data() waits, %s", async (_, delay) => {
  device = await requestDevice({ backend: "webgpu" });
  const numbers = Float32Array.of(1, 2, 3);
  const reading = Tensor.from(device, numbers).data();
  await delay();
  lose();
  const found = await reading.catch((error: unknown) => error);
  if (found instanceof Float32Array) expect(found).toEqual(numbers);
  else expect(found).toBeInstanceOf(DeviceLostError);
  await expect(Promise.resolve().then(() => Tensor.from(device, numbers).data())).rejects.toBeInstanceOf(
    DeviceLostError,
  );
});

test("while data() waits, on a host that reports the loss much later", async () => {
  device = await requestDevice({ backend: "webgpu" });
  const { gpu } = device as unknown as { gpu: GPUDevice };
  const { createBuffer } = gpu;
  gpu.createBuffer = (description) =>
    Object.assign(createBuffer.call(gpu, description), {
      mapAsync: () => Promise.reject(new DOMException("Buffer unmapped", "AbortError")),
    });
  const numbers = new Float32Array(1000);
  const reading = Tensor.from(device, numbers).data();
  await expect(reading).rejects.toBeInstanceOf(DeviceLostError);
  expect(await device.lost).toBe(await reading.catch((error: unknown) => error));
});

test("when it reports an error of a call before it reports its loss", async () => {
  device = await requestDevice({ backend: "webgpu" });
  const { gpu } = device as unknown as { gpu: GPUDevice };
  const error = { message: "Buffer with '' label is invalid" };
  gpu.dispatchEvent(Object.assign(new Event("uncapturederror"), { error }));
  lose();
  const reading = Promise.resolve().then(() => Tensor.from(device, Float32Array.of(1, 2, 3)).data());
  await expect(reading).rejects.toBeInstanceOf(DeviceLostError);
});

test.each(delays)("while a kernel is compiled, %s", async (_, delay) => {
  device = await requestDevice({ backend: "webgpu" });
  const [x, weight] = [new Float32Array(50), new Float32Array(35)];
  const product = linear(Tensor.from(device, x, [10, 5]), Tensor.from(device, weight, [7, 5]));
  const reading = product.data();
  await delay();
  lose();
  const found = await reading.catch((error: unknown) => error);
  if (found instanceof Float32Array) expect(found).toEqual(new Float32Array(70));
  else expect(found).toBeInstanceOf(DeviceLostError);
});
