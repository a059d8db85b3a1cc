// Files that PyTorch wrote (torch/make.py; the golden checkpoint is PyTorch 2.6's), and one that it has read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError, InputError } from "../../src/errors.ts";
import { toFloat32 } from "../../src/formats/bytes/elements.ts";
import type { Pickled } from "../../src/formats/torch/pickle.ts";
import { loadTorch, saveTorch, TorchTensor, torchTensors } from "../../src/formats/torch/torch.ts";
import { concat, flips, readOrRefuse, truncations } from "./corruption.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "torch", name));
const load = (name: string) => loadTorch(read(name), { file: name });

function tensor(value: Pickled | undefined): { dtype: string; shape: number[]; data: unknown } {
  if (!(value instanceof TorchTensor)) throw new Error(`expected a tensor, found ${value}`);
  const { dtype, shape, data } = value;
  return { dtype, shape, data: [...data] };
}

/** Returns the element (row, column) of the base tensor in make.py. */
const at = (row: number, column: number) => (6 * row + column) / 8;

describe("a file of torch.save", () => {
  const values = load("values.pt") as Map<string, Pickled>;

  it("holds tensors of every type", () => {
    const arrays = Object.fromEntries([...torchTensors(values)].map(([name, value]) => [name, tensor(value)]));
    expect(arrays.float64).toEqual({ dtype: "F64", shape: [2], data: [0.1, -2] });
    expect(arrays.int64).toEqual({ dtype: "I64", shape: [2], data: [2n ** 62n, -1n] });
    expect(arrays.int32).toEqual({ dtype: "I32", shape: [2], data: [2 ** 30, -1] });
    expect(arrays.int16).toEqual({ dtype: "I16", shape: [2], data: [300, -1] });
    expect(arrays.int8).toEqual({ dtype: "I8", shape: [2], data: [100, -1] });
    expect(arrays.uint8).toEqual({ dtype: "U8", shape: [2], data: [200, 1] });
    expect(arrays.bool).toEqual({ dtype: "BOOL", shape: [2], data: [1, 0] });
    expect(arrays.scalar).toEqual({ dtype: "F32", shape: [], data: [7.25] });
    expect(arrays.empty).toEqual({ dtype: "F32", shape: [0, 3], data: [] });
    expect(arrays.parameter).toEqual({ dtype: "F32", shape: [2], data: [1, 2] });
    for (const name of ["float16", "bfloat16"]) {
      expect([...toFloat32(values.get(name) as TorchTensor)], name).toEqual([0.5, -2]);
    }
  });

  it("holds views of other tensors, which are read row by row", () => {
    const base = Array.from({ length: 24 }, (_, i) => i / 8);
    expect(tensor(values.get("base"))).toEqual({ dtype: "F32", shape: [4, 6], data: base });
    expect(tensor(values.get("rows"))).toEqual({ dtype: "F32", shape: [2, 6], data: base.slice(12) });
    const transposed = Array.from({ length: 24 }, (_, i) => at(i % 4, Math.floor(i / 4)));
    expect(tensor(values.get("transposed"))).toEqual({ dtype: "F32", shape: [6, 4], data: transposed });
    const columns = Array.from({ length: 9 }, (_, i) => at(1 + Math.floor(i / 3), 1 + 2 * (i % 3)));
    expect(tensor(values.get("columns"))).toEqual({ dtype: "F32", shape: [3, 3], data: columns });
  });

  it("holds plain values, and dictionaries in them", () => {
    const state = torchTensors(values.get("state") as Pickled);
    expect([...state.keys()]).toEqual(["weight", "bias"]);
    expect(tensor(state.get("weight"))).toEqual({ dtype: "F32", shape: [1, 2], data: [0.5, -2] });
    const plain = [1, -1, 70000, 2 ** 40, 2n ** 70n, 0.1, "naïve", true, null, [1, "b"], new Map([[3, "c"]]), [2, 3]];
    expect(values.get("plain")).toEqual(plain);
  });

  it("may be a single tensor", () => {
    expect(tensor(load("tensor.th"))).toEqual({ dtype: "F32", shape: [2, 3], data: [0, 1, 2, 3, 4, 5] });
  });

  // Python's pickle made it, as torch.save(..., pickle_protocol=4) does: OrderedDict(weight=a tensor of 2 x 2, note=[...]).
  it.each([4, 5])("may be of pickle's protocol %i, with frames", (protocol) => {
    const pickle = Buffer.from(
      "gASVyQAAAAAAAACMC2NvbGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpQojAZ3ZWlnaHSUjAx0b3JjaC5fdXRpbHOUjBJfcmVidWlsZF90ZW5z" +
        "b3JfdjKUk5QoKIwHc3RvcmFnZZSMBXRvcmNolIwMRmxvYXRTdG9yYWdllJOUjAEwlIwDY3B1lEsEdJRRSwBLAksChpRLAksBhpSJaAIpUpR0" +
        "lFKUjARub3RllF2UKIwGw6nDqcOplIoJAAAAAAAAAABAKEsBSwJLA0sEdJRldS4=",
      "base64",
    );
    pickle[1] = protocol;
    const storage = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    const found = loadTorch(zipSync({ "a/data.pkl": pickle, "a/data/0": storage }, { level: 0 })) as Map<
      string,
      Pickled
    >;
    expect(tensor(found.get("weight"))).toEqual({ dtype: "F32", shape: [2, 2], data: [1, 2, 3, 4] });
    expect(found.get("note")).toEqual(["\u00e9\u00e9\u00e9", 2n ** 70n, [1, 2, 3, 4]]);
  });

  it("that asks for a call is refused by the call's name, and an old one with advice", () => {
    expect(() => load("hostile.pt")).toThrow(
      /hostile.pt:.*data.pkl: the pickle asks for posix.system.* save its state_dict alone/,
    );
    expect(() => load("legacy.pt")).toThrow(/legacy.pt: a pickle without an archive.*save it again/);
  });

  it("of PyTorch Geometric is told how its graphs are saved to be read, and so is one with NumPy's arrays", () => {
    expect(() => load("geometric.pt")).toThrow(
      /asks for torch_geometric\.data\.data\.Data, .*save the arrays of its graphs, torch\.save\(data\.to_dict/,
    );
    expect(() => load("numpy.pt")).toThrow(/asks for numpy\._core.*save its arrays as tensors \(torch\.from_numpy\)/);
    const saved = load("geometric-dict.pt") as Map<string, Pickled>;
    expect(tensor(saved.get("pos"))).toEqual({ dtype: "F32", shape: [2, 3], data: [0, 0.25, 0.5, 0.75, 1, 1.25] });
    expect(tensor(saved.get("edge_index"))).toEqual({ dtype: "I64", shape: [2, 2], data: [0n, 1n, 1n, 0n] });
  });

  it("that is damaged is refused, and quickly", () => {
    const bytes = read("tensor.th");
    for (const damaged of [...truncations(bytes), ...flips(bytes, bytes.length, [0x01, 0x80])]) {
      const value = readOrRefuse((file) => loadTorch(file), damaged);
      if (value instanceof TorchTensor)
        assert.equal(
          value.data.length,
          value.shape.reduce((a, b) => a * b, 1),
        );
    }
  });

  it("whose pickle is damaged under a right checksum is refused", () => {
    const pickle = unpack(read("tensor.th"), "data.pkl");
    const archive = (data: Uint8Array) => zipSync({ "a/data.pkl": data, "a/data/0": new Uint8Array(24) }, { level: 0 });
    for (const damaged of [...truncations(pickle), ...flips(pickle)]) {
      const value = readOrRefuse((file) => loadTorch(file), archive(damaged));
      if (value instanceof TorchTensor)
        assert.equal(
          value.data.length,
          value.shape.reduce((a, b) => a * b, 1),
        );
    }
  });

  it("refuses a tensor larger than its memory before it takes any", () => {
    const pickle = unpack(read("tensor.th"), "data.pkl");
    // The shape (2, 3), as K 2 K 3, becomes (0x7fffffff, 3) with a stride of 0: an expanded tensor of 26 GB from 24 bytes.
    const text = Buffer.from(pickle).toString("latin1");
    const expanded = text
      .replace("K\x02K\x03\x86", "J\xff\xff\xff\x7fK\x03\x86")
      .replace("K\x03K\x01\x86", "K\x00K\x01\x86");
    const bytes = zipSync(
      { "a/data.pkl": Buffer.from(expanded, "latin1"), "a/data/0": new Uint8Array(24) },
      { level: 0 },
    );
    expect(() => loadTorch(bytes)).toThrow(/shape \(2147483647,3\).*contiguous/);
  });
});

describe("saveTorch", () => {
  it("writes the bytes that PyTorch has read (make.py checks them)", () => {
    const written = saveTorch(
      new Map([
        ["weight", { dtype: "F32", shape: [2, 3], data: Float32Array.of(0.5, -2, 3.25, 1, 0, -1.5) }],
        ["double", { dtype: "F64", shape: [1], data: Float64Array.of(0.1) }],
        ["scalar", { dtype: "I32", shape: [], data: Int32Array.of(7) }],
        ["counts", { dtype: "I64", shape: [2], data: BigInt64Array.of(2n ** 62n, -1n) }],
        ["halves", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3800, 0xc000) }],
        ["flags", { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) }],
        ["empty", { dtype: "F32", shape: [0, 3], data: new Float32Array() }],
      ]),
    );
    expect(Buffer.from(written).equals(read("written.pt"))).toBe(true);
    expect(tensor(torchTensors(loadTorch(written)).get("counts"))).toEqual({
      dtype: "I64",
      shape: [2],
      data: [2n ** 62n, -1n],
    });
  });

  it("refuses what PyTorch has no type for", () => {
    const counts = { dtype: "U32" as const, shape: [1], data: Uint32Array.of(1) };
    expect(() => saveTorch(new Map([["counts", counts]]))).toThrow(InputError);
  });
});

it("another pickle than PyTorch's is refused", () => {
  const bytes = zipSync({ "a/data.pkl": concat(Uint8Array.of(0x80, 2), "cbuiltins\neval\n.") }, { level: 0 });
  expect(() => loadTorch(bytes)).toThrow(FormatError);
});

/** Returns a record's bytes in PyTorch's archive, which stores them uncompressed and writes their size after them. */
function unpack(archive: Uint8Array, name: string): Uint8Array {
  const buffer = Buffer.from(archive);
  const local = buffer.lastIndexOf("PK\x03\x04", buffer.indexOf(name), "latin1");
  const start = local + 30 + buffer.readUInt16LE(local + 26) + buffer.readUInt16LE(local + 28);
  return buffer.subarray(start, buffer.indexOf("PK\x07\x08", start, "latin1"));
}
