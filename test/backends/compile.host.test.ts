// Kernels are compiled in the background: work waits for them in order, and errors name a kernel that does not compile.

import { add, DeviceError, ErwinTransformer, requestDevice, sin, Tensor } from "erwin";
import { afterEach, expect, test } from "vitest";
import functions from "../../gpu/functions.wgsl?raw";

const { createShaderModule, createComputePipelineAsync } = GPUDevice.prototype;

afterEach(() => {
  GPUDevice.prototype.createShaderModule = createShaderModule;
  GPUDevice.prototype.createComputePipelineAsync = createComputePipelineAsync;
});

test("a kernel that does not compile is named, with the file, the line and the compiler's message", async () => {
  using device = await requestDevice({ backend: "webgpu" });
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    const code = descriptor.code.replace("round(x*", "missing_name(x*");
    return createShaderModule.call(this, { ...descriptor, code });
  };
  const x = Tensor.from(device, new Float32Array(4));
  const error = await sin(x)
    .data()
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeviceError);
  expect((error as DeviceError).details.kernel).toBe("elementwise");
  // The file that elementwise.wgsl includes; kernels are shipped without spaces around operators.
  const line = functions.split("\n").findIndex((text) => text.includes("round(x *")) + 1;
  const { message } = error as DeviceError;
  expect(message).toMatch("cannot compile the kernel elementwise");
  expect(message).toMatch(`gpu/functions.wgsl:${line}: let quarters=round(x*0.6366197723675814);: `);
  expect(message).toMatch("missing_name");
  // From then on every call fails at once, because the device's memory does not have the requested contents.
  expect(() => sin(x)).toThrow(DeviceError);
});

test("writes, computations, releases and reads happen in order while a kernel is being compiled", async () => {
  using device = await requestDevice({ backend: "webgpu" });
  let compiled!: () => void;
  const compilation = new Promise<void>((resolve) => {
    compiled = resolve;
  });
  GPUDevice.prototype.createComputePipelineAsync = async function (descriptor) {
    await compilation;
    return createComputePipelineAsync.call(this, descriptor);
  };
  const numbers = new Float32Array([1, 2, 3, 4]);
  const x = Tensor.from(device, numbers);
  const doubled = add(x, x);
  // New values are written after the old ones were read, from an array that then changes again.
  numbers.fill(10);
  x.set(numbers);
  numbers.fill(0);
  const sum = add(doubled, x);
  // Memory is released and reused for something smaller, and memory is destroyed.
  x.dispose();
  const other = Tensor.from(device, new Float32Array([7]));
  add(doubled, doubled).dispose();
  device.trim();
  const results = Promise.all([doubled.data(), sum.data(), other.data()]);
  compiled();
  expect((await results).map((array) => [...array])).toEqual([[2, 4, 6, 8], [12, 14, 16, 18], [7]]);
});

test("a GPU compiles the kernels of a forward pass as soon as there is a model", async () => {
  using device = await requestDevice({ backend: "webgpu" });
  // Software adapters, which these tests run on, compile nothing ahead.
  (device.info as { software: boolean }).software = false;
  const asked: (string | undefined)[] = [];
  GPUDevice.prototype.createComputePipelineAsync = async ({ label }) => {
    asked.push(label);
    throw new Error("not compiled in this test");
  };
  const config = { cIn: 3, cHidden: 8, ballSizes: [16, 16], strides: [2], encNumHeads: [2, 2], encDepths: [1, 1] };
  using model = await ErwinTransformer.create({ ...config, decNumHeads: [2], decDepths: [1] }, { device });
  expect(model.config.cHidden).toEqual([8, 16]);
  for (const kernel of ["message_mean", "norm_position_qkv", "ball_attention", "norm_swiglu", "column_norm"]) {
    expect(asked).toContain(kernel);
  }
});
