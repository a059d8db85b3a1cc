// LAS, the files of laser scanners, versions 1.0 to 1.4: a header, records about the file, then records of one length for the points, whose
// coordinates are scaled integers. Format: ASPRS, "LAS Specification 1.4 - R15". LAZ is unpacked to it first (laz.ts).

import { firstNotFinite } from "../../arguments/numbers.ts";
import { expectRows, type FileBytes, formatError, toBytes, toDataView } from "../bytes/bytes.ts";
import type { SafeTensorType } from "../bytes/elements.ts";
import { type NumberType, numberTypes } from "../bytes/numbers.ts";
import { roundedNumbers } from "../rounding.ts";
import { type Attribute, checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

const { u1, i1, u2, i2, u4, i4, u8, i8, f4, f8 } = numberTypes;

/** Where the header has what, and how long it is up to version 1.2 and in 1.4. */
export const place = {
  ...{ minorVersion: 25, headerBytes: 94, pointData: 96, records: 100, format: 104, pointBytes: 105, points: 107 },
  ...{ scale: 131, offset: 155, bounds: 179, furtherRecords: 235, pointsIn14: 247 },
};
const [HEADER, HEADER_14] = [227, 375];
/** Bits of the format's number that compressed files have. */
export const COMPRESSED = 0xc0;
/** A record's head: where it has who defines it, its kind and its length, and how long it is itself. */
const record = { user: 2, userBytes: 16, kind: 18, bytes: 20, head: 54 };
/** The record that describes values which follow those of the format, each in as many bytes. */
const EXTRA = { user: "LASF_Spec", kind: 4, bytes: 192 };

/** Values of each point. */
interface Field {
  name: string;
  type: NumberType;
  /** The number of bytes before it in a point. */
  at: number;
  channels: number;
  /** For a part of a byte: its first bit, and how many there are. */
  bits?: readonly [first: number, count: number];
  /** By channel. */
  scale?: readonly number[];
  offset?: readonly number[];
  /** The value before scaling of points that have none, by channel. */
  missing?: readonly number[];
}

const field = (name: string, type: NumberType, at: number, more: Partial<Field> = {}): Field => ({
  ...{ name, type, at, channels: 1 },
  ...more,
});
const bits = (name: string, at: number, first: number, count = 1) => field(name, u1, at, { bits: [first, count] });

/** What is in the points of formats 0 to 5 first. */
const oldFields: readonly Field[] = [
  field("intensity", u2, 12),
  ...[bits("return_number", 14, 0, 3), bits("number_of_returns", 14, 3, 3)],
  ...[bits("scan_direction_flag", 14, 6), bits("edge_of_flight_line", 14, 7)],
  bits("classification", 15, 0, 5),
  ...[bits("synthetic", 15, 5), bits("key_point", 15, 6), bits("withheld", 15, 7)],
  ...[field("scan_angle", i1, 16), field("user_data", u1, 17), field("point_source_id", u2, 18)],
];
/** The same of formats 6 to 10. Angles are in steps of 0.006 degrees. */
const newFields: readonly Field[] = [
  field("intensity", u2, 12),
  ...[bits("return_number", 14, 0, 4), bits("number_of_returns", 14, 4, 4)],
  ...[bits("synthetic", 15, 0), bits("key_point", 15, 1), bits("withheld", 15, 2), bits("overlap", 15, 3)],
  ...[bits("scanner_channel", 15, 4, 2), bits("scan_direction_flag", 15, 6), bits("edge_of_flight_line", 15, 7)],
  ...[field("classification", u1, 16), field("user_data", u1, 17), field("scan_angle", i2, 18, { scale: [0.006] })],
  ...[field("point_source_id", u2, 20), field("gps_time", f8, 22)],
];
const colours = (at: number) => ["red", "green", "blue"].map((name, i) => field(name, u2, at + 2 * i));

/** The length of a point of each format, and its fields. Wave forms are passed over. */
const formats: readonly { bytes: number; fields: readonly Field[] }[] = [
  { bytes: 20, fields: oldFields },
  { bytes: 28, fields: [...oldFields, field("gps_time", f8, 20)] },
  { bytes: 26, fields: [...oldFields, ...colours(20)] },
  { bytes: 34, fields: [...oldFields, field("gps_time", f8, 20), ...colours(28)] },
  { bytes: 57, fields: [...oldFields, field("gps_time", f8, 20)] },
  { bytes: 63, fields: [...oldFields, field("gps_time", f8, 20), ...colours(28)] },
  { bytes: 30, fields: newFields },
  { bytes: 36, fields: [...newFields, ...colours(30)] },
  { bytes: 38, fields: [...newFields, ...colours(30), field("nir", u2, 36)] },
  { bytes: 59, fields: newFields },
  { bytes: 67, fields: [...newFields, ...colours(30), field("nir", u2, 36)] },
];

/**
 * Reads the points of a LAS file, in the units of its coordinates.
 * @param options.attributes names of values to read: "intensity", "classification", "red" and so on, "scan_angle" in degrees, and
 *   those that the file itself names ("extra bytes"), scaled as it says, NaN where a point has none
 * @throws FormatError for a damaged or truncated file, and for a compressed one, which `loadLaz` reads
 */
export function loadLas(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "las");
  const bytes = toBytes(input);
  const view = toDataView(bytes);
  const { format, points, pointBytes, begin } = readHeader(bytes, file);
  if (format & COMPRESSED) {
    const problem = "is a compressed LAS point cloud: loadLaz reads it, or unpackLaz before readPointCloud";
    throw formatError(file, `${problem}.`, { offset: place.format });
  }
  const fields = fieldsOf(bytes, { format, pointBytes, begin, file });
  const end = begin + points * pointBytes;
  if (end > bytes.length) throw truncated(file, `its ${points} points`, end, bytes.length);
  expectRows(points, "points", file);
  const names = [...fields.keys()];
  const wanted = (attributes ?? []).map((name) => {
    const found = fields.get(name);
    if (!found) throw missingAttribute(file, name, names);
    return found;
  });
  const read = (source: Field) => readField(view, source, { begin, pointBytes, points });
  const numbersAt = (at: number) => [0, 8, 16].map((axis) => view.getFloat64(at + axis, true));
  const [scale, offset] = [numbersAt(place.scale), numbersAt(place.offset)];
  const { data: positions, exact } = read({ name: "positions", type: i4, at: 0, channels: 3, scale, offset });
  if (firstNotFinite(positions) >= 0) {
    const problem = `the scale [${scale}] and the offset [${offset}] of its coordinates give no numbers.`;
    throw formatError(file, problem, { offset: place.scale, found: [...scale, ...offset] });
  }
  const cloud: PointCloud = { positions, dimensionality: 3, ...(exact && { exact }) };
  if (attributes) cloud.attributes = new Map(wanted.map((source, i) => [attributes[i], read(source)]));
  return cloud;
}

