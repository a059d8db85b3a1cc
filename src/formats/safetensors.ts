// The safetensors format: 8 bytes with the header's length, a JSON header, then the tensors' bytes without gaps.
// https://github.com/huggingface/safetensors#format

import { describe } from "../arguments.ts";
import { InputError } from "../errors.ts";
import { howToAllow, limits } from "../limits.ts";
import { bytesOf, elementCount, type FileBytes, formatError, readArray, toBytes, toDataView } from "./bytes.ts";
import {
  arrayTypes,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  tensorEntries,
  tensorType,
} from "./elements.ts";

export { type SafeTensor, type SafeTensorInput, type SafeTensorType, toFloat32, toInt32 } from "./elements.ts";

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** Tensors by name, in the order of their bytes in the file. */
  tensors: Map<string, SafeTensor>;
  /** The header's `__metadata__`; empty if there is none. */
  metadata: Record<string, string>;
}

const metadataKey = "__metadata__";

/**
 * Reads a safetensors file.
 * @param options.file name used in error messages (default "safetensors")
 * @throws FormatError for anything that the format forbids: truncated, overlapping or unused bytes, a number of bytes that does
 * not fit the shape, a bad header, duplicate names, an unknown dtype. The message gives tensor, offset, expected and found values.
 */
export function loadSafetensors(input: FileBytes, options: { file?: string } = {}): SafetensorsFile {
  const file = options?.file ?? "safetensors";
  const bytes = toBytes(input);
  const { header, dataStart } = readHeader(bytes, file);
  const metadata = readMetadata(header[metadataKey], file);
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, value]) => readEntry(name, value, file))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  const tensors = new Map<string, SafeTensor>();
  let expectedBegin = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    const offset = dataStart + begin;
    if (begin !== expectedBegin) {
      const problem = begin < expectedBegin ? "overlaps the tensor before it" : "leaves bytes before it unused";
      throw formatError(
        file,
        `tensor "${name}" ${problem}: expected it to begin at ${expectedBegin}, found ${begin}.`,
        {
          tensor: name,
          offset,
          expected: expectedBegin,
          found: begin,
        },
      );
    }
    if (dataStart + end > bytes.length) {
      throw formatError(
        file,
        `truncated: tensor "${name}" ends at byte ${dataStart + end}, the file has only ${bytes.length} bytes.`,
        { tensor: name, offset, expected: dataStart + end, found: bytes.length },
      );
    }
    const length = elementCount(shape);
    tensors.set(name, { dtype, shape, data: readArray(bytes, offset, length, arrayTypes[dtype]) });
    expectedBegin = end;
  }
  const fileEnd = dataStart + expectedBegin;
  if (fileEnd !== bytes.length) {
    throw formatError(file, `${bytes.length - fileEnd} bytes after the last tensor, which ends at byte ${fileEnd}.`, {
      offset: fileEnd,
      expected: fileEnd,
      found: bytes.length,
    });
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file. The same tensors give the same bytes, in whatever order they are passed: they are sorted by element
 * size, the largest first (so that every tensor is aligned), then by name.
 * @throws InputError for a tensor whose data does not fit its shape or dtype.
 */
export function saveSafetensors(
  tensors: ReadonlyMap<string, SafeTensorInput> | Readonly<Record<string, SafeTensorInput>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  if (typeof metadata !== "object" || metadata === null) {
    throw new InputError("metadata is not an object of strings by name.", { found: typeof metadata });
  }
  const entries = tensorEntries(tensors).map(([name, tensor]) => {
    if (name === metadataKey) {
      throw new InputError(`Cannot save tensor "${name}": the name is reserved.`, { tensor: name });
    }
    const dtype = tensorType(name, tensor);
    return { name, dtype, shape: [...tensor.shape], bytes: bytesOf(tensor.data), width: tensor.data.BYTES_PER_ELEMENT };
  });
  entries.sort((a, b) => b.width - a.width || compareText(a.name, b.name));

  // The header's JSON is built by hand, because an object would move names that look like numbers to the front.
  const fields: string[] = [];
  const metadataKeys = Object.keys(metadata).sort(compareText);
  if (metadataKeys.length > 0) {
    const pairs = metadataKeys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(String(metadata[key]))}`);
    fields.push(`"${metadataKey}":{${pairs.join(",")}}`);
  }
  let dataBytes = 0;
  for (const { name, dtype, shape, bytes } of entries) {
    const description = { dtype, shape, data_offsets: [dataBytes, dataBytes + bytes.length] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(description)}`);
    dataBytes += bytes.length;
  }
  const header = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  const result = new Uint8Array(8 + headerBytes + dataBytes).fill(0x20, 8, 8 + headerBytes);
  toDataView(result).setBigUint64(0, BigInt(headerBytes), true);
  result.set(header, 8);
  let offset = 8 + headerBytes;
  for (const { bytes } of entries) {
    result.set(bytes, offset);
    offset += bytes.length;
  }
  return result;
}

function readHeader(bytes: Uint8Array, file: string): { header: Record<string, unknown>; dataStart: number } {
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
  const available = bytes.length - 8;
  if (declared > BigInt(available)) {
    throw formatError(
      file,
      `the header is said to be ${declared} bytes long, but at most ${available} can follow: truncated, or no safetensors file.`,
      { offset: 0, expected: available, found: String(declared) },
    );
  }
  if (declared > BigInt(limits.headerBytes)) {
    throw formatError(file, `the header is ${declared} bytes long, ${howToAllow("headerBytes", Number(declared))}.`, {
      offset: 0,
      limit: "headerBytes",
      expected: limits.headerBytes,
      found: Number(declared),
    });
  }
  const dataStart = 8 + Number(declared);
  let text: string;
  let header: unknown;
  try {
    // A slice copies the bytes, because text decoders reject shared memory.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.slice(8, dataStart));
    header = JSON.parse(text);
  } catch (cause) {
    throw formatError(file, `the header is not JSON: ${(cause as Error).message}`, { offset: 8 }, { cause });
  }
  if (!isObject(header)) throw formatError(file, "the header is not a JSON object.", { offset: 8 });
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw formatError(file, `the header names "${duplicate}" twice.`, { tensor: duplicate, offset: 8 });
  }
  return { header, dataStart };
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

function readMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) throw formatError(file, `"${metadataKey}" is not a JSON object.`, { offset: 8 });
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw formatError(file, `metadata "${key}" is not a string but ${describe(text)}.`, { key, offset: 8 });
    }
  }
  return value as Record<string, string>;
}

interface HeaderEntry {
  name: string;
  dtype: SafeTensorType;
  shape: number[];
  /** The first byte of the tensor, counted from the first byte after the header. */
  begin: number;
  end: number;
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

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
