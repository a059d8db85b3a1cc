// Python's pickle, read as data: dictionaries, lists, strings, numbers, and the few named classes and functions that the caller
// implements. Nothing is executed that a pickle asks for: a name that the caller does not know is an error.
// https://github.com/python/cpython/blob/main/Lib/pickletools.py describes every opcode.

import type { FormatError } from "../../errors.ts";
import { toDataView } from "../bytes/bytes.ts";

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
type StackValue = Pickled | typeof mark;

/**
 * Reads one pickle of protocol 2 to 5.
 * @returns the value, and the number of bytes it takes.
 * @throws the error that `options.error` makes, for a pickle that is truncated or malformed, or contains a name that is not allowed.
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): { value: Pickled; end: number } {
  const view = toDataView(bytes);
  const text = new TextDecoder("utf-8", { fatal: true });
  let offset = 0;
  const wrong = (problem: string) => options.error(problem, offset);
  const take = (count: number) => {
    if (count > bytes.length - offset) throw wrong(`is cut short: ${count} bytes more were expected`);
    offset += count;
    return offset - count;
  };
  const line = () => {
    const end = bytes.indexOf(0x0a, offset);
    if (end < 0) throw wrong("is cut short: a line has no end");
    const start = take(end + 1 - offset);
    return decode(start, end);
  };
  const decode = (start: number, end: number) => {
    try {
      return text.decode(bytes.slice(start, end));
    } catch {
      throw wrong("holds a text that is not UTF-8");
    }
  };
  const sized = (length: number) => {
    const start = take(length);
    return [start, start + length] as const;
  };
  const longLength = () => {
    const length = view.getBigUint64(take(8), true);
    return length > BigInt(bytes.length) ? Number.POSITIVE_INFINITY : Number(length);
  };
  const integerOf = (start: number, end: number): number | bigint => {
    let value = 0n;
    for (let at = end - 1; at >= start; at--) value = (value << 8n) | BigInt(bytes[at]);
    value = BigInt.asIntN(8 * (end - start), value);
    return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };

  const stack: StackValue[] = [];
  const memo = new Map<number, Pickled>();
  const pop = (): Pickled => {
    const value = stack.pop();
    if (value === undefined || value === mark) throw wrong("takes a value that is not there");
    return value;
  };
  const top = (): Pickled => {
    const value = stack.at(-1);
    if (value === undefined || value === mark) throw wrong("uses a value that is not there");
    return value;
  };
  const popToMark = (): Pickled[] => {
    const at = stack.lastIndexOf(mark);
    if (at < 0) throw wrong("ends a list that has no beginning");
    return stack.splice(at).slice(1) as Pickled[];
  };
  const tuple = (length: number) => {
    const values: Pickled[] = [];
    for (let i = 0; i < length; i++) values.unshift(pop());
    stack.push(values);
  };
  const named = (name: string) => {
    if (!options.allows(name)) {
      throw wrong(
        `asks for ${name}, which is not a plain tensor or container: load it with PyTorch, and ${adviceFor(name)}`,
      );
    }
    stack.push(new PickledName(name));
  };
  const recall = (key: number) => {
    const value = memo.get(key);
    if (value === undefined) throw wrong(`refers to value ${key}, which it has not stored`);
    stack.push(value);
  };
  const call = () => {
    const parameters = pop();
    const callee = pop();
    if (!(callee instanceof PickledName) || !Array.isArray(parameters))
      throw wrong("calls something that is not a known name");
    stack.push(options.call(callee.name, parameters));
  };
  const setItems = (items: Pickled[]) => {
    const target = top();
    if (!(target instanceof Map) || items.length % 2 !== 0)
      throw wrong("sets items of something that is not a dictionary");
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  };
  const append = (items: Pickled[]) => {
    const target = top();
    if (!Array.isArray(target)) throw wrong("appends to something that is not a list");
    for (const item of items) target.push(item);
  };

  const opcodes: Record<string, () => void> = {
    // The protocol, and the frames of protocol 4, which only group what follows.
    "\x80": () => void take(1),
    "\x95": () => void take(8),
    // Constants.
    N: () => void stack.push(null),
    "\x88": () => void stack.push(true),
    "\x89": () => void stack.push(false),
    J: () => void stack.push(view.getInt32(take(4), true)),
    K: () => void stack.push(view.getUint8(take(1))),
    M: () => void stack.push(view.getUint16(take(2), true)),
    G: () => void stack.push(view.getFloat64(take(8), false)),
    "\x8a": () => void stack.push(integerOf(...sized(view.getUint8(take(1))))),
    X: () => void stack.push(decode(...sized(view.getUint32(take(4), true)))),
    "\x8c": () => void stack.push(decode(...sized(view.getUint8(take(1))))),
    "\x8d": () => void stack.push(decode(...sized(longLength()))),
    C: () => void stack.push(bytes.slice(...sized(view.getUint8(take(1))))),
    B: () => void stack.push(bytes.slice(...sized(view.getUint32(take(4), true)))),
    // Containers.
    ")": () => void stack.push([]),
    "]": () => void stack.push([]),
    "}": () => void stack.push(new Map()),
    "(": () => void stack.push(mark),
    "\x85": () => tuple(1),
    "\x86": () => tuple(2),
    "\x87": () => tuple(3),
    t: () => void stack.push(popToMark()),
    l: () => void stack.push(popToMark()),
    a: () => append([pop()]),
    e: () => append(popToMark()),
    s: () => {
      const value = pop();
      setItems([pop(), value]);
    },
    u: () => setItems(popToMark()),
    "0": () => void pop(),
    // The memo.
    q: () => void memo.set(view.getUint8(take(1)), top()),
    r: () => void memo.set(view.getUint32(take(4), true), top()),
    "\x94": () => void memo.set(memo.size, top()),
    h: () => recall(view.getUint8(take(1))),
    j: () => recall(view.getUint32(take(4), true)),
    // Names, the calls of them, and arguments that are set afterwards.
    c: () => named(`${line()}.${line()}`),
    "\x93": () => {
      const name = pop();
      named(`${pop()}.${name}`);
    },
    R: call,
    "\x81": call,
    Q: () => void stack.push(options.persistent(pop())),
    // The state of an object, such as the `_metadata` of a state_dict, which nothing here needs.
    b: () => void pop(),
  };
  for (;;) {
    const opcode = String.fromCharCode(bytes[take(1)]);
    if (opcode === ".") return { value: pop(), end: offset };
    if (!Object.hasOwn(opcodes, opcode)) {
      throw wrong(`has an opcode that is not known here: 0x${opcode.charCodeAt(0).toString(16)}`);
    }
    opcodes[opcode]();
  }
}
