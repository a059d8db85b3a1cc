// A device that is lost while a call waits: the call gives its numbers, or the error that says so; never another error.

import { type Device, DeviceLostError, DisposedError, linear, requestDevice, Tensor } from "erwin";
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

test.each([
  ["lost", DeviceLostError, lose],
  ["disposed of", DisposedError, () => device.dispose()],
] as const)("while gradients wait to be added up, it is %s", async (_, expected, end) => {
  device = await requestDevice({ backend: "webgpu" });
  using x = Tensor.from(device, new Float32Array(300).fill(1), [100, 3]);
  const gradients = device.allocate(512);
  const into = { weight: { storage: gradients.slice(0, 36), accumulate: false } };
  const weight = device.allocate(36);
  const shape = { rows: 100, columns: 3, inner: 3 };
  device.operators.linearBackward({ gradient: x.storage, x: x.storage, weight, into, ...shape });
  end();
  const found = await device.read(gradients, 36).catch((error: unknown) => error);
  expect(found).toBeInstanceOf(expected);
  // Releases and reuse after the end are no errors.
  device.release(gradients);
  device.trim();
});
