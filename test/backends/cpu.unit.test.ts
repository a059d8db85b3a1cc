// The CPU backend in Node, from the built library: outputs, gradients and training steps of golden cases, and that a process
// which disposes its device ends by itself.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AdamW, disposeThreads, OutOfMemoryError, operators, requestDevice, scope, Tensor } from "erwin";
import { afterAll, expect, test, vi } from "vitest";
import { operatorsOf } from "../../src/backends/composites/index.ts";
import { CpuDevice } from "../../src/backends/cpu/device.ts";
import { Machine } from "../../src/backends/cpu/machine.ts";
import { AllocationPool } from "../../src/backends/cpu/memory.ts";
import { cpuPrimitives } from "../../src/backends/cpu/primitives.ts";
import { sendSigns } from "../../src/host/silence.ts";
import { expectGolden, expectGoldenSteps, goldenPass } from "./passes.ts";

const device = await requestDevice({ backend: "cpu", threads: 2 });
afterAll(async () => {
  device.dispose();
  await disposeThreads();
});

test.each(["c_3d_rot_eval", "d_mixed_strides_train"])("%s gives the stored output and gradients", async (name) => {
  await expectGolden(name, await goldenPass(device, name));
});

test("fused multiply-adds are used where the module that has them is valid", () => {
  const module = readFileSync(new URL("../../dist/assets/kernels-relaxed.wasm", import.meta.url));
  expect(device.info.features.includes("relaxed-simd")).toBe(WebAssembly.validate(module));
});

test("three steps of AdamW follow the stored trajectory", () => expectGoldenSteps(device));

test("memory that was released before the end of all serves what is larger", () => {
  const mebibyte = 2 ** 20;
  const pool = new AllocationPool(4 * mebibyte, () => {});
  const [first, second] = [pool.allocate(mebibyte), pool.allocate(2 * mebibyte)];
  second.lastUse = 5;
  pool.release(second);
  expect(pool.allocateIdle(3 * mebibyte, 4), "while work uses it").toBeUndefined();
  const larger = pool.allocate(3 * mebibyte);
  expect(larger).toMatchObject({ address: first.address + mebibyte, lastUse: 5 });
  expect(pool.reserved).toBe(4 * mebibyte);
  expect(() => pool.allocate(256)).toThrow("there is no room for 256 more bytes");
});

test("memory that is joined waits for the last work that uses any of it", () => {
  const pool = new AllocationPool(2 ** 21, () => {});
  const [first, second] = [pool.allocate(2 ** 20), pool.allocate(2 ** 20)];
  [first.lastUse, second.lastUse] = [3, 7];
  for (const allocation of [first, second]) pool.release(allocation);
  expect(pool.allocateIdle(2 ** 21, 6)).toBeUndefined();
  expect(pool.allocateIdle(2 ** 21, 7)).toMatchObject({ address: first.address, lastUse: 7 });
});

test("an operator that finds no memory leaves none of its temporary memory in use", () => {
  const [rows, width, hiddenWidth] = [256, 8, 32];
  const prepare = (limit: number) => {
    const pool = new AllocationPool(limit, () => {});
    const operators = operatorsOf(cpuPrimitives({ record() {}, pool, threads: 1 }), pool);
    const [x, y, norm] = [rows * width, rows * width, width].map((size) => pool.allocate(size * 4));
    const linear = { weight: pool.allocate(width * hiddenWidth * 4), bias: pool.allocate(hiddenWidth * 4) };
    const given = { x: x!, y: y!, norm: norm!, gate: linear, value: linear, output: linear, rows, width, hiddenWidth };
    return { pool, run: () => operators.feedForward(given) };
  };
  const ample = prepare(2 ** 30);
  const held = ample.pool.reserved;
  ample.run();
  const needed = ample.pool.reserved;
  const failures = [];
  for (let limit = held; limit < needed; limit += 256) {
    const { pool, run } = prepare(limit);
    const { current } = pool;
    try {
      run();
    } catch (error) {
      failures.push((error as Error).name);
    }
    expect(pool.current).toBe(current);
  }
  expect(new Set(failures)).toEqual(new Set(["OutOfMemoryError"]));
});

