// LAZ, compressed LAS: the header and the records of a LAS file, of which one says how the points are packed; then the points in
// chunks, and a table of these. laz-perf unpacks it (laz-perf.ts). It reads past what is damaged: a file has no checksums, so what
// can be told of damage is told here, before and after. Format: "LAZ Specification 1.4 - R1", rapidlasso.

import { expectRows, type FileBytes, formatError, toBytes, toDataView } from "../bytes/bytes.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { formatNamed } from "../extension.ts";
import { COMPRESSED, type Header, loadLas, place, readHeader, recordsIn, truncated } from "./las.ts";
import { unpackPoints } from "./laz-perf.ts";
import { checkReadOptions, type PointCloud, type ReadOptions } from "./positions.ts";

/** The record that says how the points are packed; and where it has what. */
const PACKING = { user: "laszip encoded", kind: 22204 };
const packing = { compressor: 0, chunkPoints: 12, items: 32, item: 34, itemBytes: 6, itemVersion: 4 };
/** How old formats of points, up to 5, and the new ones are packed: in chunks, each in one stream, or in one for each property. */
const [STREAM, LAYERS] = [2, 3];
/** The versions of what packs the parts of a point that the unpacker knows, by the compressor. */
const itemVersions: Readonly<Record<number, readonly number[]>> = { [STREAM]: [2], [LAYERS]: [3] };
/** Formats of points without wave forms. */
const knownFormats: readonly number[] = [0, 1, 2, 3, 6, 7, 8];
/** Chunks that have as many points as the table says of each. */
const VARIABLE = 0xffffffff;
/** The place of the table of chunks is before the first one, unless the file was written in one go: then it is at the end. */
const [PLACE_BYTES, AT_END] = [8, -1n];
/** The table begins with its version, 0, and the number of chunks. */
const TABLE_HEAD = 8;

const advice = "unpack it by LAStools (laszip) or PDAL (pdal translate IN OUT.las)";

/**
 * Reads the points of a LAZ file, a compressed one of LAS, as `loadLas` does those of LAS. A COPC file is one.
 * @param options.attributes see `loadLas`
 * @throws as `unpackLaz` and `loadLas` do
 */
export async function loadLaz(input: FileBytes, options: ReadOptions = {}): Promise<PointCloud> {
  const { file, attributes } = checkReadOptions(options, "laz");
  return loadLas(await unpackLaz(input, { file }), { file, attributes });
}

/**
 * Returns what a LAZ file unpacks to: the bytes of a LAS file, which `loadLas` and `readPointCloud` read. A file that is not
 * compressed is returned as it is.
 * @param options.file its name in error messages. Default "laz".
 * @throws FormatError for a damaged or truncated file, and for one that is packed in a way that is not read: points with wave forms,
 *   and what was written by programs of before 2012. WorkerError if laz-perf.wasm cannot be loaded.
 */
export async function unpackLaz(input: FileBytes, options: { file?: string } = {}): Promise<Uint8Array> {
  const { file } = checkReadOptions(options, "laz");
  const bytes = toBytes(input);
  const header = readHeader(bytes, file);
  if ((header.format & COMPRESSED) === 0) return bytes;
  const { points, pointBytes, begin } = header;
  if (begin > bytes.length) throw truncated(file, "its records", begin, bytes.length);
  const chunkPoints = readPacking(bytes.subarray(0, begin), header, file);
  expectRows(points, "points", file);
  new Unpacking(bytes.length).take(begin + points * pointBytes, file);
  const whole = new Uint8Array(begin + points * pointBytes);
  whole.set(bytes.subarray(0, begin));
  whole[place.format] &= ~COMPRESSED;
  // Records behind the points are left out.
  if (header.isNew) whole.fill(0, place.furtherRecords, place.pointsIn14);
  if (points === 0) return whole;
  const source = withTable(bytes, { begin, points, chunkPoints, file });
  try {
    await unpackPoints(source, whole.subarray(begin), pointBytes);
  } catch (cause) {
    if (cause instanceof Error && "details" in cause) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    const isShort = cause instanceof RangeError;
    const what = `${isShort ? "" : "damaged: "}its ${points} points cannot be unpacked (${problem}).`;
    throw formatError(file, what, {}, { cause });
  }
  checkBounds(whole, header, file);
  return whole;
}

/**
 * Returns what a file unpacks to if its extension, or the format named in its place, is one of LAS; else its bytes.
 * @throws as `unpackLaz`
 */
export const withoutLaz = async (bytes: Uint8Array, file: string): Promise<Uint8Array> =>
  ["las", "laz"].includes(formatNamed(file)) ? unpackLaz(bytes, { file }) : bytes;

