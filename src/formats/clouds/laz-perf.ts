// Runs the WebAssembly module of laz-perf, which unpacks LAZ. Each of the package's scripts is for one kind of host and stops in all
// others, so the few functions that the module imports are here instead; of Embind, which binds its classes, what the class LASZip needs.

import { moduleOnce } from "../../host/module-once.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  emscripten_stack_init(): void;
  __wasm_call_ctors(): void;
  malloc(bytes: number): number;
}

type Native = (...values: number[]) => number;

/** The class whose object reads a file in the module's memory, point by point. */
const CLASS = "LASZip";
const PAGE = 65_536;
/** The number of the error ENOSYS in WASI. */
const NOT_SUPPORTED = 52;
/** What the module may need besides the file, twice its bytes for what it takes apart: models and tables. */
const WORKING_BYTES = 2 ** 26;
/** Points that are copied from the module at once. */
const BLOCK = 4096;

function lazPerfUrl(): URL {
  return new URL("../../../node_modules/laz-perf/lib/worker/laz-perf.wasm", import.meta.url);
}

const lazPerf = moduleOnce("laz-perf.wasm", lazPerfUrl);

/**
 * Unpacks the points of a LAZ file, one after the other.
 * @param file all of its bytes
 * @param points [count * pointBytes], which are filled
 * @throws WorkerError if the module's file is missing or damaged; DeviceError if the host does not compile it; Error with what the
 *   module says of a damaged file, and RangeError or RuntimeError where it stops without a word
 */
export async function unpackPoints(file: Uint8Array, points: Uint8Array, pointBytes: number): Promise<void> {
  const module = await lazPerf();
  // Each file has an instance of its own: a damaged one leaves it in an unknown state, and memory of WebAssembly never shrinks.
  const { exports, create, methods } = await instantiate(module, 2 * file.length + WORKING_BYTES);
  const source = allocate(exports, file.length);
  const target = allocate(exports, BLOCK * pointBytes);
  new Uint8Array(exports.memory.buffer).set(file, source);
  const reader = create();
  const method = (name: string): Native => {
    const found = methods.get(name);
    if (!found) throw new Error(`laz-perf has no ${CLASS}.${name}`);
    return (...values) => found(reader, ...values);
  };
  method("open")(source, file.length);
  const getPoint = method("getPoint");
  for (let at = 0; at < points.length; at += BLOCK * pointBytes) {
    const bytes = Math.min(BLOCK * pointBytes, points.length - at);
    for (let point = 0; point < bytes; point += pointBytes) getPoint(target + point);
    points.set(new Uint8Array(exports.memory.buffer, target, bytes), at);
  }
}

function allocate({ malloc }: Exports, bytes: number): number {
  const address = malloc(bytes) >>> 0;
  if (address === 0) throw new RangeError(`no memory for ${bytes} bytes`);
  return address;
}

/** @param largest the bytes beyond which the module's memory does not grow: a damaged size may ask for gigabytes */
async function instantiate(module: WebAssembly.Module, largest: number) {
  const methods = new Map<string, (object: number, ...values: number[]) => number>();
  const types = new Map<number, string>();
  let create: (() => number) | undefined;
  const bytes = () => new Uint8Array(exports.memory.buffer);
  const view = () => new DataView(exports.memory.buffer);
  const text = (address: number): string => {
    const memory = bytes().subarray(address, address + 200);
    return new TextDecoder().decode(memory.slice(0, Math.max(0, memory.indexOf(0))));
  };
  const native = (index: number) => exports.__indirect_function_table.get(index) as Native;
  const imports: Record<string, (...values: number[]) => unknown> = {
    _embind_register_class: (type, _pointer, _constant, _base, _1, _2, _3, _4, _5, _6, name) =>
      types.set(type, text(name)),
    _embind_register_class_constructor: (type, _count, _types, _signature, invoker, constructor) => {
      if (types.get(type) === CLASS) create = () => native(invoker)(constructor);
    },
    _embind_register_class_function: (type, name, _count, _types, _signature, invoker, context) => {
      if (types.get(type) === CLASS) methods.set(text(name), (...values) => native(invoker)(context, ...values));
    },
    __cxa_allocate_exception: (size) => exports.malloc(size),
    // An object of std::runtime_error has its text's address behind that of its class.
    __cxa_throw: (error) => {
      throw new Error(text(view().getUint32(error + 4, true)));
    },
    abort: () => {
      throw new Error("aborted");
    },
    emscripten_memcpy_big: (target, source, size) => bytes().copyWithin(target, source, source + size),
    emscripten_resize_heap: (wanted) => {
      const size = wanted >>> 0;
      if (size > largest) return 0;
      // A fifth more, so that it does not grow often.
      const more = Math.min(largest, Math.max(size, bytes().length * 1.2)) - bytes().length;
      try {
        exports.memory.grow(Math.ceil(more / PAGE));
        return 1;
      } catch {
        return 0;
      }
    },
  };
  // The others bind types that its class does not need, or are the system's, of which it needs none: these say that they failed.
  const given: Record<string, Record<string, (...values: number[]) => unknown>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const absent = () => (from === "env" ? undefined : NOT_SUPPORTED);
    given[from] = { ...given[from], [name]: imports[name] ?? absent };
  }
  const instance = await WebAssembly.instantiate(module, given as WebAssembly.Imports);
  const exports = instance.exports as unknown as Exports;
  exports.emscripten_stack_init();
  exports.__wasm_call_ctors();
  if (!create) throw new Error(`laz-perf has no class ${CLASS}`);
  return { exports, create, methods };
}