test("an operator on tensors that finds no memory leaves no result either", async () => {
  const small = await requestDevice({ backend: "cpu", threads: 1, maxMemoryBytes: 3 * 2 ** 20 });
  try {
    const filled = (...shape: number[]) =>
      Tensor.from(small, new Float32Array(shape.reduce((product, size) => product * size, 1)), shape);
    const map = (columns: number, inner: number) => ({ weight: filled(columns, inner), bias: filled(columns) });
    // There is room for a result of a mebibyte, and not for another array of its size.
    const [x, norm, square, offsets] = [filled(8192, 32), filled(32), map(32, 32), filled(8192, 2)];
    const [gate, value, output] = [map(128, 32), map(128, 32), map(32, 128)];
    const taken = filled(2 ** 17);
    const calls = {
      feedForward: () => operators.feedForward(x, norm, gate, value, output),
      linearLayerNorm: () => operators.linearLayerNorm(x, square.weight, {}, { weight: norm, bias: norm }, x),
      normPositionQkv: () => operators.normPositionQkv(x, norm, offsets, map(32, 2), map(96, 32)),
    };
    for (const [name, call] of Object.entries(calls)) {
      scope(() => {
        const { current } = small.memory;
        expect(call, name).toThrow(OutOfMemoryError);
        expect(small.memory.current - current, name).toBeLessThan(2 ** 16);
        return undefined;
      });
    }
    // Nor do those whose results are several, or come from a device's joined kernel, without a scope around them.
    Object.assign(small.operators, { joinsFeedForward: () => true });
    const [points, ball] = [filled(2 ** 15, 2), Uint32Array.of(0, 2 ** 15)];
    const balls = { tensor: Tensor.from(small, ball), host: ball, largest: 2 ** 15 };
    const attention = { attended: filled(8192, 32), projection: square, scatter: undefined };
    const alone = {
      placeLevel: () => operators.placeLevel(points, { stride: 1 }, balls),
      attendedFeedForward: () => operators.attendedFeedForward(attention, x, norm, gate, value, output),
    };
    for (const [name, call] of Object.entries(alone)) {
      const { current } = small.memory;
      expect(call, name).toThrow(OutOfMemoryError);
      expect(small.memory.current, name).toBe(current);
    }
    expect(taken.disposed).toBe(false);
  } finally {
    small.dispose();
  }
});

test("an optimiser that finds no memory leaves the parameters as they were", async () => {
  const small = await requestDevice({ backend: "cpu", threads: 1, maxMemoryBytes: 3.5 * 2 ** 20 });
  try {
    const values = new Float32Array(2 ** 18).fill(2);
    using weight = Tensor.from(small, values).requireGrad();
    const { current } = small.memory;
    // Weights and gradients are packed before there is no memory for a moment.
    for (let i = 0; i < 2; i++) expect(() => new AdamW(new Map([["weight", weight]]))).toThrow(OutOfMemoryError);
    expect(small.memory.current).toBe(current);
    expect((await weight.data()).every((value) => value === 2)).toBe(true);
  } finally {
    small.dispose();
  }
});

test("a thread that shares no memory gives signs of life in the midst of a command, and after each", async () => {
  const machine = await Machine.start(readFileSync(new URL("../../dist/assets/kernels.wasm", import.meta.url)));
  const alone = new CpuDevice(machine, device.info);
  const sign = vi.fn();
  sendSigns(sign);
  let time = 0;
  // It would not send signs in close succession.
  const clock = vi.spyOn(performance, "now").mockImplementation(() => (time += 1000));
  try {
    const count = 4096;
    const numbers = (each: number) => alone.allocate(4 * each * count);
    const host = Uint32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? i / 2 : 1));
    const balls = { storage: numbers(2), host, largest: 1 };
    alone.write(balls.storage, host);
    const [qkv, positions, sigma, out, logSum] = [numbers(3), numbers(2), numbers(1), numbers(1), numbers(1)];
    const shape = { rows: count, heads: 1, headWidth: 1, dimensions: 2 };
    alone.operators.ballAttention({ qkv, positions, sigma, out, logSum, balls, ...shape });
    alone.submit();
    expect(sign.mock.calls.length, "in one command").toBeGreaterThanOrEqual(4);
    sign.mockClear();
    for (let i = 0; i < 10; i++) alone.clear(out);
    alone.submit();
    expect(sign, "in ten").toHaveBeenCalledTimes(10);
  } finally {
    clock.mockRestore();
    sendSigns(() => {});
    alone.dispose();
  }
});

test("a process ends once its device is disposed", () => {
  const library = JSON.stringify(new URL("../../dist/erwin.js", import.meta.url).href);
  const folder = mkdtempSync(join(tmpdir(), "erwin-"));
  const file = join(folder, "program.mjs");
  writeFileSync(
    file,
    `import { requestDevice, Tensor } from ${library};
     const device = await requestDevice({ backend: "cpu", threads: 2 });
     const x = Tensor.from(device, new Float32Array([1, 2, 3]));
     console.log([...(await x.data())].join(" "));
     device.dispose();`,
  );
  try {
    expect(execFileSync(process.execPath, [file], { timeout: 200_000 }).toString().trim()).toBe("1 2 3");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
