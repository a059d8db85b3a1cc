// What libraries of reactive state make of objects that are handed to them.

const isPlain = (value: unknown): value is object =>
  ["[object Object]", "[object Array]"].includes(Object.prototype.toString.call(value));

/** Returns proxies of lists and of what seems a plain object, and of all that they hold, as Vue's `reactive` and Svelte's `$state`. */
export function reactive<Value>(value: Value): Value {
  if (!isPlain(value)) return value;
  return new Proxy(value, { get: (target, name, receiver) => reactive(Reflect.get(target, name, receiver)) });
}

/** Returns copies of lists and plain objects, and of all that they hold, with values in place of getters, as Immer's drafts are. */
export function copied<Value>(value: Value): Value {
  if (!isPlain(value)) return value;
  if (Array.isArray(value)) return value.map(copied) as Value;
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, copied(held)])) as Value;
}

/** Freezes lists and plain objects, and all that they hold, as Immer and Redux Toolkit do. */
export function frozen<Value>(value: Value): Value {
  if (!isPlain(value)) return value;
  for (const held of Object.values(value)) frozen(held);
  return Object.freeze(value);
}
