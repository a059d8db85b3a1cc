// Python's pickle, read as data: dictionaries, lists, strings, numbers, and the few named classes and functions that the caller
// implements. Nothing is executed that a pickle asks for: a name that the caller does not know is an error.
// https://github.com/python/cpython/blob/main/Lib/pickletools.py describes every opcode.

import type { FormatError } from "../../errors.ts";
import { PickleBytes } from "./pickle-bytes.ts";

/** A value of a pickle. Dictionaries are Maps, tuples are arrays; an `object` is what the caller's `call` returned. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | object;

/** The name of a class or function in a pickle: "collections.OrderedDict". */
export class PickledName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export interface PickleOptions {
  /** Returns whether a pickle may contain a name; the first name that it may not is an error. */
  allows(name: string): boolean;
  /** Returns the result of calling a name with arguments. */
  call(name: string, parameters: Pickled[]): Pickled;
  /** Returns the value that a persistent id stands for. */
  persistent(id: Pickled): Pickled;
  /** Makes the error to throw, from the problem and its offset in bytes. */
  error(problem: string, offset: number): FormatError;
}

/** Says what to save instead of a value that a name makes. */
function adviceFor(name: string): string {
  if (name.startsWith("torch_geometric.")) return "save the arrays of its graphs, torch.save(data.to_dict(), OUT)";
  if (name.startsWith("numpy.")) return "save its arrays as tensors (torch.from_numpy), or all by numpy.savez";
  return "save its state_dict alone";
}

/** Marks the beginning of a list of values on the stack. */
const mark = Symbol("mark");

/** The values that a pickle has made so far: those that wait for their use, the last one on top, and those that it has stored. */
class PickleStack {
  readonly #values: (Pickled | typeof mark)[] = [];
  readonly #memo = new Map<number, Pickled>();
  readonly #bytes: PickleBytes;
  readonly #options: PickleOptions;

  /** @param bytes for the places of errors */
  constructor(bytes: PickleBytes, options: PickleOptions) {
    this.#bytes = bytes;
    this.#options = options;
  }

  push(value: Pickled): void {
    this.#values.push(value);
  }

  /** Begins a list. */
  mark(): void {
    this.#values.push(mark);
  }

  top(): Pickled {
    const value = this.#values.at(-1);
    if (value === undefined || value === mark) throw this.#bytes.wrong("uses a value that is not there");
    return value;
  }

  pop(): Pickled {
    const value = this.#values.pop();
    if (value === undefined || value === mark) throw this.#bytes.wrong("takes a value that is not there");
    return value;
  }

  /** Ends the list that was begun last. */
  popList(): Pickled[] {
    const at = this.#values.lastIndexOf(mark);
    if (at < 0) throw this.#bytes.wrong("ends a list that has no beginning");
    return this.#values.splice(at).slice(1) as Pickled[];
  }

  pushTuple(length: number): void {
    const values: Pickled[] = [];
    for (let i = 0; i < length; i++) values.unshift(this.pop());
    this.push(values);
  }

  append(items: readonly Pickled[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw this.#bytes.wrong("appends to something that is not a list");
    for (const item of items) target.push(item);
  }

  /** @param items keys and values in turn */
  setItems(items: readonly Pickled[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2 !== 0)
      throw this.#bytes.wrong("sets items of something that is not a dictionary");
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  /** Stores the value on top. Default: under the next number. */
  store(key = this.#memo.size): void {
    this.#memo.set(key, this.top());
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.#bytes.wrong(`refers to value ${key}, which it has not stored`);
    this.push(value);
  }

  pushName(name: string): void {
    if (!this.#options.allows(name)) {
      throw this.#bytes.wrong(
        `asks for ${name}, which is not a plain tensor or container: load it with PyTorch, and ${adviceFor(name)}`,
      );
    }
    this.push(new PickledName(name));
  }

  call(): void {
    const parameters = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickledName) || !Array.isArray(parameters))
      throw this.#bytes.wrong("calls something that is not a known name");
    this.push(this.#options.call(callee.name, parameters));
  }

