// What libraries of reactive state make of objects that are handed to them.

const isPlain = (value: unknown): value is object =>
  ["[object Object]", "[object Array]"].includes(Object.prototype.toString.call(value));

/** Returns proxies of lists and of what seems a plain object, and of all that they hold, as Vue's `reactive` and Svelte's `$state`. */
export function reactive<Value>(value: Value): Value {
  if (!isPlain(value)) return value;
  return new Proxy(value, { get: (target, name, receiver) => reactive(Reflect.get(target, name, receiver)) });
}

/** Freezes lists and plain objects, and all that they hold, as Immer and Redux Toolkit do. */
export function frozen<Value>(value: Value): Value {
  if (!isPlain(value)) return value;
  for (const held of Object.values(value)) frozen(held);
  return Object.freeze(value);
}
