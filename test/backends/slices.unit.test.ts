// How work is divided among submissions: the parts of a dispatch, and what is learned of a device's speed.

import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { Allocations } from "../../src/backends/webgpu/allocations.ts";
import { kernelSource } from "../../src/backends/webgpu/kernels.ts";
import { BufferStorage } from "../../src/backends/webgpu/memory.ts";
import { Pacer } from "../../src/backends/webgpu/pacer.ts";
import type { Pipeline } from "../../src/backends/webgpu/pipelines.ts";
import { Recorder } from "../../src/backends/webgpu/recorder.ts";
import { workOf } from "../../src/backends/webgpu/work.ts";

afterEach(() => vi.restoreAllMocks());

const queue = { submit() {}, onSubmittedWorkDone: async () => undefined };

/** A recorder of a device that notes the rectangles it is given, with at most `side` workgroups along one side. */
function standIn(side: number) {
  const dispatched: { first: number; end: number }[] = [];
  let written = new Uint32Array();
  const offsets: number[] = [];
  const pass = {
    setPipeline() {},
    setBindGroup: (_: number, __: unknown, [offset]: Uint32Array) => offsets.push(offset),
    dispatchWorkgroups: (x: number, y: number) => {
      expect(Math.max(x, y)).toBeLessThanOrEqual(side);
      dispatched.push({ first: Number.NaN, end: x * y });
    },
    end() {},
  };
  let read = 0;
  const device = {
    limits: { minUniformBufferOffsetAlignment: 256, maxComputeWorkgroupsPerDimension: side },
    createBuffer: () => ({ destroy() {} }),
    pushErrorScope() {},
    popErrorScope: async () => null,
    createBindGroup: () => ({}),
    createCommandEncoder: () => ({ beginComputePass: () => pass, finish() {} }),
    queue: {
      ...queue,
      writeBuffer: (_: unknown, __: number, data: Uint32Array<ArrayBuffer>) => {
        written = data;
      },
      submit: () => {
        for (; read < dispatched.length; read++) {
          const first = written[offsets[read] / 4];
          dispatched[read] = { first, end: first + dispatched[read].end };
        }
      },
    },
  };
  return { recorder: new Recorder(new Allocations(device as unknown as GPUDevice), false), dispatched };
}

const pipeline = { name: "scale", constants: {}, id: 0, source: kernelSource("scale", {}) } as unknown as Pipeline;
const storage = new BufferStorage({} as GPUBuffer, 1024);
storage.bytes = 1024;
const bound = { x: storage, factors: storage };

test("the parts of a dispatch are all of its workgroups, each once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100 }), (groups, percent) => {
      const { recorder, dispatched } = standIn(8);
      const work = workOf({ kernel: "scale", constants: {}, parameters: {}, groups, bytes: 2048 });
      // A side of 8 allows rectangles of up to 64 workgroups.
      vi.spyOn(recorder.pacer, "most", "get").mockReturnValue(Math.min(work * percent, (6400 * work) / groups) / 100);
      let first = 0;
      while (first < groups) first = recorder.dispatch(pipeline, bound, { size: 1, index: 0 }, groups, first);
      recorder.submit();
      expect(first).toBe(groups);
      const times = new Array<number>(groups).fill(0);
      for (const { first, end } of dispatched)
        for (let group = first; group < end; group++) if (group < groups) times[group]++;
      expect(times).toEqual(new Array(groups).fill(1));
    }),
  );
});

test("a device's speed is what its last submissions took, within reason", () => {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const pacer = new Pacer(queue);
  const slowest = pacer.most;
  const run = (work: number, milliseconds: number) => {
    pacer.submit(work);
    now += milliseconds;
    pacer.finish(pacer.submitted);
    return pacer.most / 500;
  };
  run(1e9, 1000);
  expect(run(1e9, 1000)).toBe(1e6);
  expect(run(1, 50), "a short wait says nothing").toBe(1e6);
  expect(run(1e10, 1000), "the slower of two counts").toBe(1e6);
  expect(run(1e10, 1000)).toBe(1e7);
  expect(run(1, 1e6), "a host that slept").toBe(2.5e6);
  for (let i = 0; i < 20; i++) run(1, 1e6);
  expect(pacer.most).toBe(slowest);
  // The time counts from when the device had something to do.
  now += 1e6;
  run(1e9, 100);
  expect(run(1e9, 100)).toBe(1e7);
});

test("no more than some submissions are queued", async () => {
  const pacer = new Pacer(queue);
  let count = 0;
  for (; !pacer.full; count++) pacer.submit(pacer.most);
  expect(count).toBe(5);
  await pacer.finished();
  expect(pacer.full).toBe(false);
});