/** Returns the number of points in each chunk. @throws FormatError for what the unpacker would not refuse, but misread */
function readPacking(head: Uint8Array, { format: marked, pointBytes }: Header, file: string): number {
  const format = marked & ~COMPRESSED;
  if (!knownFormats.includes(format)) {
    const problem = `its compressed points are of format ${format}, with wave forms, which is not read: ${advice}.`;
    throw formatError(file, problem, { offset: place.format, found: format });
  }
  const record = [...recordsIn(head)].find(({ user, kind }) => user === PACKING.user && kind === PACKING.kind);
  if (!record || record.end < record.begin + packing.item) {
    throw formatError(file, "is damaged: it is compressed, and has no record that says how.", {
      offset: place.records,
    });
  }
  const view = toDataView(head);
  const numberAt = (at: number) => view.getUint16(record.begin + at, true);
  const compressor = numberAt(packing.compressor);
  const expected = format < 6 ? STREAM : LAYERS;
  const items = Array.from({ length: numberAt(packing.items) }, (_, i) => packing.item + i * packing.itemBytes);
  if (record.begin + packing.item + items.length * packing.itemBytes > record.end) {
    throw formatError(file, `is damaged: it names ${items.length} parts of a point, but not which.`, {
      offset: record.begin + packing.items,
    });
  }
  const versions = items.map((at) => numberAt(at + packing.itemVersion));
  if (compressor !== expected || !versions.every((version) => itemVersions[expected].includes(version))) {
    const found = `by compressor ${compressor} in version ${versions.join(", ")}`;
    const wanted = `${expected} in version ${itemVersions[expected].join(" or ")}`;
    throw formatError(file, `is compressed ${found}; expected ${wanted}: ${advice}, and pack it again.`, {
      offset: record.begin,
      found: compressor,
    });
  }
  const bytes = items.reduce((sum, at) => sum + numberAt(at + 2), 0);
  if (bytes !== pointBytes) {
    const problem = `is damaged: its packed points have ${bytes} bytes, those of its header ${pointBytes}.`;
    throw formatError(file, problem, { offset: record.begin + packing.item });
  }
  return view.getUint32(record.begin + packing.chunkPoints, true);
}

/**
 * Returns the file with the place of its chunks' table before them.
 * @throws FormatError where the table is cut off, or lacks chunks
 */
function withTable(
  bytes: Uint8Array,
  { begin, points, chunkPoints, file }: { begin: number; points: number; chunkPoints: number; file: string },
): Uint8Array {
  if (begin + PLACE_BYTES > bytes.length) throw truncated(file, "its chunks", begin + PLACE_BYTES, bytes.length);
  const placeIn = (view: DataView, at: number) => view.getBigInt64(at, true);
  const view = toDataView(bytes);
  const isAtEnd = placeIn(view, begin) === AT_END;
  const table = Number(isAtEnd ? placeIn(view, bytes.length - PLACE_BYTES) : placeIn(view, begin));
  if (table < begin + PLACE_BYTES || table + TABLE_HEAD > bytes.length) {
    const problem = `truncated, or not written to its end: its chunks' table is at byte ${table}`;
    throw formatError(file, `${problem}, the file has ${bytes.length}.`, { offset: begin, found: bytes.length });
  }
  const chunks = view.getUint32(table + 4, true);
  const needed = chunkPoints === VARIABLE ? 1 : Math.ceil(points / chunkPoints);
  if (!(chunks >= needed) || chunks > points) {
    const problem = `is damaged: ${chunks} chunks of ${chunkPoints === VARIABLE ? "any number of" : chunkPoints} points`;
    throw formatError(file, `${problem} for its ${points} points.`, { offset: table, found: chunks });
  }
  if (!isAtEnd) return bytes;
  const copy = bytes.slice();
  toDataView(copy).setBigInt64(begin, BigInt(table), true);
  return copy;
}

/**
 * Of damaged points, which unpack to any numbers, hardly one is where the header says that all are.
 * @throws FormatError
 */
function checkBounds(bytes: Uint8Array, { begin, points, pointBytes }: Header, file: string): void {
  const view = toDataView(bytes);
  for (let axis = 0; axis < 3; axis++) {
    const numberAt = (at: number) => view.getFloat64(at, true);
    const [scale, offset] = [numberAt(place.scale + 8 * axis), numberAt(place.offset + 8 * axis)];
    const [high, low] = [numberAt(place.bounds + 16 * axis), numberAt(place.bounds + 16 * axis + 8)];
    // Some programs do not fill them in.
    if (!(high > low)) continue;
    // Some round them.
    const slack = (high - low) / 100 + 10 * Math.abs(scale);
    for (let point = 0, at = begin + 4 * axis; point < points; point++, at += pointBytes) {
      const value = view.getInt32(at, true) * scale + offset;
      if (value >= low - slack && value <= high + slack) continue;
      const problem = `the ${"xyz"[axis]} of point ${point} is ${value}, and its header says ${low} to ${high}`;
      const cure = "if the header is wrong, write the file anew (pdal translate IN OUT.laz)";
      throw formatError(file, `is damaged: ${problem}; ${cure}.`, { row: point, found: value, expected: [low, high] });
    }
  }
}
