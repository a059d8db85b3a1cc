// Allocations that a GPU refuses, of which it tells only later: each ends as an OutOfMemoryError that says what it was for, and the
// device works again after `trim`.

import { DeviceError, OutOfMemoryError, requestDevice } from "erwin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programs } from "./programs.ts";
import { subjects } from "./subjects.ts";

/** Values of GPUBufferUsage, which not every host has as a global. */
const [NONE, UNIFORM] = [0, 0x40];

/** Watches the allocations of all devices that are requested, and lets one of them fail as a GPU without memory does. */
function watchAllocations() {
  const state = {
    made: 0,
    fails: (_: number, __: GPUBufferUsageFlags) => false,
    unscoped: [] as string[],
    /** Whether the use of such an allocation is reported before its failure, as in Firefox. */
    consequencesFirst: false,
  };
  const { requestDevice: original } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (options) {
    const device = await original.call(this, options);
    const { createBuffer, createQuerySet, pushErrorScope, popErrorScope } = device;
    const scopes: { filter: GPUErrorFilter; failed: boolean }[] = [];
    const allocating = (what: string, usage = NONE) => {
      const scope = [...scopes].reverse().find(({ filter }) => filter === "out-of-memory");
      if (!scope) state.unscoped.push(`${what}: ${new Error().stack}`);
      if (!state.fails(++state.made, usage)) return false;
      if (scope) scope.failed = true;
      return true;
    };
    device.createBuffer = (descriptor) => {
      if (!allocating("createBuffer", descriptor.usage)) return createBuffer.call(device, descriptor);
      // A buffer that is not valid, of which nobody is told.
      pushErrorScope.call(device, "validation");
      const buffer = createBuffer.call(device, { ...descriptor, usage: NONE });
      void popErrorScope.call(device);
      return buffer;
    };
    device.createQuerySet = (descriptor) => {
      allocating("createQuerySet");
      return createQuerySet.call(device, descriptor);
    };
    device.pushErrorScope = (filter) => {
      scopes.push({ filter, failed: false });
      pushErrorScope.call(device, filter);
    };
    device.popErrorScope = async () => {
      const { failed } = scopes.pop()!;
      const error = await popErrorScope.call(device);
      if (!failed) return error;
      if (state.consequencesFirst) {
        const consequence = new GPUValidationError("Buffer with '' label is invalid");
        device.dispatchEvent(Object.assign(new Event("uncapturederror"), { error: consequence }));
      }
      return new GPUOutOfMemoryError("no memory");
    };
    return device;
  };
  return {
    state,
    /** Counts from now on. @param fails tells by an allocation's number and usage whether it fails */
    arm(fails: typeof state.fails = () => false) {
      Object.assign(state, { made: 0, fails });
    },
    restore() {
      GPUAdapter.prototype.requestDevice = original;
    },
  };
}

const { layer } = subjects;
let watch: ReturnType<typeof watchAllocations>;
beforeAll(() => {
  watch = watchAllocations();
});
afterAll(() => watch.restore());

test("a refusal is told with what it was for, and nothing is lost but that call", async () => {
  const device = await requestDevice({ backend: "webgpu", threads: 1 });
  try {
    using model = await layer.make(device);
    const expected = await layer.forward(model);
    watch.arm();
    expect(await layer.forward(model)).toEqual(expected);
    expect(watch.state.made, "a repeated call allocates nothing").toBe(0);
    device.trim();
    expect(await layer.forward(model)).toEqual(expected);
    const { made } = watch.state;
    const profile = device.startProfile();
    await layer.forward(model);
    expect(await profile?.stop()).not.toEqual([]);
    expect(watch.state.unscoped).toEqual([]);
    // The input's tensor, and the buffer by which the result is read.
    for (const [failing, what, consequencesFirst] of [
      [1, /a tensor \[8,4\] of 128 bytes/, false],
      [1, /a tensor \[8,4\] of 128 bytes/, true],
      [made, /a result that is read of 128 bytes/, false],
    ] as const) {
      Object.assign(watch.state, { consequencesFirst });
      device.trim();
      watch.arm((number) => number === failing);
      const error = await layer.forward(model).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(OutOfMemoryError);
      expect((error as Error).message).toMatch(what);
      await expect(layer.forward(model), "until it is handled").rejects.toBe(error);
      device.trim();
      expect(await layer.forward(model)).toEqual(expected);
    }
    expect(device.memory.current).toBe(model.parameters().size * 16);

    // What the GPU itself needs, such as memory for an upload.
    const { gpu } = device as unknown as { gpu: GPUDevice };
    const error = new GPUOutOfMemoryError("no room for an upload");
    gpu.dispatchEvent(Object.assign(new Event("uncapturederror"), { error }));
    const told = await layer.forward(model).catch((reason: unknown) => reason);
    expect(told).toBeInstanceOf(OutOfMemoryError);
    expect((told as Error).message).toContain(error.message);
    device.trim();
    expect(await layer.forward(model)).toEqual(expected);

    // The host has no memory for a copy of the result.
    const { getMappedRange } = GPUBuffer.prototype;
    GPUBuffer.prototype.getMappedRange = () => {
      GPUBuffer.prototype.getMappedRange = getMappedRange;
      throw new RangeError("Array buffer allocation failed");
    };
    await expect(layer.forward(model)).rejects.toThrow("allocation failed");
    expect(await layer.forward(model)).toEqual(expected);
  } finally {
    device.dispose();
  }
});

// In browsers, a software adapter takes a second to compile each kernel, and does so again for each device.
if ("Deno" in globalThis) {
  test.each(["load", "forward", "training"])("under a scope: %s", async (name) => {
    const program = programs[name]!();
    watch.arm();
    await program.run();
    await program.close();
    expect(watch.state.made).toBeGreaterThan(2);
    expect(watch.state.unscoped).toEqual([]);
  });

  test("a device without memory for the parameters of kernels is not given out", async () => {
    watch.arm((_, usage) => (usage & UNIFORM) !== 0);
    const error = await requestDevice({ backend: "webgpu", threads: 1 }).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as Error).message).toContain("no memory for the parameters of kernels");
  });
}
