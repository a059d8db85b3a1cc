// Reading rows of arrays in parts gives the same values as reading the whole file, and reads no more bytes than necessary.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import type { SafeTensor } from "../../src/formats/bytes/elements.ts";
import { saveNpy } from "../../src/formats/numpy/npy.ts";
import { openNpyRows, openNpzRows } from "../../src/formats/numpy/npy-rows.ts";
import { loadNpz } from "../../src/formats/numpy/npz.ts";
import type { PartialFile } from "../../src/formats/sources/partial-file.ts";
import { flips, truncations } from "./corruption.ts";

/** Makes a file that is read in parts, and counts the bytes that have been read. */
function counted(bytes: Uint8Array): PartialFile & { taken: number; longest: number } {
  const file = {
    ...{ file: "a", size: bytes.length, taken: 0, longest: 0 },
    async read(offset: number, length: number) {
      const part = bytes.slice(offset, offset + length);
      file.taken += part.length;
      file.longest = Math.max(file.longest, part.length);
      return part;
    },
  };
  return file;
}

const large = { shape: [400, 900], data: Float32Array.from({ length: 360_000 }, (_, i) => Math.sin(i * i)) };
const ROW = 4 * 900;
const rowsOf = ({ data }: typeof large, first: number, count: number) => data.slice(900 * first, 900 * (first + count));

it("of an array file: only they are read, and the header once", async () => {
  const file = counted(saveNpy(large));
  const array = await openNpyRows(file);
  expect(array.shape).toEqual([400, 900]);
  expect((await array.rows(17, 3)).data).toEqual(rowsOf(large, 17, 3));
  expect((await array.rows(399, 1)).data).toEqual(rowsOf(large, 399, 1));
  expect(file.taken).toBeLessThan(4 * ROW + 200);
  await expect(array.rows(399, 2)).rejects.toThrow("a: rows 399 to 400 are requested, but the shape is (400,900).");
});

it("wherever its bytes lie in Node's own buffers, whose slices are no copies", async () => {
  const bytes = saveNpy({ shape: [3], data: Float64Array.of(1, 2, 3) });
  const within = Buffer.concat([Buffer.alloc(4), bytes, Buffer.alloc(4)]);
  const read = async (offset: number, length: number) => within.subarray(4 + offset, 4 + offset + length);
  const array = await openNpyRows({ file: "a", size: bytes.length, read });
  expect([...(await array.rows(1, 2)).data]).toEqual([2, 3]);
});

describe("of an archive", () => {
  it("only they are read, where an array is stored", async () => {
    const file = counted(zipSync({ "large.npy": saveNpy(large), "other.npy": saveNpy(large) }, { level: 0 }));
    const { large: array } = await openNpzRows(file, ["large"]);
    const opening = file.taken;
    expect(opening).toBeLessThan(70_000);
    expect((await array.rows(17, 3)).data).toEqual(rowsOf(large, 17, 3));
    expect(file.taken - opening).toBe(3 * ROW + 30);
  });

  it("a deflated array is read piece by piece, up to them and not much further", async () => {
    const bytes = zipSync({ "large.npy": saveNpy(large) }, { level: 6 });
    const file = counted(bytes);
    const { large: array } = await openNpzRows(file, ["large"]);
    file.taken = 0;
    expect((await array.rows(17, 3)).data).toEqual(rowsOf(large, 17, 3));
    expect(file.taken).toBeLessThan(bytes.length / 4);
    expect((await array.rows(390, 10)).data).toEqual(rowsOf(large, 390, 10));
    expect(file.longest).toBeLessThan(bytes.length / 4);
  });

  it.each(["stored", "deflated"])("are those of the whole arrays: NumPy's, %s", async (name) => {
    const bytes = new Uint8Array(readFileSync(new URL(`numpy/${name}.npz`, import.meta.url)));
    const whole = loadNpz(bytes);
    const arrays = await openNpzRows(counted(bytes), [...whole.keys()]);
    for (const [key, { dtype, shape, data }] of whole) {
      const [rows, ...rest] = shape;
      const width = data.length / rows;
      for (const [first, count] of [
        [0, rows],
        [rows - 1, 1],
        [1, 0],
      ]) {
        const expected: SafeTensor = {
          dtype,
          shape: [count, ...rest],
          data: data.slice(first * width, (first + count) * width),
        };
        expect(await arrays[key].rows(first, count), key).toEqual(expected);
      }
    }
  });

  it.each([0, 6] as const)(
    "every truncation is refused, and no flipped byte stops the reader: level %i",
    async (level) => {
      const small = { shape: [4, 3], data: Float32Array.from({ length: 12 }, (_, i) => i) };
      const intact = zipSync({ "a.npy": saveNpy(small), "b.npy": saveNpy(small) }, { level });
      const read = async (bytes: Uint8Array) => (await openNpzRows(counted(bytes), ["a", "b"])).b.rows(1, 2);
      for (const bytes of truncations(intact)) await assert.rejects(read(bytes), FormatError);
      for (const bytes of flips(intact, intact.length, [0x01, 0x80])) {
        const found = await read(bytes).catch((error) => void assert.ok(error instanceof FormatError));
        if (found) assert.equal(found.shape[0], 2);
      }
    },
  );
});

it("of an array that is stored column by column are found in the whole of it", async () => {
  const bytes = new Uint8Array(readFileSync(new URL("numpy/stored.npz", import.meta.url)));
  const features = loadNpz(bytes).get("features") as SafeTensor;
  const { features: reader } = await openNpzRows(counted(bytes), ["features"]);
  expect((await reader.rows(3, 2)).data).toEqual(features.data.slice(6, 10));
});
