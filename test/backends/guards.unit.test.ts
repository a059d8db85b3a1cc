// The CPU's kernels write nothing beyond their arrays and their thread's memory, and their results do not depend on what lies there or
// in memory that nothing has been written to: all of it holds a pattern, NaN or another, before, between and behind the arrays.

import { readFileSync } from "node:fs";
import { AdamW, operators, Tensor } from "erwin";
import { expect, test } from "vitest";
import { CpuDevice } from "../../src/backends/cpu/device.ts";
import { Machine } from "../../src/backends/cpu/machine.ts";
import { Allocation } from "../../src/backends/cpu/memory.ts";
import { firstAddress } from "../../src/backends/cpu/module.ts";
import type { DeviceInfo } from "../../src/backends/device.ts";
import { permutation, type Random, seededRandom } from "../support/clouds.ts";
import { wholeGraph } from "../support/graph-parts.ts";

const GUARD_BYTES = 1024;
const MEMORY_BYTES = 2 ** 27;

const machine = await Machine.start(readFileSync(new URL("../../dist/assets/kernels.wasm", import.meta.url)));
machine.reserve(MEMORY_BYTES);

/** A device that uses no memory twice, and a function that lists the places where memory that no array covers has changed. */
function guardedDevice(pattern: number) {
  const wordsOf = (start: number, end: number) => new Int32Array(machine.memory.buffer, start, (end - start) / 4);
  wordsOf(firstAddress, MEMORY_BYTES).fill(pattern);
  const device = new CpuDevice(machine, { maxBufferBytes: MEMORY_BYTES } as DeviceInfo);
  const guards: { start: number; end: number }[] = [];
  let end = firstAddress;
  const allocate = (bytes: number) => {
    const address = Math.ceil(end / 16) * 16 + GUARD_BYTES;
    guards.push({ start: end, end: address });
    end = address + bytes;
    return Object.assign(new Allocation(address, bytes), { bytes });
  };
  Object.assign(device.pool, { allocate, allocateIdle: allocate });
  const damage = () => {
    device.submit();
    guards.push({ start: end, end: end + GUARD_BYTES });
    return guards.filter(({ start, end }) => wordsOf(start, end).some((word) => word !== pattern));
  };
  return { device, damage };
}

/** What one case computes from: leaves, whose gradients are compared, other tensors, and sizes. */
function inputsOn(device: CpuDevice, random: Random) {
  const leaves: Tensor[] = [];
  const numbers = (...shape: number[]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length }, () => 2 * random() - 1);
    return Tensor.from(device, values, shape);
  };
  const leaf = (...shape: number[]) => leaves[leaves.push(numbers(...shape).requireGrad()) - 1]!;
  const map = (rows: number, columns: number) => ({ weight: leaf(rows, columns), bias: leaf(rows) });
  /** Small sizes are as frequent as large ones. */
  const size = (most: number) => Math.round(most ** random());
  return { device, random, leaves, numbers, leaf, map, size };
}
type Inputs = ReturnType<typeof inputsOn>;