  pushPersistent(): void {
    this.push(this.#options.persistent(this.pop()));
  }
}

const opcodes: Readonly<Record<string, (stack: PickleStack, bytes: PickleBytes) => void>> = {
  // The protocol, and the frames of protocol 4, which only group what follows.
  "\x80": (_, bytes) => void bytes.skip(1),
  "\x95": (_, bytes) => void bytes.skip(8),
  // Constants.
  N: (stack) => stack.push(null),
  "\x88": (stack) => stack.push(true),
  "\x89": (stack) => stack.push(false),
  J: (stack, bytes) => stack.push(bytes.int32()),
  K: (stack, bytes) => stack.push(bytes.uint8()),
  M: (stack, bytes) => stack.push(bytes.uint16()),
  G: (stack, bytes) => stack.push(bytes.float64()),
  "\x8a": (stack, bytes) => stack.push(bytes.integer(bytes.uint8())),
  X: (stack, bytes) => stack.push(bytes.text(bytes.uint32())),
  "\x8c": (stack, bytes) => stack.push(bytes.text(bytes.uint8())),
  "\x8d": (stack, bytes) => stack.push(bytes.text(bytes.longLength())),
  C: (stack, bytes) => stack.push(bytes.slice(bytes.uint8())),
  B: (stack, bytes) => stack.push(bytes.slice(bytes.uint32())),
  // Containers.
  ")": (stack) => stack.push([]),
  "]": (stack) => stack.push([]),
  "}": (stack) => stack.push(new Map()),
  "(": (stack) => stack.mark(),
  "\x85": (stack) => stack.pushTuple(1),
  "\x86": (stack) => stack.pushTuple(2),
  "\x87": (stack) => stack.pushTuple(3),
  t: (stack) => stack.push(stack.popList()),
  l: (stack) => stack.push(stack.popList()),
  a: (stack) => stack.append([stack.pop()]),
  e: (stack) => stack.append(stack.popList()),
  s: (stack) => {
    const value = stack.pop();
    stack.setItems([stack.pop(), value]);
  },
  u: (stack) => stack.setItems(stack.popList()),
  "0": (stack) => void stack.pop(),
  // What is stored.
  q: (stack, bytes) => stack.store(bytes.uint8()),
  r: (stack, bytes) => stack.store(bytes.uint32()),
  "\x94": (stack) => stack.store(),
  h: (stack, bytes) => stack.recall(bytes.uint8()),
  j: (stack, bytes) => stack.recall(bytes.uint32()),
  // Names, the calls of them, and arguments that are set afterwards.
  c: (stack, bytes) => stack.pushName(`${bytes.line()}.${bytes.line()}`),
  "\x93": (stack) => {
    const name = stack.pop();
    stack.pushName(`${stack.pop()}.${name}`);
  },
  R: (stack) => stack.call(),
  "\x81": (stack) => stack.call(),
  Q: (stack) => stack.pushPersistent(),
  // The state of an object, such as the `_metadata` of a state_dict, which nothing here needs.
  b: (stack) => void stack.pop(),
};

/**
 * Reads one pickle of protocol 2 to 5.
 * @returns the value, and the number of bytes it takes.
 * @throws the error that `options.error` makes, for a pickle that is truncated or malformed, or contains a name that is not allowed.
 */
export function readPickle(input: Uint8Array, options: PickleOptions): { value: Pickled; end: number } {
  const bytes = new PickleBytes(input, options.error);
  const stack = new PickleStack(bytes, options);
  for (;;) {
    const opcode = String.fromCharCode(bytes.uint8());
    if (opcode === ".") return { value: stack.pop(), end: bytes.offset };
    if (!Object.hasOwn(opcodes, opcode)) {
      throw bytes.wrong(`has an opcode that is not known here: 0x${opcode.charCodeAt(0).toString(16)}`);
    }
    opcodes[opcode](stack, bytes);
  }
}
