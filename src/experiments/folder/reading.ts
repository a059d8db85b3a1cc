// What reads files of samples: a part that is loaded with the first of them (lazy.ts).

import { FormatError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import type { FolderConfig } from "./config.ts";
import { framesIn } from "./frames.ts";
import { readSample } from "./read-sample.ts";
import type { FieldSample } from "./sample.ts";

export { FolderData } from "./data.ts";
export { findSamples } from "./found-samples.ts";
export { survey } from "./survey.ts";

/**
 * Reads the one sample in a file, which need not have the truth.
 * @param file the file's name, whose extension chooses the format
 * @param values globals by their names, which go before those of the file
 * @throws FormatError naming what is wrong in the file, or if it holds several frames
 */
export async function readOnlySample(
  bytes: Uint8Array,
  file: string,
  config: FolderConfig,
  values?: ReadonlyMap<string, SafeTensor>,
): Promise<FieldSample> {
  const { length } = await framesIn(bytes, file);
  if (length === 1) return readSample(bytes, file, config, { truth: false, values });
  const problem = `holds ${length} frames, expected one sample; erwin predict takes such files.`;
  throw new FormatError(`${file}: ${problem}`, { file, expected: 1, found: length });
}
