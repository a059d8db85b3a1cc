// Safetensors: what is written is read back to the bit, and damaged files are refused.
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, InputError } from "../../src/errors.ts";
import { elementCount } from "../../src/formats/bytes/bytes.ts";
import { arrayTypes } from "../../src/formats/bytes/elements.ts";
import { addMetadata, readHeaderOf } from "../../src/formats/safetensors/metadata.ts";
import {
  isTorchFile,
  loadSafetensors,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  saveSafetensors,
  toFloat32,
  toInt32,
} from "../../src/formats/safetensors/safetensors.ts";
import { concat, flips, mustRefuse, readOrRefuse, truncations } from "./corruption.ts";

/** Makes a file with this header, word for word, and this many zero bytes after it. */
function fileWith(header: string, dataBytes = 0): Uint8Array {
  const length = new BigUint64Array([BigInt(new TextEncoder().encode(header).length)]);
  return concat(length.buffer, header, new Uint8Array(dataBytes));
}

const small = () =>
  saveSafetensors(
    {
      weight: { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-40, -0) },
      index: { shape: [3], data: Int32Array.of(0, -1, 2 ** 31 - 1) },
      mask: { shape: [5], data: Uint8Array.of(1, 0, 1, 1, 0) },
    },
    { config: '{"cIn":3}' },
  );

const anyTensor = fc
  .tuple(
    fc.constantFrom(...(Object.keys(arrayTypes) as SafeTensorType[])),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
  )
  .map(([dtype, shape, random]): SafeTensorInput => {
    const type = arrayTypes[dtype];
    const bytes = Uint8Array.from({ length: elementCount(shape) * type.BYTES_PER_ELEMENT }, () => random.next().value);
    return { dtype, shape, data: new type(bytes.buffer) };
  });

const anyTensors = fc.dictionary(fc.string({ unit: "grapheme" }), anyTensor, { maxKeys: 6 });

