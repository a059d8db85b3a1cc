// A section of a config, which holds values by key. Keys may be spelled batch_size, batch-size or batchSize; an unknown key is an
// error that suggests the most similar one.

import { describe } from "../../arguments/kinds.ts";
import { ConfigError } from "../../errors.ts";
import { nearestName } from "../../spelling.ts";

/** Returns the form of a key in code: "batchSize" for "batch_size" or "batch-size". */
export const plainKey = (key: string): string =>
  key.replace(/[-_]+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());

/** Returns the form of a key in messages and examples: "batch_size" for "batchSize". */
export const writtenKey = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns the path of a value: "training.batch_size". */
export const pathOf = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** @param expected describes the expected value */
export function wrongValue(path: string, expected: string, found: unknown): ConfigError {
  const value = isMapping(found) ? "keys with values" : describe(found);
  return new ConfigError(`${path} must be ${expected}, not ${value}`, { field: path, expected });
}

export class Section {
  readonly #entries = new Map<string, { written: string; value: unknown }>();

  /**
   * @param path the section's path, "" for the whole config
   * @param known the allowed keys, as they are spelled in code
   * @throws ConfigError for anything but keys with values, and for an unknown or duplicate key: `details.field` is its path
   */
  constructor(
    value: unknown,
    readonly path: string,
    known: readonly string[],
  ) {
    if (!isMapping(value)) throw wrongValue(path || "the config", "keys with values", value);
    for (const [written, entry] of Object.entries(value)) {
      const key = plainKey(written);
      const field = pathOf(path, written);
      if (!known.includes(key)) throw unknownKey(field, key, known);
      if (this.#entries.has(key)) throw new ConfigError(`${field} occurs twice`, { field });
      // A key without a value gets its default.
      if (entry !== null && entry !== undefined) this.#entries.set(key, { written, value: entry });
    }
  }

  /** Returns a value; undefined if the key is missing or has no value. */
  get(key: string): unknown {
    return this.#entries.get(key)?.value;
  }

  /** Returns the path of a key, in its written form. */
  pathTo(key: string): string {
    return pathOf(this.path, this.#entries.get(key)?.written ?? writtenKey(key));
  }

  text(key: string): string | undefined {
    return this.#checked(key, "a text", (value) => typeof value === "string" && value !== "");
  }

  flag(key: string): boolean | undefined {
    return this.#checked(key, "true or false", (value) => typeof value === "boolean");
  }

  /** @param fits checks the number */
  number(key: string, expected: string, fits: (value: number) => boolean): number | undefined {
    return this.#checked(key, expected, (value) => Number.isFinite(value) && fits(value as number));
  }

  /** Reads a whole number of at least `least`. */
  count(key: string, least = 1): number | undefined {
    return this.number(
      key,
      `a whole number of at least ${least}`,
      (value) => Number.isSafeInteger(value) && value >= least,
    );
  }

  choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    const choice = choices.find(
      (candidate) => candidate === (typeof value === "string" ? value.replaceAll("-", "_") : ""),
    );
    if (choice !== undefined) return choice;
    const near = typeof value === "string" ? nearestName(value, choices) : undefined;
    const hint = near === undefined ? "" : `; perhaps ${near} was meant`;
    throw wrongValue(this.pathTo(key), `one of ${choices.join(", ")}${hint}`, value);
  }

  /** Reads a string, or a list of strings. */
  texts(key: string): readonly string[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    const list = Array.isArray(value) ? value : [value];
    if (list.length > 0 && list.every((entry) => typeof entry === "string" && entry !== "")) return list as string[];
    throw wrongValue(this.pathTo(key), "a name or a list of names", value);
  }

  /** Reads a number, or a list of numbers. @param fits checks each */
  numbers(key: string, expected: string, fits: (value: number) => boolean): readonly number[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    const list = Array.isArray(value) ? value : [value];
    if (list.length > 0 && list.every((entry) => Number.isFinite(entry) && fits(entry))) return list;
    throw wrongValue(this.pathTo(key), expected, value);
  }

  /** Returns the section under a key; an empty one if the key is missing. */
  section(key: string, known: readonly string[]): Section {
    return new Section(this.get(key) ?? {}, this.pathTo(key), known);
  }

  #checked<Value>(key: string, expected: string, fits: (value: unknown) => boolean): Value | undefined {
    const value = this.get(key);
    if (value === undefined || fits(value)) return value as Value | undefined;
    throw wrongValue(this.pathTo(key), expected, value);
  }
}

function unknownKey(field: string, key: string, known: readonly string[]): ConfigError {
  const near = nearestName(key, known);
  const hint = near === undefined ? "" : `, perhaps ${writtenKey(near)} was meant`;
  return new ConfigError(`there is no key ${field}${hint}; known are ${known.map(writtenKey).join(", ")}`, {
    field,
    expected: known.map(writtenKey),
  });
}
