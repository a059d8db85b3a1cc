// What a value is, of whatever realm, and how messages tell of it.

import { InputError } from "../errors.ts";

/**
 * Returns the name of an object's class, by its tag: what is of another realm, such as a frame or the sandbox of a test, is no
 * instance of this one's classes.
 */
export const classOf = (value: unknown): string => Object.prototype.toString.call(value).slice("[object ".length, -1);

/** Whether a value is a Map, of whatever realm. */
export const isMap = (value: unknown): boolean => classOf(value) === "Map";

/** Returns the type of a value, of whatever realm. */
export function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a plain array";
  if (typeof value !== "object") return typeof value;
  const tag = classOf(value);
  if (tag === "Promise") return "a Promise (await it)";
  const name: unknown = value.constructor?.name;
  return tag === "Object" || tag === "Uint8Array" ? String(name ?? tag) : tag;
}

/** Describes any value briefly for messages: String would throw for symbols and for objects without a prototype. */
export function describe(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean" || value === undefined) return String(value);
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  // A list may contain itself.
  const inner = (entry: unknown) => (Array.isArray(entry) ? "[...]" : describe(entry));
  return Array.isArray(value) ? `[${value.slice(0, 8).map(inner).join(", ")}]` : typeOf(value);
}

export function wrongType(name: string, value: unknown, wanted: string, found = typeOf(value)): InputError {
  return new InputError(`${name} is ${found}, expected ${wanted}`, { tensor: name, expected: wanted, found });
}

/**
 * @param expected the expected kind for the message, such as "a function"
 * @throws InputError if `fits` is false
 */
export function expectKind(name: string, value: unknown, expected: string, fits: boolean): void {
  if (!fits) throw wrongType(name, value, expected, describe(value));
}

/** @throws InputError if `value` is not a number */
export function expectNumber(name: string, value: unknown): void {
  if (typeof value !== "number") throw wrongType(name, value, "a number");
}
