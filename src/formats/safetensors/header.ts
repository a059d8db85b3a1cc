// The header of a safetensors file: which tensors the file holds, where their bytes are, and the metadata.

import { describe } from "../../arguments/kinds.ts";
import { elementCount, expectWithin, formatError, toDataView } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensorType } from "../bytes/elements.ts";

export interface SafetensorsHeader {
  /** The tensors in the order of their bytes in the file. */
  entries: HeaderEntry[];
  /** Empty if there is none. */
  metadata: Record<string, string>;
  /** The offset of the first byte after the header. */
  dataStart: number;
}

export interface HeaderEntry {
  name: string;
  dtype: SafeTensorType;
  shape: number[];
  /** The first byte of the tensor, counted from the first byte after the header. */
  begin: number;
  end: number;
}

/** The key of the metadata among the tensors' names. */
export const METADATA = "__metadata__";

/**
 * Reads the header of a file.
 * @param bytes the file's bytes, of which only those of the header are read
 * @param size the size of the whole file in bytes
 * @throws FormatError for anything that the format forbids
 */
export function readHeader(bytes: Uint8Array, size: number, file: string): SafetensorsHeader {
  const dataStart = readHeaderEnd(bytes, size, file);
  const header = parseHeader(bytes.slice(8, dataStart), file);
  const metadata = readMetadata(header[METADATA], file);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => readEntry(name, value, file))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  expectNoGaps(entries, dataStart, size, file);
  return { entries, metadata, dataStart };
}

/**
 * Writes a header, with what is before it and after it: its length, and spaces up to a multiple of 8 bytes.
 * @param entries the tensors in the order of their bytes
 */
