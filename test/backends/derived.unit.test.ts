// The cache of arrays that follow from weights, when memory runs out.
import { expect, test } from "vitest";
import { DerivedArrays } from "../../src/backends/webgpu/derived.ts";
import { type BufferPool, BufferStorage } from "../../src/backends/webgpu/memory.ts";
import { OutOfMemoryError } from "../../src/errors.ts";

/** Memory of which storages of `limit` bytes can be had. */
class SmallPool {
  readonly held = new Set<BufferStorage>();

  constructor(readonly limit: number) {}

  allocate(bytes: number): BufferStorage {
    if (bytes > this.limit) throw new OutOfMemoryError("there is no room");
    const storage = new BufferStorage({} as GPUBuffer, bytes);
    storage.bytes = bytes;
    this.held.add(storage);
    return storage;
  }

  release(storage: BufferStorage): void {
    this.held.delete(storage);
  }
}

test("an array that was released for one without room is not returned again", () => {
  const pool = new SmallPool(64);
  const arrays = new DerivedArrays(pool as unknown as BufferPool);
  const weights = [new BufferStorage({} as GPUBuffer, 16)];
  const computed: BufferStorage[] = [];
  const of = (bytes: number) => arrays.of(weights, bytes, (into) => computed.push(into));
  const first = of(32);
  expect(of(32)).toBe(first);
  expect(() => of(128)).toThrow(OutOfMemoryError);
  const again = of(32);
  expect([...pool.held]).toEqual([again]);
  expect(computed).toEqual([first, again]);
});