describe("safetensors", () => {
  it("with metadata added is the file that would have been written with it", () => {
    fc.assert(
      fc.property(anyTensors, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        const added = addMetadata(saveSafetensors(tensors, metadata), { job: "{}" }, "file");
        const read = loadSafetensors(added);
        expect(read).toEqual(loadSafetensors(saveSafetensors(tensors, { ...metadata, job: "{}" })));
      }),
    );
    expect(addMetadata(small(), { job: "{}" }, "file")).toEqual(
      saveSafetensors(loadSafetensors(small()).tensors, { config: '{"cIn":3}', job: "{}" }),
    );
  });

  it("gives its header without the rest being read, if the rest has the right size", async () => {
    const data = new Float32Array(100_000);
    const bytes = saveSafetensors({ data: { shape: [data.length], data } }, { job: "x".repeat(20_000) });
    const parts: number[][] = [];
    const read = (size: number) =>
      readHeaderOf({
        file: "file",
        size,
        read: async (offset, length) => {
          parts.push([offset, length]);
          return bytes.subarray(offset, offset + length);
        },
      });
    expect((await read(bytes.length)).metadata.job.length).toBe(20_000);
    expect(Math.max(...parts.map(([offset, length]) => offset + length))).toBeLessThan(21_000);
    await expect(read(bytes.length - 1)).rejects.toThrow(/truncated: tensor "data" ends/);
  });

  it("gives back names, types, shapes, bits and metadata", () => {
    fc.assert(
      fc.property(anyTensors, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        const file = loadSafetensors(saveSafetensors(tensors, metadata));
        expect(file.metadata).toEqual({ ...metadata });
        expect(new Set(file.tensors.keys())).toEqual(new Set(Object.keys(tensors)));
        for (const [name, { dtype, shape, data }] of file.tensors) {
          expect({ dtype, shape }).toEqual({ dtype: tensors[name].dtype, shape: tensors[name].shape });
          expect(bits(data)).toEqual(bits(tensors[name].data));
        }
      }),
    );
  });

  it("reads unaligned tensors of a Node Buffer, whose slice does not copy", () => {
    const header =
      '{"u":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"f":{"dtype":"F32","shape":[4],"data_offsets":[3,19]}}';
    const bytes = fileWith(header, 19);
    const values = Float32Array.of(1.5, -2, 3, 4);
    bytes.set(new Uint8Array(values.buffer), bytes.length - 16);
    expect(loadSafetensors(Buffer.from(bytes)).tensors.get("f")?.data).toEqual(values);
  });

  it("refuses what is no bytes", () => {
    for (const wrong of ["model.safetensors", 1000, null, undefined, [1, 2], {}]) {
      expect(() => loadSafetensors(wrong as unknown as Uint8Array)).toThrow(InputError);
    }
  });

  it("writes the same bytes for the same tensors in any order, aligned", () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        const bytes = saveSafetensors(tensors, { b: "2", a: "1" });
        const reversed = new Map(Object.entries(tensors).reverse());
        expect(saveSafetensors(reversed, { a: "1", b: "2" })).toEqual(bytes);
        expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
        for (const { data } of loadSafetensors(bytes).tensors.values()) expect(data.buffer).toBe(bytes.buffer);
      }),
    );
  });

  it("keeps names that look like numbers, and their order", () => {
    const bytes = saveSafetensors({
      "10": { shape: [], data: Int8Array.of(1) },
      a: { shape: [], data: Int8Array.of(2) },
    });
    expect([...loadSafetensors(bytes).tensors.keys()]).toEqual(["10", "a"]);
  });

  it("reads a file that lies unaligned in a larger buffer", () => {
    const bytes = small();
    const shifted = concat(new Uint8Array(3), bytes).subarray(3);
    expect([...loadSafetensors(shifted).tensors]).toEqual([...loadSafetensors(bytes).tensors]);
    expect([...loadSafetensors(bytes.buffer).tensors]).toEqual([...loadSafetensors(bytes).tensors]);
  });

  it("reads every golden file, and writes it again without loss", () => {
    const folder = new URL("../golden/", import.meta.url);
    const names = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const { tensors, metadata } = loadSafetensors(readFileSync(new URL(name, folder)), { file: name });
      const again = loadSafetensors(saveSafetensors(tensors, metadata));
      expect(again.metadata).toEqual(metadata);
      expect(again.tensors.size).toBe(tensors.size);
      for (const [key, { dtype, shape, data }] of tensors) {
        expect(again.tensors.get(key)).toMatchObject({ dtype, shape });
        // They are compared as buffers, because an element-wise comparison takes seconds.
        expect(Buffer.compare(bits(again.tensors.get(key)?.data ?? new Uint8Array()), bits(data))).toBe(0);
      }
    }
  });

  it("refuses every truncation", () => {
    for (const bytes of truncations(small())) mustRefuse(loadSafetensors, bytes);
  });

  it("survives every flipped header byte", () => {
    const bytes = small();
    const headerEnd = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    for (const flipped of flips(bytes, headerEnd)) {
      const file = readOrRefuse(loadSafetensors, flipped);
      for (const tensor of file?.tensors.values() ?? []) expectConsistent(tensor);
    }
  });

  it("survives arbitrary bytes and arbitrary JSON", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void readOrRefuse(loadSafetensors, bytes)));
    fc.assert(
      fc.property(fc.json(), fc.nat(16), (json, bytes) => void readOrRefuse(loadSafetensors, fileWith(json, bytes))),
    );
  });

  const f32 = (from: number, to: number, shape = "[1]") =>
    `{"dtype":"F32","shape":${shape},"data_offsets":[${from},${to}]}`;
  it.each([
    ["a header length beyond the file", concat(new BigUint64Array([2n ** 63n]).buffer, "{}"), /header is said to be/],
    ["no JSON", fileWith("{nonsense"), /header is not JSON/],
    [
      "bytes that are no UTF-8",
      concat(new BigUint64Array([4n]).buffer, Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)),
      /not JSON/,
    ],
    [
      "a page that a server sends in place of it",
      new TextEncoder().encode("<!doctype html><html>"),
      /a web page, or no safe/,
    ],
    ["a list for a header", fileWith("[]"), /not a JSON object/],
    ["overlapping tensors", fileWith(`{"a":${f32(0, 4)},"b":${f32(2, 6)}}`, 6), /"b" overlaps.*begin at 4, found 2/],
    ["the same bytes used twice", fileWith(`{"a":${f32(0, 4)},"b":${f32(0, 4)}}`, 4), /"b" overlaps/],
    ["a hole", fileWith(`{"a":${f32(0, 4)},"b":${f32(8, 12)}}`, 12), /"b" leaves bytes before it unused/],
    ["bytes at the end", fileWith(`{"a":${f32(0, 4)}}`, 5), /1 bytes after the last tensor/],
    ["a tensor beyond the end", fileWith(`{"a":${f32(0, 4)}}`, 3), /truncated: tensor "a" ends at byte/],
    [
      "a byte count that does not fit",
      fileWith(`{"a":${f32(0, 8)}}`, 8),
      /"a": F32 of shape \[1\] takes 4 bytes.*hold 8/,
    ],
    ["a shape beyond all bounds", fileWith(`{"a":${f32(0, 4, "[9007199254740991,9]")}}`, 4), /"a".*not a shape/],
    ["a negative shape", fileWith(`{"a":${f32(0, 4, "[-1]")}}`, 4), /not a shape/],
    ["a fraction for an offset", fileWith(`{"a":${f32(0.5, 4.5)}}`, 5), /whole numbers/],
    ["an unknown dtype", fileWith('{"a":{"dtype":"C64","shape":[],"data_offsets":[0,8]}}', 8), /unknown dtype "C64"/],
    [
      "an inherited name for a dtype",
      fileWith('{"a":{"dtype":"constructor","shape":[],"data_offsets":[0,8]}}', 8),
      /dtype/,
    ],
    ["a name twice", fileWith(`{"a":${f32(0, 4)},"\\u0061":${f32(4, 8)}}`, 8), /names "a" twice/],
    ["a key twice", fileWith('{"a":{"dtype":"I8","dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1), /"dtype" twice/],
    ["metadata that are no strings", fileWith('{"__metadata__":{"n":1}}'), /metadata "n" is not a string/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadSafetensors(bytes, { file: "x.safetensors" })).toThrow(FormatError);
    expect(() => loadSafetensors(bytes, { file: "x.safetensors" })).toThrow(message);
    expect(() => loadSafetensors(bytes, { file: "x.safetensors" })).toThrow(/^x\.safetensors: /);
  });

  it.each([
    ["a shape that does not fit", { a: { shape: [2], data: Float32Array.of(1) } }],
    ["an array that cannot hold the dtype", { a: { shape: [1], data: Float32Array.of(1), dtype: "I32" as const } }],
    ["the reserved name", { __metadata__: { shape: [1], data: Float32Array.of(1) } }],
  ])("does not write %s", (_, tensors) => {
    expect(() => saveSafetensors(tensors)).toThrow(InputError);
  });
});

