// The TensorFlow messages that data sets use: tf.train.Example, a record of named features, and TensorProto, a tensor that is
// serialized into a feature.
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/feature.proto, .../framework/tensor.proto

import { PbfReader, PbfWriter } from "pbf";
import { wrongType } from "../../arguments/kinds.ts";
import { bytesOf, elementCount, expectWithin, formatError, readArray, toDataView } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensor, type SafeTensorType, tensorEntries, tensorType } from "../bytes/elements.ts";

/** A feature of an Example: a list of byte strings, of float32 values or of 64-bit integers. */
export type Feature = { bytes: Uint8Array[] } | { floats: Float32Array } | { integers: BigInt64Array };

/** Element types by their numbers in tensorflow.DataType. */
const tensorTypes: Partial<Record<number, SafeTensorType>> = { 1: "F32", 2: "F64", 3: "I32", 9: "I64" };
/** Wire types: the low three bits of a field's key tell how its value is encoded. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * Reads a serialized tf.train.Example.
 * @param file name used in error messages
 * @throws FormatError for bytes that are not such a message.
 */
export function readExample(bytes: Uint8Array, file: string): Map<string, Feature> {
  return reading(bytes, file, "tf.train.Example", (reader) => {
    const features = new Map<string, Feature>();
    // Example.features and Features.feature; the latter has a message for each entry of the map.
    for (const example of messages(reader, 1)) {
      for (const entry of messages(new PbfReader(example), 1)) {
        const [name, feature] = readEntry(new PbfReader(entry));
        if (feature) features.set(name, feature);
      }
    }
    return features;
  });
}

/** Calls a reader of protocol buffers, and converts whatever goes wrong in it to an error about the file. */
function reading<T>(bytes: Uint8Array, file: string, what: string, read: (reader: PbfReader) => T): T {
  try {
    return read(new PbfReader(bytes));
  } catch (cause) {
    throw formatError(file, `holds no ${what}: ${(cause as Error).message}.`, { expected: what }, { cause });
  }
}

/** Returns the next field's number; 0 at the end. A field that continues beyond the end is an error, which pbf does not check. */
function nextField(reader: PbfReader): number {
  if (reader.pos > reader.length) throw new Error("a field is cut short");
  return reader.nextField();
}

function bytesField(reader: PbfReader): Uint8Array {
  if (reader.type !== LENGTH_DELIMITED) throw new Error("a message has another type than expected");
  const length = reader.readVarint();
  const start = reader.pos;
  if (length > reader.length - start) throw new Error("a field is cut short");
  reader.pos = start + length;
  return reader.buf.subarray(start, reader.pos);
}

/** Yields the messages in a repeated field, and skips other fields. */
function* messages(reader: PbfReader, field: number): Generator<Uint8Array> {
  for (let number = nextField(reader); number !== 0; number = nextField(reader)) {
    if (number === field) yield bytesField(reader);
    else reader.skip(reader.type);
  }
}

function readEntry(reader: PbfReader): [string, Feature | undefined] {
  let name = "";
  let feature: Feature | undefined;
  for (let number = nextField(reader); number !== 0; number = nextField(reader)) {
    if (number === 1) name = new TextDecoder().decode(bytesField(reader).slice());
    else if (number === 2) feature = readFeature(new PbfReader(bytesField(reader)));
    else reader.skip(reader.type);
  }
  return [name, feature];
}

function readFeature(reader: PbfReader): Feature | undefined {
  let feature: Feature | undefined;
  for (let number = nextField(reader); number !== 0; number = nextField(reader)) {
    const list = bytesField(reader);
    if (number === 1) feature = { bytes: [...messages(new PbfReader(list), 1)] };
    else if (number === 2) feature = { floats: new Float32Array(readFloats(list)) };
    else if (number === 3) feature = { integers: new BigInt64Array(readIntegers(list)) };
  }
  return feature;
}

function readFloats(list: Uint8Array): number[] {
  const values: number[] = [];
  const reader = new PbfReader(list);
  for (let number = nextField(reader); number !== 0; number = nextField(reader)) {
    if (number === 1) addFloats(reader, values);
    else reader.skip(reader.type);
  }
  return values;
}

/** Adds what a field of a repeated float holds: all values, packed as proto3 writes them, or one of them as older writers do. */
function addFloats(reader: PbfReader, values: number[]): void {
  if (reader.type !== LENGTH_DELIMITED) {
    values.push(reader.readFloat());
    return;
  }
  const packed = bytesField(reader);
  if (packed.length % 4 !== 0) throw new Error("a list of floats is cut short");
  const view = toDataView(packed);
  for (let at = 0; at < packed.length; at += 4) values.push(view.getFloat32(at, true));
}

function readIntegers(list: Uint8Array): bigint[] {
  const values: bigint[] = [];
  const reader = new PbfReader(list);
  for (let number = nextField(reader); number !== 0; number = nextField(reader)) {
    if (number !== 1) reader.skip(reader.type);
    else if (reader.type === VARINT) values.push(readVarint(reader));
    else {
      const packed = new PbfReader(bytesField(reader));
      while (packed.pos < packed.length) values.push(readVarint(packed));
    }
  }
  return values;
}

