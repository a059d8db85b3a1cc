// Reads halo catalogues from TFRecord files: finds the records of a split, and takes from them what the model sees.

import { FormatError } from "../../errors.ts";
import { expectFileBytes } from "../../formats/bytes/bytes.ts";
import { readExample, readTensorProto } from "../../formats/tensorflow/tensorflow.ts";
import { checkRecord, RECORD_HEAD, RECORD_TAIL, readRecordHead } from "../../formats/tensorflow/tfrecord.ts";
import { floatsOf } from "../arrays.ts";
import { type DataSource, locate, sortedNames } from "../data-source.ts";
import type { OnBad, Split, SplitName } from "../experiment.ts";

/** The standardisation of the published catalogues, axis by axis: what is subtracted, and what is divided by. */
export const POSITION = {
  names: ["x", "y", "z"],
  mean: [499.91877075908684, 500.0947802559321, 499.964508664328],
  deviation: [288.71092533309235, 288.7525818573022, 288.70234893905575],
};
export const VELOCITY = {
  names: ["v_x", "v_y", "v_z"],
  mean: [-0.0512854365234889, -0.01263126442198149, -0.06458034372345466],
  deviation: [344.0231468131901, 343.9333673335964, 344.071876710777],
};

export interface HaloSample {
  halos: number;
  /** [halos, 3] standardised positions. */
  positions: Float32Array;
  /** [halos, 3] standardised velocities. */
  velocities: Float32Array;
}

/** The place of a record. */
interface RecordAddress {
  path: string;
  /** The offset of the record's head, and the length of its payload in bytes. */
  offset: number;
  length: number;
  /** The record's number in its file, counted from 0. */
  number: number;
}

/**
 * Loads the catalogues of a split: those in all files named halos*SPLIT*.tfrecord, in the order of the files' names.
 * @param most the largest number of catalogues; further ones are not read
 * @param onBad receives files whose remaining records cannot be found, and are skipped; without it that is an error
 * @throws FormatError if there is no such file, or one is damaged
 */
export async function loadCatalogues(
  source: DataSource,
  split: SplitName,
  most: number,
  onBad?: OnBad,
): Promise<Split<HaloSample>> {
  const pattern = new RegExp(`^halos.*${split}.*\\.tfrecord$`);
  const paths = (await sortedNames(source, "", "files")).filter((name) => pattern.test(name));
  if (paths.length === 0) {
    const file = locate(source, `halos*${split}*.tfrecord`);
    throw new FormatError(`${file}: there is no such file.`, { file });
  }
  const records: RecordAddress[] = [];
  for (const path of paths) {
    try {
      for await (const record of findRecords(source, path)) {
        if (records.length === most) break;
        records.push(record);
      }
    } catch (error) {
      if (!onBad || !(error instanceof FormatError)) throw error;
      onBad({
        split,
        sample: `${path} from record ${records.filter((record) => record.path === path).length} on`,
        problem: error.message,
      });
    }
  }
  return {
    size: records.length,
    load: (index) => readCatalogue(source, records[index]),
    nameOf: (index) => `${records[index].path} record ${records[index].number}`,
  };
}

/** Yields the records of files by reading only their heads, so that finding them does not read files of gigabytes. */
async function* findRecords(source: DataSource, path: string): AsyncGenerator<RecordAddress> {
  const size = await source.size(path);
  const file = locate(source, path);
  for (let offset = 0, number = 0; offset < size; number++) {
    const head = await source.read(path, { offset, length: RECORD_HEAD });
    const { length } = readRecordHead(head, offset, size - offset, file);
    yield { path, offset, length, number };
    offset += RECORD_HEAD + length + RECORD_TAIL;
  }
}

async function readCatalogue(source: DataSource, { path, offset, length, number }: RecordAddress): Promise<HaloSample> {
  const file = locate(source, path);
  expectFileBytes(length, file);
  const bytes = await source.read(path, { offset: offset + RECORD_HEAD, length: length + RECORD_TAIL });
  if (bytes.length < length + RECORD_TAIL) {
    throw new FormatError(`${file}: truncated since it was opened.`, { file, offset });
  }
  const payload = bytes.subarray(0, length);
  checkRecord(payload, bytes.subarray(length), offset, file);
  const name = `${file} record ${number}`;
  const features = readExample(payload, name);
  const column = (feature: string, halos: number) => {
    const found = features.get(feature);
    const [serialized] = found && "bytes" in found ? found.bytes : [];
    if (!serialized) {
      const known = [...features.keys()];
      throw new FormatError(`${name}: holds no tensor "${feature}", but ${known.join(", ") || "none"}.`, {
        file,
        tensor: feature,
        found: known,
      });
    }
    const place = `${name}: ${feature}`;
    return floatsOf(readTensorProto(serialized, place), [halos], place);
  };
  const halos = column(POSITION.names[0], -1).length;
  const standardised = ({ names, mean, deviation }: typeof POSITION) => {
    const values = new Float32Array(3 * halos);
    names.forEach((name, axis) => {
      column(name, halos).forEach((value, halo) => {
        values[3 * halo + axis] = (value - mean[axis]) / deviation[axis];
      });
    });
    return values;
  };
  if (halos === 0) throw new FormatError(`${name}: holds no halos.`, { file });
  return { halos, positions: standardised(POSITION), velocities: standardised(VELOCITY) };
}
