// PyTorch's `torch.save` files: a ZIP archive of a pickle, which describes the contents, and of the tensors' bytes. Only plain
// tensors and containers are read; nothing is executed that the pickle asks for.
// https://github.com/pytorch/pytorch/blob/main/torch/serialization.py

import { zipSync } from "fflate";
import { InputError } from "../../errors.ts";
import {
  bytesOf,
  elementCount,
  expectWithin,
  type FileBytes,
  formatError,
  readArray,
  type TypedArrayConstructor,
  toBytes,
} from "../bytes/bytes.ts";
import {
  arrayTypes,
  type NamedTensors,
  type SafeTensor,
  type SafeTensorType,
  tensorEntries,
  tensorType,
} from "../bytes/elements.ts";
import { gatherStrided } from "../bytes/strided.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { openZip, type ZipEntry } from "../compression/zip.ts";
import { type Pickled, PickledName, readPickle } from "./pickle.ts";

/** PyTorch's names of the class of a tensor's storage, by element type. */
const storageNames: Partial<Record<SafeTensorType, string>> = {
  F64: "DoubleStorage",
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
  I32: "IntStorage",
  I16: "ShortStorage",
  I8: "CharStorage",
  U8: "ByteStorage",
  BOOL: "BoolStorage",
};
const storageTypes = new Map(
  Object.entries(storageNames).map(([dtype, name]) => [`torch.${name}`, dtype as SafeTensorType]),
);

const DICTIONARY = "collections.OrderedDict";
const TENSOR = "torch._utils._rebuild_tensor_v2";
const PARAMETER = "torch._utils._rebuild_parameter";
const SIZE = "torch.Size";
/** The names that a file may contain. Names of element types, such as "torch.float32", are also allowed and stay names. */
const known = new Set([DICTIONARY, TENSOR, PARAMETER, SIZE, ...storageTypes.keys()]);
const elementTypeName = /^torch\.(?:float|bfloat|int|uint)\d+$|^torch\.bool$/;

/** A tensor in a PyTorch file; its class distinguishes it from other values. */
export class TorchTensor implements SafeTensor {
  readonly dtype: SafeTensorType;
  readonly shape: number[];
  readonly data: SafeTensor["data"];
  constructor({ dtype, shape, data }: SafeTensor) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }
}

/** The memory of one tensor or of several. */
class Storage {
  readonly dtype: SafeTensorType;
  readonly elements: SafeTensor["data"];
  constructor(dtype: SafeTensorType, elements: SafeTensor["data"]) {
    this.dtype = dtype;
    this.elements = elements;
  }
}

/**
 * Reads a file of `torch.save` (PyTorch 1.6 and later): a tensor, or dictionaries (as Maps), lists and plain values that contain
 * tensors. Tensors, also those that are views of others, become row-major; a parameter is read as its tensor.
 * @param options.file name used in error messages (default "pt")
 * @throws FormatError for a damaged archive, a tensor that does not fit its storage, and anything but plain tensors and
 * containers: a pickle may ask to run any program, and this reader runs none.
 */
export function loadTorch(input: FileBytes, options: { file?: string } = {}): Pickled {
  const file = options.file ?? "pt";
  const bytes = toBytes(input);
  if (bytes[0] === 0x80) {
    const advice = "load it with PyTorch and save it again, which writes the archive of PyTorch 1.6 and later";
    throw formatError(file, `a pickle without an archive, as old versions of PyTorch wrote: ${advice}.`, { offset: 0 });
  }
  const unpacking = new Unpacking(bytes.length);
  const entries = openZip(bytes, file, unpacking);
  const pickle = entries.find(({ name }) => name.endsWith("/data.pkl"));
  if (!pickle) {
    throw formatError(file, "not an archive of PyTorch: holds no data.pkl.", {
      expected: ["data.pkl"],
      found: entries.slice(0, 10).map(({ name }) => name),
    });
  }
  const root = pickle.name.slice(0, -"data.pkl".length);
  const records = new Map(entries.map((entry) => [entry.name.slice(root.length), entry]));
  const order = records.get("byteorder");
  if (order && new TextDecoder().decode(order.read().slice()).trim() !== "little") {
    throw formatError(file, "its numbers are big-endian, which is not supported.", { expected: "little" });
  }
  return new TorchReader(file, records, unpacking).read(pickle);
}

