// The arrays in a tf.train.Example: its lists of numbers, and the tensors that are serialized into byte strings.

import { FormatError } from "../../errors.ts";
import type { ArrayContents } from "../bytes/elements.ts";
import { readExample, readTensorProto } from "./tensorflow.ts";

/**
 * Reads the arrays of a record. Texts, pictures and other bytes are left out.
 * @param record a serialized tf.train.Example, one of `readTfRecords`
 * @param file name used in error messages
 * @throws FormatError for bytes that are not such a message
 */
export function readExampleArrays(record: Uint8Array, file: string): ArrayContents {
  const contents: ArrayContents = { arrays: new Map(), leftOut: new Map() };
  const { arrays, leftOut } = contents;
  for (const [name, feature] of readExample(record, file)) {
    if ("floats" in feature) {
      arrays.set(name, { dtype: "F32", shape: [feature.floats.length], data: feature.floats });
    } else if ("integers" in feature) {
      arrays.set(name, { dtype: "I64", shape: [feature.integers.length], data: feature.integers });
    } else if (feature.bytes.length !== 1) {
      leftOut.set(name, `${feature.bytes.length} byte strings`);
    } else {
      try {
        arrays.set(name, readTensorProto(feature.bytes[0], `${file}:${name}`));
      } catch (error) {
        // A record's checksum tells whether it is damaged; so these bytes are something else.
        if (!(error instanceof FormatError)) throw error;
        leftOut.set(name, "bytes that are no serialized tensor of numbers");
      }
    }
  }
  return contents;
}