/** Returns the types of what the points of a file have, "x" among it; what the file scales is of doubles. */
export function lasTypes(bytes: Uint8Array, file: string): Map<string, SafeTensorType> {
  const fields = fieldsOf(bytes, { ...readHeader(bytes, file), file });
  const types = [...fields].map(([name, { type, scale }]) => [name, scale ? "F64" : type.dtype] as const);
  return new Map<string, SafeTensorType>([["x", "F64"], ...types]);
}

/** What a file says of its points. */
export interface Header {
  /** The number of their format, with the bits of a compressed file. */
  format: number;
  points: number;
  pointBytes: number;
  /** The offset of the first point, or in a compressed file of what is said of its chunks. */
  begin: number;
  headerBytes: number;
  /** Whether the file is of version 1.4. */
  isNew: boolean;
}

/** Makes the error for a file that ends too early. */
export const truncated = (file: string, what: string, expected: number, found: number) =>
  formatError(file, `truncated: ${what} end at byte ${expected}, the file has ${found}.`, { expected, found });

/** @throws FormatError for another file, for one that ends before its points, and for points of an unknown format */
export function readHeader(bytes: Uint8Array, file: string): Header {
  if (new TextDecoder("latin1").decode(bytes.slice(0, 4)) !== "LASF") {
    throw formatError(file, 'does not begin with "LASF", as LAS files do.', { offset: 0 });
  }
  if (bytes.length < HEADER) throw truncated(file, "its header should", HEADER, bytes.length);
  const view = toDataView(bytes);
  const isNew = view.getUint8(place.minorVersion) >= 4;
  const headerBytes = view.getUint16(place.headerBytes, true);
  const format = view.getUint8(place.format);
  const pointBytes = view.getUint16(place.pointBytes, true);
  const begin = view.getUint32(place.pointData, true);
  const known = formats[format & ~COMPRESSED];
  if (!known) {
    const problem = `its points are of format ${format & ~COMPRESSED}, expected 0 to ${formats.length - 1}.`;
    throw formatError(file, problem, { offset: place.format, found: format & ~COMPRESSED });
  }
  const least = isNew ? HEADER_14 : HEADER;
  if (headerBytes < least || begin < headerBytes || pointBytes < known.bytes) {
    const problem = `is damaged: a header of ${headerBytes} bytes, points from byte ${begin} on, of ${pointBytes} bytes`;
    throw formatError(file, `${problem}; expected at least ${least}, ${headerBytes} and ${known.bytes}.`, {
      offset: place.headerBytes,
    });
  }
  if (bytes.length < headerBytes) throw truncated(file, "its header should", headerBytes, bytes.length);
  // Some programs write 1.4 with the number of points where older versions have it, and only there.
  const inOld = view.getUint32(place.points, true);
  const points = isNew ? Number(view.getBigUint64(place.pointsIn14, true)) || inOld : inOld;
  return { format, points, pointBytes, begin, headerBytes, isNew };
}

