// Files of MATLAB itself, SciPy and Octave (matlab/make.py), whole and damaged.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCloud } from "../../src/cli/clouds.ts";
import { readArrays } from "../../src/experiments/folder/read.ts";
import type { SafeTensor } from "../../src/formats/bytes/elements.ts";
import { loadMatlab, readMatlab } from "../../src/formats/matlab/matlab.ts";
import { readMatlab4 } from "../../src/formats/matlab/matlab4.ts";
import { readMatlab5 } from "../../src/formats/matlab/matlab5.ts";
import { setLimits } from "../../src/limits.ts";
import { flips, readOrRefuse, truncations } from "./corruption.ts";

const read = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, "matlab", name)));
const plain = ({ dtype, shape, data }: SafeTensor) => ({ dtype, shape, data: Array.from<number | bigint>(data) });
const upTo = (length: number, scale: number, first = 0) => Array.from({ length }, (_, i) => i * scale + first);

/** What scipy.mat and octave.mat have in common. */
const common = {
  positions: { dtype: "F32", shape: [4, 3], data: upTo(12, 0.25) },
  flow: { dtype: "F64", shape: [4, 3, 2], data: upTo(24, 1) },
  heat: { dtype: "F64", shape: [4], data: upTo(4, 1, 0.5) },
  mask: { dtype: "U8", shape: [3], data: [1, 0, 1] },
};

