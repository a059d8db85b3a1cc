// The memory of a WebGPU device whose largest buffer has no round size.

import { expect, test } from "vitest";
import { Allocations } from "../../src/backends/webgpu/allocations.ts";
import { BufferPool } from "../../src/backends/webgpu/memory.ts";
import { OutOfMemoryError } from "../../src/errors.ts";

test("the largest buffer is not reused for what is larger", () => {
  const gpu = {
    limits: { maxBufferSize: 1000 },
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size }),
    pushErrorScope() {},
    popErrorScope: async () => null,
  };
  const pool = new BufferPool(new Allocations(gpu as unknown as GPUDevice));
  const largest = pool.allocate(1000);
  expect(largest.buffer.size).toBe(1000);
  pool.release(largest);
  expect(() => pool.allocate(1004, undefined, [251])).toThrow(OutOfMemoryError);
  expect(() => pool.allocate(1004)).toThrow("an intermediate result of 1004 bytes does not fit into one buffer");
  expect(pool.allocate(996)).toBe(largest);
});