const cases: Record<string, (inputs: Inputs) => Tensor[]> = {
  linear({ device, random, leaf, size }) {
    const [rows, columns, inner, more] = [size(900), size(300), size(520), size(300)];
    const scatter = Tensor.from(device, Uint32Array.from(permutation(rows, random)));
    const extras = { bias: leaf(columns), second: leaf(rows, more), residual: leaf(rows, columns), scatter };
    return [operators.linear(leaf(rows, inner), leaf(columns, inner + more), extras)];
  },
  normPositionQkv({ device, random, leaf, map, numbers, size }) {
    const [rows, width, dimensions] = [size(900), size(130), size(3)];
    const gather = Tensor.from(device, Uint32Array.from(permutation(rows, random)));
    const [x, norm, offsets] = [leaf(rows, width), leaf(width), numbers(rows, dimensions)];
    return [operators.normPositionQkv(x, norm, offsets, map(width, dimensions), map(3 * width, width), gather)];
  },
  ballAttention({ device, random, leaf, numbers, size }) {
    const sizes = Array.from({ length: 4 }, () => (random() < 0.3 ? 506 + size(12) : size(600)));
    const host = Uint32Array.from(sizes.flatMap((own, i) => [sizes.slice(0, i).reduce((a, b) => a + b, 0), own]));
    const balls = { tensor: Tensor.from(device, host), host, largest: Math.max(...sizes) };
    const [rows, heads, headWidth] = [host.at(-2)! + host.at(-1)!, size(3), size(40)];
    const [qkv, positions, sigma] = [leaf(rows, 3 * heads * headWidth), numbers(rows, size(3)), leaf(heads)];
    return [operators.ballAttention(qkv, positions, sigma, balls)];
  },
  feedForward({ leaf, map, size }) {
    const [rows, width, hidden] = [size(900), size(130), size(1500)];
    const maps = [map(hidden, width), map(hidden, width), map(width, hidden)] as const;
    return [operators.feedForward(leaf(rows, width), leaf(width), ...maps)];
  },
  messageMean({ device, random, leaf, map, numbers, size }) {
    const [nodes, width, dimensions, edges] = [size(200), size(140), size(3), size(900)];
    const ends = () => Array.from({ length: edges }, () => Math.floor(random() * nodes));
    const parts = wholeGraph(device, { nodes, sources: ends(), targets: ends() });
    const norm = { weight: leaf(width), bias: leaf(width) };
    const [h, positions] = [leaf(nodes, width), numbers(nodes, dimensions)];
    return [operators.messageMean(h, positions, parts, map(width, 2 * width + dimensions), norm)];
  },
  norms({ leaf, numbers, size }) {
    const [rows, width] = [size(900), size(300)];
    const [x, norm] = [leaf(rows, width), { weight: leaf(width), bias: leaf(width) }];
    const running = { mean: numbers(width), variance: numbers(width) };
    const normed = [operators.layerNorm(x, leaf(rows, width), norm), operators.batchNorm(x, norm, running, true)];
    return [...normed, running.mean, running.variance, operators.sum(x, 0), operators.sum(x, 1)];
  },
};

/** The bits of a case's results, gradients and weights after a step of AdamW, with memory that holds the pattern. */
async function computeWith(pattern: number, seed: number, compute: (inputs: Inputs) => Tensor[]) {
  const { device, damage } = guardedDevice(pattern);
  const inputs = inputsOn(device, seededRandom(seed));
  const results = compute(inputs);
  for (const result of results) if (result.history) await result.backward(inputs.numbers(...result.shape));
  const gradients = inputs.leaves.flatMap(({ grad }) => grad ?? []);
  const bytesOf = async (tensor: Tensor) => new Uint8Array((await tensor.data()).buffer);
  const read = (tensors: Tensor[]) => Promise.all(tensors.map(bytesOf));
  const computed = await read([...results, ...gradients]);
  using optimizer = new AdamW(new Map(inputs.leaves.map((leaf, i) => [`${i}`, leaf])), { lr: 0.1, averageDecay: 0.9 });
  await optimizer.step({ maxNorm: 0.5 });
  return { bits: [...computed, ...(await read(inputs.leaves))], damage: damage() };
}

test.each(Object.entries(cases))("%s stays within its memory", async (_, compute) => {
  for (let seed = 0; seed < 8; seed++) {
    const first = await computeWith(0x7fc5aaaa, seed, compute);
    const second = await computeWith(0x7f7ff00d, seed, compute);
    expect([first.damage, second.damage], `seed ${seed}`).toEqual([[], []]);
    const differing = first.bits.flatMap((bits, i) => (Buffer.compare(bits, second.bits[i]!) === 0 ? [] : [i]));
    expect(differing, `seed ${seed}: what differs of ${first.bits.length} arrays`).toEqual([]);
  }
});