/** Returns the tensors of a dictionary, such as a state_dict, by name, without other values. */
export function torchTensors(value: Pickled): Map<string, SafeTensor> {
  const tensors = new Map<string, SafeTensor>();
  if (!(value instanceof Map)) return tensors;
  for (const [name, item] of value) if (item instanceof TorchTensor) tensors.set(String(name), item);
  return tensors;
}

class TorchReader {
  readonly #file: string;
  readonly #records: ReadonlyMap<string, ZipEntry>;
  readonly #unpacking: Unpacking;
  readonly #storages = new Map<string, Storage>();

  constructor(file: string, records: ReadonlyMap<string, ZipEntry>, unpacking: Unpacking) {
    this.#file = file;
    this.#records = records;
    this.#unpacking = unpacking;
  }

  read(pickle: ZipEntry): Pickled {
    const name = `${this.#file}:${pickle.name}`;
    const error = (problem: string, offset: number) => formatError(name, `the pickle ${problem}.`, { offset });
    return readPickle(pickle.read(), {
      allows: (name) => known.has(name) || elementTypeName.test(name),
      call: (name, parameters) => this.#call(name, parameters),
      persistent: (id) => this.#storage(id),
      error,
    }).value;
  }

  #wrong(problem: string, details = {}) {
    return formatError(this.#file, problem, details);
  }

  #call(name: string, parameters: Pickled[]): Pickled {
    // Its items are set afterwards.
    if (name === DICTIONARY && parameters.length === 0) return new Map();
    if (name === SIZE) return parameters[0] ?? [];
    if (name === TENSOR) return this.#tensor(parameters);
    if (name === PARAMETER && parameters[0] instanceof TorchTensor) return parameters[0];
    return this.#refuse(name);
  }

  #refuse(name: string): never {
    throw this.#wrong(`calls ${name} with arguments that it does not take.`);
  }

  /** Returns a storage from ("storage", its class, the record's key, the device, the number of elements). */
  #storage(id: Pickled): Storage {
    const [kind, type, key, , length] = Array.isArray(id) ? id : [];
    const dtype = type instanceof PickledName ? storageTypes.get(type.name) : undefined;
    if (kind !== "storage" || !dtype || typeof key !== "string")
      throw this.#wrong("refers to something that is not a tensor's storage.");
    const existing = this.#storages.get(key);
    if (existing) return existing;
    const record = this.#records.get(`data/${key}`);
    if (!record) throw this.#wrong(`its record data/${key} is missing.`, { tensor: key });
    const type_: TypedArrayConstructor = arrayTypes[dtype];
    const expected = Number(length) * type_.BYTES_PER_ELEMENT;
    if (record.size !== expected) {
      throw this.#wrong(`record data/${key} should hold ${expected} bytes, found ${record.size}.`, {
        tensor: key,
        expected,
        found: record.size,
      });
    }
    const storage = new Storage(dtype, readArray(record.read(), 0, Number(length), type_));
    this.#storages.set(key, storage);
    return storage;
  }

  /** Returns a tensor from (storage, offset of the first element, shape, strides, requires_grad, hooks). */
  #tensor([storage, offset, shape, strides]: Pickled[]): TorchTensor {
    if (!(storage instanceof Storage) || !isCount(offset) || !areCounts(shape) || !areCounts(strides)) {
      return this.#refuse(TENSOR);
    }
    expectWithin("dimensions", shape.length, this.#file, `a tensor has ${shape.length} dimensions`);
    const { dtype, elements } = storage;
    const count = elementCount(shape);
    const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
    const fits = strides.length === shape.length && count <= elements.length && (count === 0 || last < elements.length);
    if (!fits) {
      throw this.#wrong(
        `a tensor of shape (${shape}) and strides (${strides}) from element ${offset} on does not fit its memory of ${elements.length} elements; expanded tensors are read when saved with .contiguous().`,
        { expected: elements.length, found: last + 1 },
      );
    }
    if (isRowMajor(shape, strides)) {
      return new TorchTensor({ dtype, shape, data: elements.subarray(offset, offset + count) });
    }
    // Many views of the same elements would make a small file a large one.
    this.#unpacking.take(count * elements.BYTES_PER_ELEMENT, this.#file);
    return new TorchTensor({ dtype, shape, data: gatherStrided(elements, offset, shape, strides) });
  }
}

