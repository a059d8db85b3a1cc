// TensorFlow's record file: a sequence of records, each with its length and two checksums.
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details

import { classOf, expectKind } from "../../arguments/kinds.ts";
import { type FileBytes, formatError, toBytes, toDataView } from "../bytes/bytes.ts";
import { crc32c } from "../compression/checksums.ts";

/** The number of bytes before a record's payload (length, checksum of the length) and after it (checksum of the payload). */
export const RECORD_HEAD = 12;
export const RECORD_TAIL = 4;

/** CRC-32C, rotated and shifted by a constant, because a CRC of data that contains its own CRC would be weak. */
function maskedChecksum(bytes: Uint8Array): number {
  const checksum = crc32c(bytes);
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

/** The place of a record's payload in its file. */
export interface RecordPlace {
  offset: number;
  length: number;
}

/**
 * Reads the head of the record at `offset`.
 * @param head its 12 bytes
 * @param left the number of bytes of the file from `offset` on
 * @throws FormatError that names file and offset, for a wrong checksum or a truncated record.
 */
export function readRecordHead(head: Uint8Array, offset: number, left: number, file: string): RecordPlace {
  if (head.length < RECORD_HEAD || left < RECORD_HEAD + RECORD_TAIL) {
    throw formatError(
      file,
      `truncated: the record at byte ${offset} has ${left} bytes of at least ${RECORD_HEAD + RECORD_TAIL}.`,
      {
        offset,
        expected: RECORD_HEAD + RECORD_TAIL,
        found: left,
      },
    );
  }
  const view = toDataView(head);
  checkSum(head.subarray(0, 8), view.getUint32(8, true), "length of the record", offset, file);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(left - RECORD_HEAD - RECORD_TAIL)) {
    throw formatError(
      file,
      `truncated: the record at byte ${offset} takes ${length} bytes, but ${left - RECORD_HEAD - RECORD_TAIL} are left.`,
      { offset, expected: String(length), found: left - RECORD_HEAD - RECORD_TAIL },
    );
  }
  return { offset: offset + RECORD_HEAD, length: Number(length) };
}

/**
 * Checks a payload against the checksum that follows it.
 * @throws FormatError that names file and offset.
 */
export function checkRecord(payload: Uint8Array, checksum: Uint8Array, offset: number, file: string): void {
  checkSum(payload, toDataView(checksum).getUint32(0, true), "record", offset, file);
}

function checkSum(bytes: Uint8Array, expected: number, what: string, offset: number, file: string): void {
  const found = maskedChecksum(bytes);
  if (found === expected) return;
  const [is, was] = [found, expected].map((value) => value.toString(16));
  throw formatError(file, `the ${what} at byte ${offset} is damaged: checksum ${is}, expected ${was}.`, {
    offset,
    expected,
    found,
  });
}

/**
 * Yields the records of a file in order, each of which is checked when it is reached.
 * @param options.file name used in error messages (default "tfrecord")
 * @throws FormatError that names file and offset, for a truncated file or a wrong checksum.
 */
export function* readTfRecords(input: FileBytes, options: { file?: string } = {}): Generator<Uint8Array> {
  const file = options.file ?? "tfrecord";
  const bytes = toBytes(input);
  for (let offset = 0; offset < bytes.length; ) {
    const head = bytes.subarray(offset, offset + RECORD_HEAD);
    const place = readRecordHead(head, offset, bytes.length - offset, file);
    const end = place.offset + place.length;
    const payload = bytes.subarray(place.offset, end);
    checkRecord(payload, bytes.subarray(end, end + RECORD_TAIL), offset, file);
    yield payload;
    offset = end + RECORD_TAIL;
  }
}

/** Writes records into a file. @throws InputError for what is no list of bytes */
export function writeTfRecords(records: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const areBytes = Array.isArray(records) && records.every((record) => classOf(record) === "Uint8Array");
  expectKind("records", records, "a list of Uint8Arrays", areBytes);
  const size = records.reduce((sum, record) => sum + RECORD_HEAD + record.length + RECORD_TAIL, 0);
  const bytes = new Uint8Array(size);
  const view = toDataView(bytes);
  let offset = 0;
  for (const record of records) {
    view.setBigUint64(offset, BigInt(record.length), true);
    view.setUint32(offset + 8, maskedChecksum(bytes.subarray(offset, offset + 8)), true);
    bytes.set(record, offset + RECORD_HEAD);
    view.setUint32(offset + RECORD_HEAD + record.length, maskedChecksum(record), true);
    offset += RECORD_HEAD + record.length + RECORD_TAIL;
  }
  return bytes;
}