export function writeHeader(
  entries: readonly HeaderEntry[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  // The JSON is built by hand, because an object would move names that look like numbers to the front.
  const fields: string[] = [];
  const keys = Object.keys(metadata).sort(compareText);
  if (keys.length > 0) {
    const pairs = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(String(metadata[key]))}`);
    fields.push(`"${METADATA}":{${pairs.join(",")}}`);
  }
  for (const { name, dtype, shape, begin, end } of entries) {
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  const text = new TextEncoder().encode(`{${fields.join(",")}}`);
  const length = Math.ceil(text.length / 8) * 8;
  const result = new Uint8Array(8 + length).fill(0x20, 8);
  toDataView(result).setBigUint64(0, BigInt(length), true);
  result.set(text, 8);
  return result;
}

/** Returns the offset of the first byte after the header, of a file of which only the first bytes may be given. */
export function readHeaderEnd(bytes: Uint8Array, size: number, file: string): number {
  if (bytes.length < 8) {
    throw formatError(file, `truncated: expected at least 8 bytes, found ${bytes.length}.`, {
      offset: 0,
      expected: 8,
      found: bytes.length,
    });
  }
  if (isTorchFile(bytes)) {
    const advice = "`erwin convert model.pt model.safetensors` makes a safetensors file of it";
    throw formatError(file, `this is a file of PyTorch (.pt) or another archive, no safetensors file: ${advice}.`, {
      offset: 0,
      expected: "safetensors",
    });
  }
  const declared = toDataView(bytes).getBigUint64(0, true);
  const available = size - 8;
  if (declared > BigInt(available)) {
    // "<": servers of apps of one page answer with that page where there is no such file.
    throw formatError(
      file,
      `the header is said to be ${declared} bytes, but at most ${available} follow: ${bytes[0] === 60 ? "a web page" : "truncated"}, or no safetensors file.`,
      { offset: 0, expected: available, found: String(declared) },
    );
  }
  expectWithin("headerBytes", Number(declared), file, `the header is ${declared} bytes long`, { offset: 0 });
  return 8 + Number(declared);
}

/** @param bytes a copy of the header's bytes, because text decoders reject shared memory */
function parseHeader(bytes: Uint8Array, file: string): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw formatError(file, `the header is not JSON: ${(cause as Error).message}`, { offset: 8 }, { cause });
  }
  if (!isObject(header)) throw formatError(file, "the header is not a JSON object.", { offset: 8 });
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw formatError(file, `the header names "${duplicate}" twice.`, { tensor: duplicate, offset: 8 });
  }
  return header;
}

/** The first bytes of a ZIP archive, and of the bare pickle that old versions of PyTorch wrote. */
const torchBeginnings = [
  [0x50, 0x4b, 3, 4],
  [0x80, 2, 0x8a, 0x0a],
];

/** Returns whether PyTorch may have written a file. A safetensors file has a brace after its first 8 bytes, which may have any value. */
export function isTorchFile(bytes: Uint8Array): boolean {
  return bytes[8] !== 0x7b && torchBeginnings.some((beginning) => beginning.every((byte, i) => bytes[i] === byte));
}

/** @throws FormatError if the tensors do not take all bytes after the header, one after the other */
function expectNoGaps(entries: readonly HeaderEntry[], dataStart: number, size: number, file: string): void {
  let expected = 0;
  for (const { name, begin, end } of entries) {
    const offset = dataStart + begin;
    if (begin !== expected) {
      const problem = begin < expected ? "overlaps the tensor before it" : "leaves bytes before it unused";
      throw formatError(file, `tensor "${name}" ${problem}: expected it to begin at ${expected}, found ${begin}.`, {
        tensor: name,
        offset,
        expected,
        found: begin,
      });
    }
    if (dataStart + end > size) {
      throw formatError(
        file,
        `truncated: tensor "${name}" ends at byte ${dataStart + end}, the file has only ${size} bytes.`,
        { tensor: name, offset, expected: dataStart + end, found: size },
      );
    }
    expected = end;
  }
  const fileEnd = dataStart + expected;
  if (fileEnd !== size) {
    throw formatError(file, `${size - fileEnd} bytes after the last tensor, which ends at byte ${fileEnd}.`, {
      offset: fileEnd,
      expected: fileEnd,
      found: size,
    });
  }
}

function readMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) throw formatError(file, `"${METADATA}" is not a JSON object.`, { offset: 8 });
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw formatError(file, `metadata "${key}" is not a string but ${describe(text)}.`, { key, offset: 8 });
    }
  }
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown, file: string): HeaderEntry {
  const wrong = (problem: string, details = {}) =>
    formatError(file, `tensor "${name}": ${problem}`, { tensor: name, offset: 8, ...details });
  if (!isObject(value)) throw wrong(`expected a description, found ${describe(value)}.`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(arrayTypes, dtype)) {
    const known = Object.keys(arrayTypes);
    throw wrong(`unknown dtype ${describe(dtype)}; known are ${known.join(", ")}.`, { expected: known });
  }
  if (!Array.isArray(shape) || Number.isNaN(elementCount(shape))) {
    throw wrong(`${describe(shape)} is not a shape.`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isOffset)) {
    throw wrong(`data_offsets ${describe(offsets)} are not two whole numbers.`);
  }
  const [begin, end] = offsets as [number, number];
  const expected = elementCount(shape) * arrayTypes[dtype as SafeTensorType].BYTES_PER_ELEMENT;
  if (end - begin !== expected) {
    throw wrong(
      `${dtype} of shape ${describe(shape)} takes ${expected} bytes, data_offsets [${offsets}] hold ${end - begin}.`,
      {
        expected,
        found: end - begin,
      },
    );
  }
  return { name, dtype: dtype as SafeTensorType, shape, begin, end };
}

/** Returns a key that one JSON object contains twice, of which JSON.parse would silently keep the last. `text` must be valid JSON. */
function findDuplicateKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  let lastString = "";
  for (const token of tokensOf(text)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (token !== ":") lastString = token;
    else {
      const key = JSON.parse(lastString) as string;
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** Yields strings, braces and colons of JSON in order. A regular expression would take stack space for each escape in a string. */
function* tokensOf(text: string): Generator<string> {
  const mark = /["{}:]/g;
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    if (found[0] !== '"') {
      yield found[0];
      continue;
    }
    let end = found.index + 1;
    while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    yield text.slice(found.index, end + 1);
    mark.lastIndex = end + 1;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