/** Returns what each point has, by name. */
function fieldsOf(
  bytes: Uint8Array,
  { format, pointBytes, begin, file }: Pick<Header, "format" | "pointBytes" | "begin"> & { file: string },
): ReadonlyMap<string, Field> {
  const known = formats[format];
  const fields = new Map(known.fields.map((one) => [one.name, one]));
  for (const extra of extraFields(bytes.subarray(0, begin), known.bytes, pointBytes, file)) {
    if (!fields.has(extra.name)) fields.set(extra.name, extra);
  }
  return fields;
}

/** What the file says besides its header. */
export interface FileRecord {
  user: string;
  kind: number;
  /** Where its content is, as far as the bytes reach. */
  begin: number;
  end: number;
}

/** @param head the bytes before the points */
export function* recordsIn(head: Uint8Array): Generator<FileRecord> {
  const view = toDataView(head);
  let start = view.getUint16(place.headerBytes, true);
  for (let left = view.getUint32(place.records, true); left > 0 && start + record.head <= head.length; left--) {
    const begin = start + record.head;
    const end = begin + view.getUint16(start + record.bytes, true);
    const user = textOf(head, start + record.user, record.userBytes);
    yield { user, kind: view.getUint16(start + record.kind, true), begin, end: Math.min(end, head.length) };
    start = end;
  }
}

/** The types of the values that a file describes itself; three times ten numbers are those of one, two and three channels. */
const extraTypes = [u1, i1, u2, i2, u4, i4, u8, i8, f4, f8];
/** Which bits say that the value of missing points, a scale and an offset are given; and where. */
const extra = {
  ...{ type: 2, options: 3, name: 4, nameBytes: 32, missing: 40, scale: 112, offset: 136 },
  ...{ hasMissing: 1, hasScale: 8, hasOffset: 16 },
};

/**
 * Returns what the file says of the values behind those of its format.
 * @param head the bytes before the points
 * @param first where the first is in a point
 */
function extraFields(head: Uint8Array, first: number, pointBytes: number, file: string): Field[] {
  const view = toDataView(head);
  const fields: Field[] = [];
  let at = first;
  for (const { user, kind, begin, end } of recordsIn(head)) {
    if (user !== EXTRA.user || kind !== EXTRA.kind) continue;
    for (let item = begin; item + EXTRA.bytes <= end; item += EXTRA.bytes) {
      const number = view.getUint8(item + extra.type);
      const options = view.getUint8(item + extra.options);
      const name = textOf(head, item + extra.name, extra.nameBytes);
      // Bytes without a meaning, as many as the options say.
      if (number === 0) at += options;
      else {
        const type = extraTypes[(number - 1) % extraTypes.length];
        const channels = Math.floor((number - 1) / extraTypes.length) + 1;
        if (channels > 3) {
          throw formatError(file, `"${name}" is of type ${number}, expected 0 to 30.`, { offset: item, found: number });
        }
        // Stored in the widest type of the same kind.
        const widest = type.integer ? (type === u1 || type === u2 || type === u4 || type === u8 ? u8 : i8) : f8;
        const given = (flag: number, place: number, read: NumberType) =>
          options & flag
            ? Array.from({ length: channels }, (_, channel) => read.read(view, item + place + 8 * channel, true))
            : undefined;
        const scale = given(extra.hasScale, extra.scale, f8);
        const offset = given(extra.hasOffset, extra.offset, f8);
        const missing = given(extra.hasMissing, extra.missing, widest);
        fields.push({ name, type, at, channels, scale, offset, missing });
        at += channels * type.width;
      }
      if (at > pointBytes) {
        const problem = `"${name}" is at bytes ${at} of points that have ${pointBytes}.`;
        throw formatError(file, problem, { offset: item, tensor: name });
      }
    }
  }
  return fields;
}

/** Returns a text that zeros follow. */
const textOf = (bytes: Uint8Array, at: number, length: number) =>
  new TextDecoder().decode(bytes.slice(at, at + length)).replace(/\0.*/s, "");

function readField(
  view: DataView,
  { type, at, channels, bits, scale, offset, missing }: Field,
  { begin, pointBytes, points }: Pick<Header, "begin" | "pointBytes" | "points">,
): Attribute & { data: Float32Array } {
  const data = new Float64Array(points * channels);
  const [shift, mask] = bits ? [bits[0], 2 ** bits[1] - 1] : [0, 0];
  for (let channel = 0; channel < channels; channel++) {
    const [factor, addend, none] = [scale?.[channel] ?? 1, offset?.[channel] ?? 0, missing?.[channel]];
    let source = begin + at + channel * type.width;
    for (let i = channel; i < data.length; i += channels, source += pointBytes) {
      const value = type.read(view, source, true);
      if (bits) data[i] = (value >> shift) & mask;
      else data[i] = value === none ? Number.NaN : value * factor + addend;
    }
  }
  return { ...roundedNumbers(data, channels), channels };
}
