// The messages of an ONNX file that are used here, and their encoding, with the field numbers of onnx.proto.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

import { PbfWriter } from "pbf";
import { FormatError } from "../errors.ts";
import { bytesOf } from "../formats/bytes/bytes.ts";

/** Element types by their number in TensorProto.DataType. */
export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7 };

export type ElementType = keyof typeof elementTypes;

export interface TensorProto {
  name: string;
  type: ElementType;
  shape: readonly number[];
  data: Float32Array | BigInt64Array;
}

/** A node's attribute: an integer, a float, a string or integers. */
export type NodeAttribute = { i: number } | { f: number } | { s: string } | { ints: readonly number[] };

export interface NodeProto {
  /** The operator, such as "Gemm". */
  type: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, NodeAttribute>>;
}

/** An input or output of a graph. */
export interface ValueInfoProto {
  name: string;
  type: ElementType;
  /** Sizes, or names of sizes that are known only when the graph runs. */
  shape: readonly (number | string)[];
  doc: string;
}

export interface GraphProto {
  name: string;
  nodes: readonly NodeProto[];
  initializers: readonly TensorProto[];
  inputs: readonly ValueInfoProto[];
  outputs: readonly ValueInfoProto[];
}

export interface ModelProto {
  producer: { name: string; version: string };
  doc: string;
  /** The version of the default operator set. */
  opset: number;
  graph: GraphProto;
  metadata: Readonly<Record<string, string>>;
}

/** The first version of the format that supports operator set 17. */
const IR_VERSION = 8;

/** The maximum size of a protocol buffer message. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Encodes an ONNX file.
 * @throws FormatError if it would exceed the 2 GiB that the format allows.
 */
export function encodeModel(model: ModelProto): Uint8Array<ArrayBuffer> {
  const { nodes, initializers } = model.graph;
  // A node takes less than 256 bytes including its names, so the buffer need not grow or hold the weights twice.
  const weights = initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
  const bytes = weights + 256 * (nodes.length + initializers.length) + 2 ** 16;
  if (bytes > MAX_FILE_BYTES) {
    throw new FormatError(
      `the model's weights take ${weights} bytes, but an ONNX file can hold ${MAX_FILE_BYTES} in all: export a smaller model`,
      { bytes, limit: MAX_FILE_BYTES },
    );
  }
  const writer = new PbfWriter(new Uint8Array(bytes));
  writeModel(model, writer);
  return new Uint8Array(writer.finish());
}

function writeModel({ producer, doc, opset, graph, metadata }: ModelProto, writer: PbfWriter): void {
  writer.writeVarintField(1, IR_VERSION);
  writer.writeStringField(2, producer.name);
  writer.writeStringField(3, producer.version);
  writer.writeStringField(6, doc);
  writer.writeMessage(7, writeGraph, graph);
  writer.writeMessage(8, (version) => writer.writeVarintField(2, version), opset);
  for (const entry of Object.entries(metadata)) writer.writeMessage(14, writeStringPair, entry);
}

function writeGraph({ name, nodes, initializers, inputs, outputs }: GraphProto, writer: PbfWriter): void {
  for (const node of nodes) writer.writeMessage(1, writeNode, node);
  writer.writeStringField(2, name);
  for (const tensor of initializers) writer.writeMessage(5, writeTensor, tensor);
  for (const input of inputs) writer.writeMessage(11, writeValueInfo, input);
  for (const output of outputs) writer.writeMessage(12, writeValueInfo, output);
}

function writeNode({ type, name, inputs, outputs, attributes }: NodeProto, writer: PbfWriter): void {
  for (const input of inputs) writer.writeStringField(1, input);
  for (const output of outputs) writer.writeStringField(2, output);
  writer.writeStringField(3, name);
  writer.writeStringField(4, type);
  for (const entry of Object.entries(attributes)) writer.writeMessage(5, writeAttribute, entry);
}

function writeAttribute([name, value]: [string, NodeAttribute], writer: PbfWriter): void {
  writer.writeStringField(1, name);
  const ofType = (type: number) => writer.writeVarintField(20, type);
  if ("f" in value) {
    writer.writeFloatField(2, value.f);
    ofType(1);
  } else if ("i" in value) {
    writer.writeVarintField(3, value.i);
    ofType(2);
  } else if ("s" in value) {
    writer.writeStringField(4, value.s);
    ofType(3);
  } else {
    writer.writePackedVarint(8, [...value.ints]);
    ofType(7);
  }
}

function writeTensor({ name, type, shape, data }: TensorProto, writer: PbfWriter): void {
  writer.writePackedVarint(1, [...shape]);
  writer.writeVarintField(2, elementTypes[type]);
  writer.writeStringField(8, name);
  writer.writeBytesField(9, bytesOf(data));
}

function writeValueInfo({ name, type, shape, doc }: ValueInfoProto, writer: PbfWriter): void {
  writer.writeStringField(1, name);
  writer.writeMessage(2, writeTensorType, { type, shape });
  writer.writeStringField(3, doc);
}

function writeTensorType({ type, shape }: Pick<ValueInfoProto, "type" | "shape">, writer: PbfWriter): void {
  const writeSize = (size: number | string) =>
    typeof size === "number" ? writer.writeVarintField(1, size) : writer.writeStringField(2, size);
  const writeShape = () => {
    for (const size of shape) writer.writeMessage(1, writeSize, size);
  };
  const writeTensor = () => {
    writer.writeVarintField(1, elementTypes[type]);
    writer.writeMessage(2, writeShape, undefined);
  };
  writer.writeMessage(1, writeTensor, undefined);
}

function writeStringPair([key, value]: [string, string], writer: PbfWriter): void {
  writer.writeStringField(1, key);
  writer.writeStringField(2, value);
}