describe("conversion", () => {
  const tensor = (dtype: SafeTensorType, data: SafeTensor["data"]): SafeTensor => ({
    dtype,
    shape: [data.length],
    data,
  });

  it("gives float32", () => {
    const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000);
    expect([...toFloat32(tensor("F16", half))]).toEqual([1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY, -0]);
    expect([...toFloat32(tensor("BF16", Uint16Array.of(0x3f80, 0xc040)))]).toEqual([1, -3]);
    expect([...toFloat32(tensor("I64", BigInt64Array.of(-5n, 7n)))]).toEqual([-5, 7]);
    expect([...toFloat32(tensor("BOOL", Uint8Array.of(0, 1)))]).toEqual([0, 1]);
    expect(Number.isNaN(toFloat32(tensor("F64", Float64Array.of(Number.NaN)))[0])).toBe(true);
    expect(() => toFloat32(tensor("F64", Float64Array.of(0, 1e39)), "x")).toThrow("x: element 1 is 1e+39");
  });

  it("gives int32, in range only", () => {
    // Float32 has no 2^24 + 1.
    expect([...toInt32(tensor("I64", BigInt64Array.of(-5n, 2n ** 24n + 1n)))]).toEqual([-5, 2 ** 24 + 1]);
    expect([...toInt32(tensor("F32", Float32Array.of(3)))]).toEqual([3]);
    expect([...toInt32(tensor("F16", Uint16Array.of(0x4200)))]).toEqual([3]);
    for (const wrong of [BigInt64Array.of(2n ** 31n), BigInt64Array.of(-(2n ** 40n))]) {
      expect(() => toInt32(tensor("I64", wrong), "batch_idx")).toThrow(InputError);
    }
    expect(() => toInt32(tensor("F32", Float32Array.of(0.5)))).toThrow(InputError);
    expect(() => toInt32(tensor("U32", Uint32Array.of(2 ** 32 - 1)))).toThrow(InputError);
  });
});

it("is not taken for PyTorch's because the length of its header begins as an archive does", () => {
  const length = 0x4b50;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  bytes.set([0x50, 0x4b, 0, 0, 0, 0, 0, 0]);
  bytes.set(new TextEncoder().encode("{}"), 8);
  expect(isTorchFile(bytes)).toBe(false);
  expect(loadSafetensors(bytes).tensors.size).toBe(0);
});

function bits(array: SafeTensor["data"]): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
}

function expectConsistent({ dtype, shape, data }: SafeTensor): void {
  expect(data).toBeInstanceOf(arrayTypes[dtype]);
  expect(data.length).toBe(elementCount(shape));
}