describe("a MATLAB file", () => {
  it.each(["scipy.mat", "scipy-compressed.mat"])("has the arrays that SciPy put into %s", async (file) => {
    const { arrays, leftOut } = await readMatlab(read(file), { file });
    expect(Object.fromEntries([...arrays].map(([name, array]) => [name, plain(array)]))).toEqual({
      ...common,
      ids: { dtype: "I64", shape: [2], data: [2n ** 62n, -1n] },
      "case/speed": { dtype: "F64", shape: [1], data: [1.5] },
      "case/inner/angle": { dtype: "I16", shape: [1], data: [-3] },
    });
    expect(Object.fromEntries(leftOut)).toEqual({
      "case/name": "text: save its meaning as a number",
      text: "text: save its meaning as a number",
      waves: "complex numbers: save real(x) and imag(x)",
      parts: "cells: save each as an array",
      matrix: "a sparse matrix: save full(x)",
      list: "structures in a list: save each as a variable",
      nothing: "an empty array: save an array with elements",
    });
  });

  it("has the arrays that Octave and MATLAB put into it, in their own types and either byte order", async () => {
    const octave = await readMatlab(read("octave.mat"));
    expect(Object.fromEntries([...octave.arrays].map(([name, array]) => [name, plain(array)]))).toEqual({
      ...common,
      "case_/speed": { dtype: "F64", shape: [1], data: [1.5] },
      step: { dtype: "I8", shape: [1], data: [-7] },
      // Stored in 16 bits.
      wide: { dtype: "F64", shape: [301], data: upTo(301, 1) },
    });
    expect([...octave.leftOut.keys()]).toEqual(["name", "parts"]);
    const big = (await loadMatlab(read("matlab-6.1-big-endian.mat"))).get("test3dmatrix") as SafeTensor;
    // In MATLAB, reshape(1:24, 2, 3, 4).
    const expected = Array.from(
      { length: 24 },
      (_, i) => 1 + Math.floor(i / 12) + (Math.floor(i / 4) % 3) * 2 + (i % 4) * 6,
    );
    expect(plain(big)).toEqual({ dtype: "F64", shape: [2, 3, 4], data: expected });
    const { arrays, leftOut } = await readMatlab(read("matlab-7.4.mat"));
    expect([...arrays].map(([name, array]) => [name, plain(array)])).toEqual([
      ["teststructnest/one", { dtype: "F64", shape: [1], data: [1] }],
    ]);
    expect([...leftOut.keys()]).toEqual(["teststructnest/two/three"]);
  });

  it("of version 4 has what SciPy, Octave and MATLAB put into it, in either byte order", async () => {
    const { arrays, leftOut } = await readMatlab(read("version4.mat"));
    expect(Object.fromEntries([...arrays].map(([name, array]) => [name, plain(array)]))).toEqual({
      positions: common.positions,
      heat: common.heat,
      as_i4: { dtype: "I32", shape: [2, 2], data: [1, -2, 3, 4] },
      as_i2: { dtype: "I16", shape: [2, 2], data: [1, -2, 3, 4] },
      as_u2: { dtype: "U16", shape: [2, 2], data: [1, 65534, 3, 4] },
      as_u1: { dtype: "U8", shape: [2, 2], data: [1, 254, 3, 4] },
    });
    expect(Object.fromEntries(leftOut)).toEqual({
      text: "text: save its meaning as a number",
      waves: "complex numbers: save real(x) and imag(x)",
      matrix: "a sparse matrix: save full(x)",
      nothing: "an empty array: save an array with elements",
    });
    const octave = await loadMatlab(read("octave4.mat"));
    expect(plain(octave.get("positions") as SafeTensor)).toEqual({ ...common.positions, dtype: "F64" });
    expect(plain(octave.get("wide") as SafeTensor)).toEqual({ dtype: "F64", shape: [301], data: upTo(301, 1) });
    const big = await loadMatlab(read("matlab-4.2c-big-endian.mat"));
    const a = [1, 2, 3, 4, 5, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0];
    expect(plain(big.get("a") as SafeTensor)).toEqual({ dtype: "F64", shape: [3, 5], data: a });
    expect(plain(big.get("theta") as SafeTensor).data).toEqual(upTo(9, Math.PI / 4));
  });

  it("is an input and a sample; one of Octave's own kinds is told with what to do", async () => {
    expect((await readCloud(read("octave.mat"), "wing.MAT", ["heat"])).features?.channels).toBe(1);
    expect((await readArrays(read("scipy.mat"), "wing.mat")).points?.shape).toEqual([4, 3]);
    // As save in Octave makes it unless it is told otherwise, by -binary, and by -hdf5.
    const [text, binary] = ["# Created by Octave 8.4.0", "Octave-1-L\0"].map((head) => new TextEncoder().encode(head));
    for (const octave of [text, binary, read("octave-hdf5.mat")]) {
      await expect(loadMatlab(octave, { file: "wing.mat" })).rejects.toThrow(
        "wing.mat: is a file in a format of Octave's own: save it by save('-v7', FILE, ...).",
      );
    }
    await expect(loadMatlab(new Uint8Array(200), { file: "wing.mat" })).rejects.toThrow("wing.mat: not an HDF5 file");
  });

  it("gives whole arrays or a FormatError where it is damaged", () => {
    const files = ["scipy.mat", "scipy-compressed.mat", "matlab-6.1-big-endian.mat"];
    for (const file of [...files, "version4.mat", "matlab-4.2c-big-endian.mat"]) {
      const bytes = read(file);
      const readOld = files.includes(file) ? readMatlab5 : readMatlab4;
      for (const damaged of [...truncations(bytes), ...flips(bytes, Math.min(600, bytes.length), [0x81])]) {
        const found = readOrRefuse((content) => readOld(content, file), damaged);
        for (const { shape, data } of found?.arrays.values() ?? []) {
          assert.equal(
            data.length,
            shape.reduce((a, b) => a * b, 1),
          );
        }
      }
    }
  });

  it("may have structures with empty fields, nameless variables, and arrays of which an axis has one element", async () => {
    // As MATLAB saves s.left = [] of a list that has grown, and what it keeps for objects.
    const int = (value: number) => [...new Uint8Array(Int32Array.of(value).buffer)];
    const ascii = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));
    const element = (type: number, data: number[]) => [
      ...[...int(type), ...int(data.length), ...data],
      ...Array((8 - (data.length % 8)) % 8).fill(0),
    ];
    const matrix = (kind: number, sizes: number[], name: string, content: number[]) =>
      element(14, [
        ...element(6, [...int(kind), ...int(0)]),
        ...element(5, sizes.flatMap(int)),
        ...element(1, ascii(name)),
        ...content,
      ]);
    const numbers = element(9, [...new Uint8Array(Float64Array.of(1, 2, 3, 4).buffer)]);
    const names = [...element(5, int(8)), ...element(1, ascii("left\0\0\0\0right\0\0\0"))];
    const fields = [...element(14, []), ...matrix(6, [1, 2, 2], "", numbers)];
    const variables = [...matrix(2, [1, 1], "case", [...names, ...fields]), ...matrix(6, [2, 2], "", numbers)];
    const bytes = Uint8Array.from([...ascii("x".repeat(124)), 0, 1, ...ascii("IM"), ...variables]);
    const { arrays, leftOut } = await readMatlab(bytes);
    expect([...arrays].map(([name, array]) => [name, plain(array)])).toEqual([
      ["case/right", { dtype: "F64", shape: [1, 2, 2], data: [1, 3, 2, 4] }],
    ]);
    expect(leftOut.size).toBe(0);
  });

  it("that has fractions among the numbers of an integer array is damaged", () => {
    const bytes = read("scipy.mat");
    // The class of positions, whose numbers are float32.
    expect(bytes[144]).toBe(7);
    bytes[144] = 14;
    expect(() => readMatlab5(bytes, "a.mat")).toThrow(/^a\.mat:positions: is damaged: its number 1 is .*no integer\.$/);
  });

  it("is refused where its structures are deeper, or its numbers take more memory, than the limits allow", () => {
    try {
      setLimits({ depth: 1 });
      expect(() => readMatlab5(read("scipy.mat"), "a.mat")).toThrow(/a\.mat:case\/inner: .*depth/);
      setLimits({ unpackedBytes: 100 });
      expect(() => readMatlab4(read("version4.mat"), "a.mat")).toThrow(/^a\.mat:as_i2: .*limit unpackedBytes/);
      expect(() => readMatlab5(read("matlab-6.1-big-endian.mat"), "a.mat")).toThrow(/its numbers take 192 bytes/);
    } finally {
      setLimits({});
    }
  });
});
