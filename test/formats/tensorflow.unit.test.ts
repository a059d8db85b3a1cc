// Records, examples and tensors that TensorBoard's own code wrote (tensorflow/make.py).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import type { SafeTensor } from "../../src/formats/bytes/elements.ts";
import { type Feature, readExample, readTensorProto, writeExample } from "../../src/formats/tensorflow/tensorflow.ts";
import { readTfRecords, writeTfRecords } from "../../src/formats/tensorflow/tfrecord.ts";
import { flips, readOrRefuse, truncations } from "./corruption.ts";

const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, "tensorflow", "records.tfrecord")));
const records = [...readTfRecords(bytes)];
const examples = records.map((record) => readExample(record, "records"));

function tensor(example: ReadonlyMap<string, Feature>, name: string): SafeTensor {
  const feature = example.get(name);
  if (!feature || !("bytes" in feature)) throw new Error(`no bytes: ${name}`);
  return readTensorProto(feature.bytes[0], name);
}

describe("tfrecord", () => {
  it("holds examples of tensors", () => {
    expect(records.length).toBe(3);
    for (const [k, example] of examples.entries()) {
      expect(tensor(example, "x")).toEqual({
        dtype: "F32",
        shape: [300],
        data: Float32Array.from({ length: 300 }, (_, i) => i / 8 + k),
      });
      expect(tensor(example, "values")).toEqual({ dtype: "F32", shape: [1, 3], data: Float32Array.of(0.5, -2, 3) });
      expect(tensor(example, "scalar")).toEqual({ dtype: "F32", shape: [], data: Float32Array.of(0.3175) });
      expect(tensor(example, "double")).toEqual({ dtype: "F64", shape: [2], data: Float64Array.of(0.1, k) });
      expect(tensor(example, "counts")).toEqual({ dtype: "I64", shape: [2], data: BigInt64Array.of(2n ** 62n, -1n) });
      expect(example.get("floats")).toEqual({ floats: Float32Array.of(0.25, k) });
      expect(example.get("integers")).toEqual({ integers: BigInt64Array.of(2n ** 62n, BigInt(-k)) });
      expect(example.get("text")).toEqual({ bytes: [new TextEncoder().encode("hello")] });
    }
  });

  it("is written as others write it", () => {
    const written = writeTfRecords(records);
    expect(Buffer.from(written).equals(bytes)).toBe(true);
    const x = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    const [record] = readTfRecords(writeTfRecords([writeExample(new Map([["x", x]]))]));
    expect(tensor(readExample(record, "own"), "x")).toEqual({ dtype: "F32", ...x });
  });

  it("that is damaged is refused, with file and offset", () => {
    const second = 16 + records[0].length;
    const damaged = bytes.slice();
    damaged[second + 40] ^= 1;
    expect(() => [...readTfRecords(damaged, { file: "halos.tfrecord" })]).toThrow(
      new RegExp(`^halos.tfrecord: the record at byte ${second} is damaged: checksum`),
    );
    const first = bytes.slice(0, second);
    for (const file of truncations(first)) {
      const read = readOrRefuse((cut) => [...readTfRecords(cut)], file);
      if (read) assert.equal(read.length, 0);
    }
    for (const file of flips(first, first.length, [0x10])) {
      expect(() => [...readTfRecords(file)], "every bit is under a checksum").toThrow(FormatError);
    }
  });

  it("whose messages are damaged under right checksums gives whole tensors or a FormatError", () => {
    for (const message of [...truncations(records[0]), ...flips(records[0], records[0].length, [0x01, 0x90])]) {
      const example = readOrRefuse((damaged) => readExample(damaged, "example"), message);
      for (const feature of example?.values() ?? []) {
        if (!("bytes" in feature) || !feature.bytes[0]) continue;
        const value = readOrRefuse((damaged) => readTensorProto(damaged, "feature"), feature.bytes[0]);
        if (value)
          assert.equal(
            value.data.length,
            value.shape.reduce((a, b) => a * b, 1),
          );
      }
    }
  });
});
