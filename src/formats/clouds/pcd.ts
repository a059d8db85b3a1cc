// PCD, the files of PCL, the Point Cloud Library: a text header that lists the fields of a point, then points as text or binary, or all
// fields one after the other and compressed. Format: PCL's documentation, "The PCD file format", version 0.7.

import { firstNotFinite } from "../../arguments/numbers.ts";
import { expectRows, type FileBytes, formatError, toBytes, toDataView } from "../bytes/bytes.ts";
import type { SafeTensorType } from "../bytes/elements.ts";
import { type NumberType, numberTypes } from "../bytes/numbers.ts";
import { decodeName, parseCount, splitWords, TextReader } from "../bytes/text.ts";
import { decompressLzf } from "../compression/lzf.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { roundedNumbers } from "../rounding.ts";
import { type Attribute, checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/** Types by the header's TYPE and SIZE. */
const types: Readonly<Record<string, NumberType>> = {
  I1: numberTypes.i1,
  I2: numberTypes.i2,
  I4: numberTypes.i4,
  I8: numberTypes.i8,
  U1: numberTypes.u1,
  U2: numberTypes.u2,
  U4: numberTypes.u4,
  U8: numberTypes.u8,
  F4: numberTypes.f4,
  F8: numberTypes.f8,
};
const encodings = ["ascii", "binary", "binary_compressed"];
/** Fields that hold a colour as bytes, whatever type is said; and the bytes. */
const colours = ["rgb", "rgba"];
const colourBytes = { blue: 0, green: 1, red: 2 };
/** The name of bytes without a meaning. */
const PADDING = "_";

/** A field of each point. */
interface Field {
  name: string;
  type: NumberType;
  count: number;
  /** The number of values before it in a point's line of text. */
  place: number;
  /** The number of bytes before it in a point. */
  offset: number;
  /** For a part of a colour, which byte of the field it is. */
  byte?: number;
}

interface Header {
  fields: readonly Field[];
  /** The values and bytes of a point. */
  values: number;
  bytes: number;
  points: number;
  encoding: string;
}

/**
 * Reads the points of a PCD file: three dimensions, or two if there is no field z.
 * @param options.attributes names of fields to read, of as many channels as the field has values; a field "rgb" or "rgba" is read as
 *   "red", "green" and "blue", of 0 to 255
 * @throws FormatError for a bad header, for points that do not fit it or are missing (NaN), and for a file that is truncated
 */
export function loadPcd(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "pcd");
  const bytes = toBytes(input);
  const reader = new TextReader(bytes, file);
  const header = readHeader(reader, file);
  expectRows(header.points, "points", file);
  const find = (name: string) => header.fields.find((field) => field.name === name);
  const axes = ["x", "y", "z"].map(find).filter((field) => field?.count === 1) as Field[];
  const names = header.fields.map(({ name }) => name).filter((name) => name !== PADDING);
  if (axes.length < 2 || axes[1].name !== "y") {
    throw formatError(file, `has no fields x and y, but ${names.join(", ")}.`, { expected: ["x", "y"], found: names });
  }
  const wanted = (attributes ?? []).map((name) => {
    const field = name === PADDING ? undefined : find(name);
    if (!field) throw missingAttribute(file, name, names);
    return field;
  });
  const read = header.encoding === "ascii" ? readText : readBinary;
  const columns = read(bytes, reader, header, [...axes, ...wanted], file);

  const numbers = new Float64Array(header.points * axes.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = columns[i % axes.length][Math.floor(i / axes.length)];
  const { data: positions, exact } = roundedNumbers(numbers, axes.length);
  const missing = firstNotFinite(positions);
  if (missing >= 0) {
    const point = Math.floor(missing / axes.length);
    const advice = "leave out such points (PCL: removeNaNFromPointCloud; Open3D leaves them out)";
    throw formatError(
      file,
      `point ${point}: its ${axes[missing % axes.length].name} is not a finite number: ${advice}.`,
      {
        row: point,
      },
    );
  }
  const cloud: PointCloud = { positions, dimensionality: axes.length, ...(exact && { exact }) };
  if (attributes) {
    cloud.attributes = new Map<string, Attribute>(
      attributes.map((name, i) => [
        name,
        { ...roundedNumbers(columns[axes.length + i], wanted[i].count), channels: wanted[i].count },
      ]),
    );
  }
  return cloud;
}

/** Returns the element types that the header gives to the fields; the parts of colours are bytes. */
export function pcdTypes(input: FileBytes, file: string): Map<string, SafeTensorType> {
  const { fields } = readHeader(new TextReader(toBytes(input), file), file);
  return new Map(fields.map(({ name, type, byte }) => [name, byte === undefined ? type.dtype : "U8"]));
}

/** Reads the header, up to the first byte after it. */
function readHeader(reader: TextReader, file: string): Header {
  const entries = new Map<string, readonly string[]>();
  while (!entries.has("DATA")) {
    const line = reader.filledLine();
    if (line === undefined) throw formatError(file, "the header has no end: expected a line DATA.");
    if (line.trimStart().startsWith("#")) continue;
    const [keyword, ...words] = splitWords(decodeName(line));
    if (entries.size === 0 && !["VERSION", "FIELDS"].includes(keyword)) {
      throw formatError(file, 'does not begin with "VERSION" or "FIELDS", as PCD files do.', { offset: 0 });
    }
    entries.set(keyword, words);
  }
  const entry = (keyword: string) => entries.get(keyword) ?? [];
  const names = entry("FIELDS");
  const counts = entries.has("COUNT") ? entry("COUNT").map(parseCount) : names.map(() => 1);
  const [encoding] = entry("DATA");
  const isWhole = [entry("SIZE"), entry("TYPE"), counts].every(({ length }) => length === names.length);
  if (!isWhole || names.length === 0) {
    throw formatError(file, "the header does not name as many fields as sizes, types and counts.", {
      found: [...names],
    });
  }
  if (!encodings.includes(encoding)) {
    throw formatError(file, `its DATA is "${encoding}", expected one of ${encodings.join(", ")}.`, { found: encoding });
  }
  const fields: Field[] = [];
  let [values, bytes] = [0, 0];
  names.forEach((name, i) => {
    const kind = `${entry("TYPE")[i]}${entry("SIZE")[i]}`;
    const count = counts[i];
    if (!Object.hasOwn(types, kind) || !(count >= 1)) {
      throw formatError(file, `field "${name}" has type ${kind} and count ${count}, which is not known.`, {
        tensor: name,
      });
    }
    const type = types[kind];
    const field = { name, type, count, place: values, offset: bytes };
    const isColour = colours.includes(name) && type.width === 4 && count === 1;
    if (!isColour) fields.push(field);
    else for (const [part, byte] of Object.entries(colourBytes)) fields.push({ ...field, name: part, byte });
    values += count;
    bytes += count * type.width;
  });
  const sizes = entries.has("POINTS") ? entry("POINTS") : [...entry("WIDTH"), ...entry("HEIGHT")];
  const points = sizes.map(parseCount).reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(points) || sizes.length === 0) {
    throw formatError(file, `the header's number of points is ${sizes.join(" x ") || "missing"}.`, {
      found: sizes.join(),
    });
  }
  return { fields, values, bytes, points, encoding };
}

