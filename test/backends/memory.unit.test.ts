// The memory of a WebGPU device: its largest buffer has no round size, and what is trimmed is destroyed.

import { expect, test, vi } from "vitest";
import { Allocations } from "../../src/backends/webgpu/allocations.ts";
import { BufferPool } from "../../src/backends/webgpu/memory.ts";
import { OutOfMemoryError } from "../../src/errors.ts";

const gpu = {
  limits: { maxBufferSize: 1000 },
  createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: vi.fn() }),
  pushErrorScope() {},
  popErrorScope: async () => null,
};
const makePool = () => new BufferPool(new Allocations(gpu as unknown as GPUDevice));

test("the largest buffer is not reused for what is larger", () => {
  const pool = makePool();
  const largest = pool.allocate(1000);
  expect(largest.buffer.size).toBe(1000);
  pool.release(largest);
  expect(() => pool.allocate(1004, undefined, [251])).toThrow(OutOfMemoryError);
  expect(() => pool.allocate(1004)).toThrow("an intermediate result of 1004 bytes does not fit into one buffer");
  expect(pool.allocate(996)).toBe(largest);
});

test("released memory is destroyed by trim, once nothing refers to it any more", () => {
  const pool = makePool();
  let destroy = () => {};
  pool.whenUnused = (work) => {
    destroy = work;
  };
  const [kept, released] = [pool.allocate(1000), pool.allocate(600)];
  pool.release(released);
  pool.trim();
  expect(pool.reserved).toBe(kept.capacity);
  expect(released.buffer.destroy).not.toHaveBeenCalled();
  destroy();
  expect(released.buffer.destroy).toHaveBeenCalledOnce();
  expect(kept.buffer.destroy).not.toHaveBeenCalled();
  expect(pool.allocate(600)).not.toBe(released);
});