/** Reads all 64 bits of an integer, which pbf's own function would round to a float64. */
function readVarint(reader: PbfReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.buf[reader.pos++];
    if (byte === undefined || reader.pos > reader.length) break;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asIntN(64, value);
  }
  throw new Error("an integer is cut short");
}

/**
 * Reads a serialized TensorProto, whose elements are either raw bytes (`tensor_content`) or a list of float32 values (`float_val`,
 * in which a single value stands for all elements).
 * @param file name used in error messages, with the feature's name
 * @throws FormatError for an element type other than float32, float64, int32, int64, and for data that does not fit the shape.
 */
export function readTensorProto(bytes: Uint8Array, file: string): SafeTensor {
  const { type, shape, content, floats } = reading(bytes, file, "TensorProto", readTensorFields);
  const dtype = tensorTypes[type];
  if (!dtype) {
    throw formatError(file, `elements of DataType ${type} cannot be read; known are ${Object.values(tensorTypes)}.`, {
      expected: Object.values(tensorTypes) as string[],
      found: type,
    });
  }
  const length = elementCount(shape);
  const width = arrayTypes[dtype].BYTES_PER_ELEMENT;
  if (content.length > 0 || floats.length === 0) {
    if (content.length !== length * width) {
      throw formatError(file, `shape (${shape}) of ${dtype} takes ${length * width} bytes, found ${content.length}.`, {
        expected: length * width,
        found: content.length,
      });
    }
    return { dtype, shape, data: readArray(content, 0, length, arrayTypes[dtype]) };
  }
  // A larger tensor of equal values is considered damaged.
  if (floats.length === 1) expectWithin("repeated", length, file, `shape (${shape}) repeats a value ${length} times`);
  if (dtype !== "F32" || (floats.length !== length && floats.length !== 1)) {
    throw formatError(file, `shape (${shape}) of ${dtype} takes ${length} values, found ${floats.length}.`, {
      expected: length,
      found: floats.length,
    });
  }
  const data = Float32Array.from(floats);
  return { dtype, shape, data: floats.length === length ? data : new Float32Array(length).fill(data[0]) };
}

function readTensorFields(reader: PbfReader) {
  let type = 0;
  const shape: number[] = [];
  let content = new Uint8Array();
  const floats: number[] = [];
  for (let number = nextField(reader); number !== 0; number = nextField(reader)) {
    if (number === 1 && reader.type === VARINT) type = reader.readVarint();
    // TensorShapeProto.dim and Dim.size.
    else if (number === 2) {
      for (const dimension of messages(new PbfReader(bytesField(reader)), 2)) {
        shape.push(Number(readIntegers(dimension).at(-1) ?? 0n));
      }
    } else if (number === 4) content = new Uint8Array(bytesField(reader));
    else if (number === 5) addFloats(reader, floats);
    else reader.skip(reader.type);
  }
  if (Number.isNaN(elementCount(shape))) throw new Error(`(${shape}) is not a shape`);
  return { type, shape, content, floats };
}

type Float32Tensor = { shape: readonly number[]; data: Float32Array };

/**
 * Writes an Example whose features are float32 tensors, each a serialized TensorProto in a list of one byte string.
 * @param tensors a Map or an object of them by name
 * @throws InputError for a tensor whose data does not fit its shape, or is not float32
 */
export function writeExample(
  tensors: ReadonlyMap<string, Float32Tensor> | Readonly<Record<string, Float32Tensor>>,
): Uint8Array {
  const entries = tensorEntries(tensors);
  for (const [name, tensor] of entries) {
    const dtype = tensorType(name, tensor);
    if (dtype !== "F32") throw wrongType(name, tensor, "a tensor of float32", `one of ${dtype}`);
  }
  const writer = new PbfWriter();
  writer.writeMessage(
    1,
    (_, features) => {
      for (const entry of entries as [string, Float32Tensor][]) features?.writeMessage(1, writeEntry, entry);
    },
    undefined,
  );
  return writer.finish();
}

function writeEntry([name, tensor]: [string, Float32Tensor], writer: PbfWriter): void {
  writer.writeStringField(1, name);
  const writeBytesList = (bytes: Uint8Array, list: PbfWriter) => list.writeBytesField(1, bytes);
  const writeFeature = (bytes: Uint8Array, feature: PbfWriter) => feature.writeMessage(1, writeBytesList, bytes);
  writer.writeMessage(2, writeFeature, writeTensorProto(tensor.shape, tensor.data));
}

function writeTensorProto(shape: readonly number[], data: Float32Array): Uint8Array {
  const writer = new PbfWriter();
  const writeDimension = (size: number, dimension: PbfWriter) => dimension.writeVarintField(1, size);
  const writeShape = (sizes: readonly number[], message: PbfWriter) => {
    for (const size of sizes) message.writeMessage(2, writeDimension, size);
  };
  writer.writeVarintField(1, 1);
  writer.writeMessage(2, writeShape, shape);
  writer.writeBytesField(4, bytesOf(data));
  return writer.finish();
}