const isCount = (value: Pickled): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const areCounts = (value: Pickled): value is number[] => Array.isArray(value) && value.every(isCount);

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== stride) return false;
    stride *= shape[axis];
  }
  return true;
}

/**
 * Writes tensors by name as `torch.save` writes a dictionary of them, so that `torch.load(file, weights_only=True)` can open it.
 * @param tensors a Map or an object; elements are of the type of their array where `dtype` does not say otherwise
 * @throws InputError for a tensor whose data does not fit its shape or dtype, or whose type PyTorch does not have, such as U32
 */
export function saveTorch(tensors: NamedTensors): Uint8Array<ArrayBuffer> {
  const pickle = new PickleWriter();
  const files: Record<string, Uint8Array> = {};
  let key = 0;
  pickle.opcode("}(");
  for (const [name, tensor] of tensorEntries(tensors)) {
    const dtype = tensorType(name, tensor);
    const { shape, data } = tensor;
    const storage = storageNames[dtype];
    if (!storage) {
      throw new InputError(`tensor "${name}" is ${dtype}, which PyTorch does not have: convert it first.`, {
        tensor: name,
        found: dtype,
        expected: Object.keys(storageNames),
      });
    }
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
    pickle.text(name);
    pickle.global(TENSOR);
    pickle.opcode("((");
    pickle.text("storage");
    pickle.global(`torch.${storage}`);
    pickle.text(String(key));
    pickle.text("cpu");
    pickle.integer(data.length);
    pickle.opcode("tQ");
    pickle.integer(0);
    pickle.integers(shape);
    pickle.integers(strides);
    // The tensor requires no gradient, and has no hooks.
    pickle.opcode("\x89");
    pickle.global(DICTIONARY);
    pickle.opcode(")RtR");
    files[`archive/data/${key++}`] = bytesOf(data);
  }
  pickle.opcode("u.");
  const text = (value: string) => new TextEncoder().encode(value);
  // The pickle comes first, because PyTorch's reader takes the archive's name from the first record. The date is fixed, so that the
  // same tensors give the same bytes.
  const records = { "archive/data.pkl": pickle.bytes(), "archive/byteorder": text("little"), ...files };
  return zipSync({ ...records, "archive/version": text("3\n") }, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** Writes the few opcodes that a dictionary of tensors needs, in protocol 2, as PyTorch does. */
class PickleWriter {
  readonly #bytes: number[] = [0x80, 2];

  opcode(codes: string): void {
    for (const code of codes) this.#bytes.push(code.charCodeAt(0));
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.opcode("X");
    this.#number(bytes.length, 4);
    this.#bytes.push(...bytes);
  }

  global(name: string): void {
    const dot = name.lastIndexOf(".");
    this.opcode(`c${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`);
  }

  /** Writes an integer: up to 2^31 - 1 in four bytes, larger ones in eight. */
  integer(value: number): void {
    if (value < 2 ** 31) this.opcode("J");
    else this.opcode("\x8a\x08");
    this.#number(value, value < 2 ** 31 ? 4 : 8);
  }

  integers(values: readonly number[]): void {
    this.opcode("(");
    for (const value of values) this.integer(value);
    this.opcode("t");
  }

  #number(value: number, width: number): void {
    for (let i = 0; i < width; i++) this.#bytes.push(Math.floor(value / 256 ** i) % 256);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