type Read = (
  bytes: Uint8Array,
  reader: TextReader,
  header: Header,
  wanted: readonly Field[],
  file: string,
) => Float64Array[];

const emptyColumns = (fields: readonly Field[], points: number) =>
  fields.map(({ count }) => new Float64Array(points * count));

const readText: Read = (_, reader, { values, points }, wanted, file) => {
  if (2 * values * points > reader.left + 1) throw truncated(file, points, `${reader.left} bytes of text`);
  const columns = emptyColumns(wanted, points);
  for (let point = 0; point < points; point++) {
    const line = reader.filledLine();
    if (line === undefined) throw truncated(file, points, `${point} points`);
    const words = splitWords(line);
    if (words.length !== values) {
      const problem = `line ${reader.lineNumber}: expected ${values} values, found ${words.length}.`;
      throw formatError(file, problem, { row: reader.lineNumber, expected: values, found: words.length });
    }
    wanted.forEach((field, i) => {
      for (let c = 0; c < field.count; c++) {
        const word = words[field.place + c];
        const value = Number(word);
        if (Number.isNaN(value) && !/^[-+]?nan$/i.test(word)) {
          throw formatError(file, `line ${reader.lineNumber}: "${word}" is not a number.`, { row: reader.lineNumber });
        }
        columns[i][point * field.count + c] = field.byte === undefined ? value : byteOf(value, field.type, field.byte);
      }
    });
  }
  return columns;
};

/** Returns a byte of a colour that is written as a number, an integer or the float that has the same bits. */
function byteOf(value: number, type: NumberType, byte: number): number {
  const bits = type.integer ? value : new Uint32Array(Float32Array.of(value).buffer)[0];
  return (bits >>> (8 * byte)) & 0xff;
}

const readBinary: Read = (bytes, reader, { bytes: pointBytes, points, encoding }, wanted, file) => {
  const isCompressed = encoding === "binary_compressed";
  const data = isCompressed ? unpack(bytes, reader.offset, points * pointBytes, file) : bytes.subarray(reader.offset);
  if (data.length < points * pointBytes) throw truncated(file, points, `${data.length} bytes`);
  const view = toDataView(data);
  const columns = emptyColumns(wanted, points);
  wanted.forEach(({ type, count, offset, byte }, i) => {
    const part = byte === undefined ? type : numberTypes.u1;
    // Compressed data has all points' values of a field side by side.
    const first = (isCompressed ? points * offset : offset) + (byte ?? 0);
    const step = isCompressed ? count * type.width : pointBytes;
    for (let point = 0; point < points; point++) {
      for (let c = 0; c < count; c++) {
        columns[i][point * count + c] = part.read(view, first + point * step + c * part.width, true);
      }
    }
  });
  return columns;
};

/** Returns compressed data: its size, the size of what it unpacks to, and the data. */
function unpack(bytes: Uint8Array, offset: number, expected: number, file: string): Uint8Array {
  if (bytes.length < offset + 8) throw formatError(file, "truncated: it ends before its data.", { offset });
  const sizes = toDataView(bytes.subarray(offset, offset + 8));
  const [packedSize, size] = [0, 4].map((at) => sizes.getUint32(at, true));
  const packed = bytes.subarray(offset + 8, offset + 8 + packedSize);
  if (size !== expected || packed.length !== packedSize) {
    const problem = `its data has ${size} bytes, packed in ${packed.length}; expected ${expected}, in ${packedSize}.`;
    throw formatError(file, problem, { offset, expected, found: size });
  }
  new Unpacking(bytes.length).take(size, file);
  try {
    return decompressLzf(packed, size);
  } catch (cause) {
    throw formatError(file, `its data is damaged: ${(cause as Error).message}.`, { offset }, { cause });
  }
}

const truncated = (file: string, points: number, found: string) =>
  formatError(file, `truncated: the header promises ${points} points, found ${found}.`, { expected: points });
