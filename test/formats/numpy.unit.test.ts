// NumPy's arrays and archives: all that NumPy writes, and files that are cut, damaged or hostile.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { elementCount } from "../../src/formats/bytes/bytes.ts";
import { crc32 } from "../../src/formats/compression/checksums.ts";
import { loadNpy } from "../../src/formats/numpy/npy.ts";
import { openNpzRows } from "../../src/formats/numpy/npy-rows.ts";
import { listNpz, loadNpz, loadNpzRows, readNpz } from "../../src/formats/numpy/npz.ts";
import type { PartialFile } from "../../src/formats/sources/partial-file.ts";
import { concat, flips, mustRefuse, numbers, readOrRefuse, truncations } from "./corruption.ts";

/** Makes an array file as NumPy writes it: the header is padded so that the data is aligned to 64 bytes. */
function npy(description: string, order: "True" | "False", shape: string, data: Uint8Array, version = 1): Uint8Array {
  const elements = description.startsWith("[") ? description : `'${description}'`;
  const body = `{'descr': ${elements}, 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + body.length + 1) / 64) * 64 - prefix;
  const lengthBytes = version === 1 ? Uint16Array.of(length).buffer : Uint32Array.of(length).buffer;
  const header = `${body.padEnd(length - 1)}\n`;
  return concat(Uint8Array.of(0x93), "NUMPY", Uint8Array.of(version, 0), lengthBytes, header, data);
}

const cloud = npy("<f4", "False", "(2, 3)", numbers("Float32", [1, 2, 3, 4, 5, 6]));

describe("npy", () => {
  it.each([1, 2, 3])("reads version %i", (version) => {
    const array = loadNpy(npy("<f8", "False", "(2,)", numbers("Float64", [0.1, -2]), version));
    expect(array).toEqual({ dtype: "F64", shape: [2], data: Float64Array.of(0.1, -2) });
  });

  it("reads either byte order, integers, booleans, halves and scalars", () => {
    expect(loadNpy(npy(">f4", "False", "(2,)", numbers("Float32", [1.5, -2], false))).data).toEqual(
      Float32Array.of(1.5, -2),
    );
    expect(loadNpy(npy(">i2", "False", "(2,)", numbers("Int16", [1, -2], false))).data).toEqual(Int16Array.of(1, -2));
    expect(loadNpy(npy("|u1", "False", "(2,)", Uint8Array.of(7, 255))).data).toEqual(Uint8Array.of(7, 255));
    expect(loadNpy(npy("|b1", "False", "(1,)", Uint8Array.of(1))).dtype).toBe("BOOL");
    expect(loadNpy(npy("<f2", "False", "(1,)", Uint8Array.of(0, 0x3c))).dtype).toBe("F16");
    expect(loadNpy(npy("<i4", "False", "()", numbers("Int32", [9])))).toEqual({
      dtype: "I32",
      shape: [],
      data: Int32Array.of(9),
    });
    const long = loadNpy(npy("<i8", "False", "(1L,)", new Uint8Array(BigInt64Array.of(-3n).buffer)));
    expect(long.data).toEqual(BigInt64Array.of(-3n));
  });

  it("turns Fortran order into row-major", () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shapes, (shape) => {
        const count = elementCount(shape);
        // The element at a multi-index is its row-major position; the file has them with the first index running fastest.
        const columnMajor = Array.from({ length: count }, (_, at) => {
          let rest = at;
          const index = shape.map((length) => {
            const i = rest % length;
            rest = Math.floor(rest / length);
            return i;
          });
          return index.reduce((position, i, axis) => position * shape[axis] + i, 0);
        });
        const text = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
        const array = loadNpy(npy("<f4", "True", text, numbers("Float32", columnMajor)));
        expect(array.shape).toEqual(shape);
        expect([...array.data]).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
    );
  });

  it("refuses truncations, and survives flipped header bytes", () => {
    for (const bytes of truncations(cloud)) mustRefuse(loadNpy, bytes);
    for (const bytes of flips(cloud, cloud.length - 24)) {
      const array = readOrRefuse(loadNpy, bytes);
      if (array) assert.equal(array.data.length, elementCount(array.shape));
    }
  });

  it.each([
    [
      "objects",
      npy("|O", "False", "(1,)", new Uint8Array(8)),
      /'\|O' cannot be read.* Save texts as array\.astype\(str\)/,
    ],
    ["structures", concat(cloud.slice(0, 10), "{'descr': [('x', '<f4')], 'shape': (1,), }\n"), /truncated|plain array/],
    ["a shape larger than the file", npy("<f4", "False", "(99999999999, 3)", new Uint8Array(4)), /takes a file of/],
    ["bytes at the end", concat(cloud, "x"), /takes a file of 152 bytes, found 153/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadNpy(bytes, { file: "a.npy" })).toThrow(message);
    expect(() => loadNpy(bytes, { file: "a.npy" })).toThrow(FormatError);
  });
});

describe("npz", () => {
  const arrays = { "positions.npy": cloud, "labels.npy": npy("<i4", "False", "(2,)", numbers("Int32", [4, 5])) };

  it.each([0, 6] as const)("reads archives of compression level %i", (level) => {
    const loaded = loadNpz(zipSync(arrays, { level }));
    expect([...loaded.keys()]).toEqual(["positions", "labels"]);
    expect(loaded.get("positions")).toEqual(loadNpy(cloud));
    expect(loaded.get("labels")?.data).toEqual(Int32Array.of(4, 5));
  });

  it("reads just what is asked for", () => {
    const archive = zipSync({ "labels.npy": arrays["labels.npy"], "notes.txt": new Uint8Array(3) });
    expect([...loadNpz(archive, { only: ["labels"] }).keys()]).toEqual(["labels"]);
    expect(() => loadNpz(archive)).toThrow(/npz:notes\.txt/);
  });

  it.each(["<U6", "|S3", "|O", "<M8[D]", "<c16", "<f16", "[('a', '<f4'), ('b', '|O')]"])(
    "skips an array of %s, but not where it is asked for",
    (type) => {
      const archive = zipSync({ ...arrays, "name.npy": npy(type, "False", "()", new Uint8Array(16)) });
      expect([...loadNpz(archive).keys()]).toEqual(["positions", "labels"]);
      expect(readNpz(archive).leftOut).toEqual(new Map([["name", type]]));
      const asked = () => loadNpz(archive, { only: ["name"] });
      expect(asked).toThrow(/npz:name\.npy: elements of type .* cannot be read/);
      if (type.startsWith("[")) expect(asked).toThrow(/Save each field of a structure as an array of its own\.$/);
    },
  );

  it("refuses every truncation; no flipped byte goes unnoticed in an array", () => {
    const archive = zipSync(arrays, { level: 6 });
    const intact = loadNpz(archive);
    for (const bytes of truncations(archive)) mustRefuse(loadNpz, bytes);
    for (const bytes of flips(archive)) {
      const loaded = readOrRefuse(loadNpz, bytes);
      // A flip may hit a name or a date, which no checksum covers; the arrays themselves must be unchanged.
      if (loaded) assert.deepEqual([...loaded.values()], [...intact.values()]);
    }
  });

  it("refuses an entry that claims to unpack to more than deflate can", () => {
    const archive = zipSync({ "a.npy": cloud }, { level: 6 });
    const view = new DataView(archive.buffer, archive.byteOffset);
    const directory = view.getUint32(archive.length - 6, true);
    view.setUint32(directory + 24, 0xfffffff0, true);
    expect(() => loadNpz(archive)).toThrow(/claims 4294967280 bytes/);
  });

  it("has the checksum of ZIP", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });
});

describe.each(["stored", "deflated"])("%s.npz, written by NumPy itself (numpy/make.py)", (name) => {
  // readFileSync returns a Buffer, whose `slice` does not copy, unlike that of other arrays.
  const file = readFileSync(new URL(`./numpy/${name}.npz`, import.meta.url));

  it.each([
    ["as it is", file],
    ["at an odd offset", Buffer.concat([Buffer.alloc(3), file]).subarray(3)],
    ["in shared memory", shared(file)],
    ["in memory that can grow", growable(file)],
    ["as a DataView", new DataView(file.buffer, file.byteOffset, file.byteLength)],
    ["as an ArrayBuffer", Uint8Array.from(file).buffer],
  ])("is read %s", (_, bytes) => {
    const arrays = loadNpz(bytes);
    const range = (length: number) => Array.from({ length }, (_, i) => i);
    expect(arrays.get("flags")).toEqual({ dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) });
    const positions = Float64Array.from(range(15), (i) => i / 8);
    expect(arrays.get("positions")).toEqual({ dtype: "F64", shape: [5, 3], data: positions });
    const features = Float32Array.from(range(10), (i) => i - 4.5);
    expect(arrays.get("features")).toEqual({ dtype: "F32", shape: [5, 2], data: features });
    const targets = Float32Array.from(range(5), (i) => i * i);
    expect(arrays.get("targets")).toEqual({ dtype: "F32", shape: [5], data: targets });
    expect(arrays.get("batch_idx")?.data).toEqual(BigInt64Array.of(0n, 0n, 0n, 1n, 1n));
    expect(arrays.get("halves")?.data).toEqual(Uint16Array.of(0x3800, 0xc000));
    expect(arrays.get("big_endian")?.data).toEqual(Float32Array.of(1.5, -2));
  });
});

describe.each(["structures", "structures-deflated"])("%s.npz, written by NumPy itself (numpy/make.py)", (archive) => {
  const file = readFileSync(new URL(`./numpy/${archive}.npz`, import.meta.url));
  const odd = "particles/it's 'a, [β]\\";
  const range = (length: number) => Array.from({ length }, (_, i) => i);

  it("gives each field of numbers as an array, and names the others", () => {
    const { arrays, leftOut } = readNpz(file);
    const read = Object.fromEntries([...arrays].filter(([name]) => !name.startsWith("empty/")));
    expect(read).toEqual({
      "particles/id": { dtype: "U8", shape: [4], data: Uint8Array.of(1, 2, 3, 255) },
      "particles/pos": { dtype: "F64", shape: [4, 3], data: Float64Array.from(range(12), (i) => i / 8) },
      "particles/mass": { dtype: "F32", shape: [4], data: Float32Array.of(0.5, -1, 2, 3) },
      [odd]: { dtype: "I16", shape: [4, 2, 2], data: Int16Array.from(range(16), (i) => i - 8) },
      "particles/flag": { dtype: "BOOL", shape: [4], data: Uint8Array.of(1, 0, 0, 1) },
      "particles/last": { dtype: "F16", shape: [4], data: Uint16Array.of(0x3800, 0xc000, 0, 0x3c00) },
      "grid/v": { dtype: "F32", shape: [2, 3, 2], data: Float32Array.from(range(12)) },
      "grid/p": { dtype: "I32", shape: [2, 3], data: Int32Array.from(range(6)) },
      plain: { dtype: "F64", shape: [3], data: Float64Array.of(0, 1, 2) },
    });
    expect(arrays.get("empty/pos")).toEqual({ dtype: "F64", shape: [0, 3], data: new Float64Array(0) });
    const others = Object.fromEntries([...leftOut].filter(([name]) => !name.startsWith("empty/")));
    expect(others).toEqual({
      "particles/name": "|S3",
      "particles/inner": "a structure",
      "particles/time": "<M8[s]",
      "particles/z": "<c16",
      objects: "[('x', '<f8'), ('o', '|O')]",
    });
    expect(listNpz(file).sort()).toEqual([...arrays.keys(), ...leftOut.keys()].sort());
  });

  it("gives the same when asked for single arrays, or for rows", async () => {
    const source: PartialFile = {
      file: "a",
      size: file.length,
      read: async (at, length) => file.subarray(at, at + length),
    };
    for (const [name, array] of loadNpz(file)) {
      expect([...loadNpz(file, { only: [name] })], name).toEqual([[name, array]]);
      const [rows] = array.shape;
      if (rows < 2) continue;
      const row = array.data.length / rows;
      const expected = { ...array, shape: [1, ...array.shape.slice(1)], data: array.data.slice(row, 2 * row) };
      expect(loadNpzRows(file, name, 1, 2), name).toEqual(expected);
      const { [name]: reader } = await openNpzRows(source, [name]);
      expect(reader.shape).toEqual(array.shape);
      expect(await reader.rows(1, 1), name).toEqual(expected);
    }
  });

  it("says what can be asked for", () => {
    const asked = (name: string) => () => loadNpz(file, { file: "a.npz", only: [name] });
    expect(asked("grid")).toThrow(/^a\.npz:grid\.npy: holds structures of the fields v, p\. .* of its own, NAME\/v: /);
    expect(asked("particles/name")).toThrow(
      /particles\.npy: field "name" holds elements of type '\|S3'.* cannot be read/,
    );
    expect(() => loadNpzRows(file, "grid/w", 0, 1)).toThrow(/grid\.npy: holds no field "w", but v, p\.$/);
  });
});

it("reads structures only from headers that are lists of fields", () => {
  const data = new Uint8Array(16);
  const found = (description: string) => readNpz(zipSync({ "a.npy": npy(description, "False", "(2,)", data) }));
  expect([...found("[('x', '<f4'), ('', '|V4')]").arrays.keys()]).toEqual(["a/x"]);
  for (const fields of [
    "",
    "('x', '<f8'), ('x', '<f8')",
    "('x', '<f8'",
    "'x', '<f8'",
    "('x', '<f8')]",
    "('x', '<f8', (9007199254740991, 3))",
    `${"('x', [".repeat(50)}('x', '<f8')${"])".repeat(50)}`,
    `('x', '<f8', (${"1".repeat(5000)}`,
  ]) {
    expect(found(`[${fields}]`), fields).toEqual({ arrays: new Map(), leftOut: new Map([["a", `[${fields}]`]]) });
  }
  // Records without bytes are of any number.
  const none = npy("[('x', '<f8', (0,))]", "False", "(9007199254740991,)", new Uint8Array());
  expect(readNpz(zipSync({ "a.npy": none })).arrays.get("a/x")?.shape).toEqual([9007199254740991, 0]);
  const both = { "a.npy": npy("[('x', '<f8')]", "False", "(2,)", data), "a/x.npy": cloud };
  expect(() => loadNpz(zipSync(both))).toThrow('npz: holds "a/x" twice.');
});

function shared(bytes: Uint8Array): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length));
  view.set(bytes);
  return view;
}

function growable(bytes: Uint8Array): Uint8Array {
  // TypeScript's types here do not declare resizable buffers.
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
  const view = new Uint8Array(new Resizable(bytes.length + 1, { maxByteLength: 1 << 20 }), 1);
  view.set(bytes);
  return view;
}
