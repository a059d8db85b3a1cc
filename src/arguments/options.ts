// Checks of options: what they may be, and which there are.

import { ConfigError, InputError } from "../errors.ts";
import { nearestName } from "../spelling.ts";
import { describe, typeOf } from "./kinds.ts";

/**
 * @param expected what it may be, for the message, such as "a number of at least 0"
 * @throws ConfigError naming the option, if `fits` is false
 */
export function expectOption(field: string, value: unknown, expected: string, fits: boolean): void {
  if (!fits) throw new ConfigError(`${field} must be ${expected}, not ${describe(value)}`, { field, expected });
}

/** @throws ConfigError naming an option that is not a whole number of at least `least` */
export function expectWhole(field: string, value: unknown, least: number): void {
  const fits = Number.isInteger(value) && (value as number) >= least;
  expectOption(field, value, `a whole number of at least ${least}`, fits);
}

/**
 * Checks options whose parts must be objects of some class: each is recognised by one of its methods.
 * @param methods the methods that the parts must have: "model.forward"
 * @throws ConfigError naming the part
 */
export function expectParts(of: string, options: object, ...methods: `${string}.${string}`[]): void {
  if (typeof options !== "object" || options === null) {
    throw new ConfigError(`the options of ${of} are ${describe(options)}, expected an object`, { field: "" });
  }
  for (const needed of methods) {
    const [field, method] = needed.split(".");
    const part = (options as Record<string, Record<string, unknown> | null | undefined>)[field];
    if (typeof part?.[method] === "function") continue;
    throw new ConfigError(`${of}: ${field} is ${describe(part)}, expected what has a method ${method}`, { field });
  }
}

/**
 * Checks for options that do not exist.
 * @param known all names; its type ensures that none is missing. An option whose value here is a text is of that `typeof`
 * @throws ConfigError naming the unknown option and the most similar known one, or one of another type
 */
export function checkOptions<Options extends object>(
  of: string,
  options: Options,
  known: Readonly<Record<keyof Options, unknown>>,
): void {
  const names = Object.keys(known);
  if (typeof options !== "object" || options === null || ArrayBuffer.isView(options)) {
    throw new ConfigError(
      `the options of ${of} are ${typeOf(options)}, expected an object that may have ${names.join(", ")}`,
      { field: "" },
    );
  }
  for (const [field, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, field)) continue;
    const nearest = nearestName(field, names);
    const advice = nearest === undefined ? `known are ${names.join(", ")}` : `did you mean ${nearest}?`;
    throw new ConfigError(`${of} has no option ${field}: ${advice}`, { field, expected: names });
  }
  // An option may be inherited, as the method `transfer` of an ArrayBuffer that was given in place of options.
  for (const [field, type] of Object.entries(known)) {
    const value = options[field as keyof Options];
    if (typeof type === "string" && value !== undefined) expectOption(field, value, `a ${type}`, typeof value === type);
  }
}

/**
 * Checks for names that are similar to those of an input: it may have other fields, but a misspelt one would be
 * ignored.
 * @throws InputError naming the unknown name and the most similar known one
 */
export function checkNames<Input extends object>(input: Input, known: Readonly<Record<keyof Input, true>>): void {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || Object.hasOwn(known, name)) continue;
    const nearest = nearestName(name, Object.keys(known));
    if (nearest) throw new InputError(`the input has no ${name}: did you mean ${nearest}?`, { tensor: name });
  }
}
