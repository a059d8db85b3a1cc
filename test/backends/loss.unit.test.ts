// What waits for a page's GPU is not kept by it after its end. In Node, whose garbage collector can be called.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { untilEnded } from "../../src/backends/loss.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Returns a call on behalf of an object, and whether that still exists. */
function callOfObject(ended: AbortSignal) {
  const object = { values: [] as number[] };
  const reference = new WeakRef(object);
  return { call: untilEnded(ended, (value: number) => object.values.push(value)), reference };
}

test("a promise that outlives a device calls it until its end, and holds it no longer", async () => {
  const ended = new AbortController();
  const { call, reference } = callOfObject(ended.signal);
  call(1);
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  expect(reference.deref()?.values).toEqual([1]);
  ended.abort();
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  expect(reference.deref()).toBeUndefined();
  expect(() => call(2)).not.toThrow();
});
