// The arena in WebAssembly memory: it grows, its regions do not overlap, and it reports when there is no memory left.
import { expect, test } from "vitest";
import { Arena } from "../../src/balltree/memory.ts";
import { OutOfMemoryError } from "../../src/errors.ts";

test("the memory grows until its maximum, then the error says how much was needed", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 3, shared: true });
  const arena = new Arena(memory, 100);
  const first = arena.store(Int32Array.of(1, 2, 3));
  const second = arena.reserve(100_000);
  expect([first, second]).toEqual([128, 192]);
  expect(memory.buffer.byteLength).toBe(2 * 65536);
  expect(arena.ints(first, 3)).toEqual(Int32Array.of(1, 2, 3));
  expect(() => arena.reserve(100_000)).toThrow(OutOfMemoryError);
  expect(() => arena.reserve(100_000)).toThrow(/needs 200224 bytes/);
});
