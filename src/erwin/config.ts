// A model's configuration. One table gives the meaning, the check and the default of each field; types, checks, both
// spellings and the metadata of checkpoints follow from it.

import { describe } from "../arguments/kinds.ts";
import { isPowerOfTwo } from "../balltree/levels.ts";
import { ConfigError } from "../errors.ts";
import { howToAllow, limits } from "../limits.ts";

/** A field of the config. `Default` is the type in which users may write it, or undefined if they must give it. */
interface Field<Value, Default> {
  /** The value if the field is omitted. */
  default: Default;
  /**
   * Returns the value, if it is valid.
   * @param levels the number of levels of the config, which its lists have to match
   * @throws ConfigError naming the field, what was expected and what was found
   */
  check(name: string, value: unknown, levels: number): Value;
}

type Check<Value> = Field<Value, unknown>["check"];

const needed = <Value, Given = Value>(check: Check<Value>): Field<Value, Given | undefined> => ({
  default: undefined,
  check,
});

const optional = <Value>(value: Value, check: Check<Value>): Field<Value, Value> => ({ default: value, check });

/** @param most the largest value, or the name of the limit on it */
const whole = (min: number, most: number | "width" | "steps" | "nodes") => (name: string, value: unknown) => {
  const max = typeof most === "number" ? most : limits[most];
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  const isMore = Number.isInteger(value) && (value as number) > max && typeof most === "string";
  const advice = isMore ? `, ${howToAllow(most, value as number)}` : "";
  throw refuse(name, `a whole number of at least ${min} and at most ${max}`, value, advice);
};

const powerOfTwo = (name: string, value: unknown) => {
  const number = whole(1, "nodes")(name, value);
  if (isPowerOfTwo(number)) return number;
  throw refuse(name, "a power of two", value);
};

/** @param missing how many entries fewer than levels the list has */
const list =
  (check: (name: string, value: unknown) => number, missing = 0) =>
  (name: string, value: unknown, levels: number) => {
    if (Array.isArray(value) && value.length === levels - missing) {
      return value.map((entry, i) => check(`${name}[${i}]`, entry));
    }
    throw refuse(name, `a list of ${levels - missing} whole numbers (ballSizes sets the number of levels)`, value);
  };

const degrees = (name: string, value: unknown) => {
  if (Number.isFinite(value) && (value as number) >= 0) return value as number;
  throw refuse(name, "a finite number of degrees, at least 0", value);
};

const flag = (name: string, value: unknown) => {
  if (typeof value === "boolean") return value;
  throw refuse(name, "true or false", value);
};

/** A single number is the first width; the strides multiply it. */
const widths = (name: string, value: unknown, levels: number) =>
  Array.isArray(value) ? list(whole(1, "width"))(name, value, levels) : [whole(1, "width")(name, value)];

/** K is the number of levels. */
const fields = {
  /** The number of channels of the input features. */
  cIn: needed(whole(1, "width")),
  /** The number of channels at each level, K numbers; or one number, which the strides multiply from level to level. */
  cHidden: needed<number[], number | number[]>(widths),
  /** The number of nodes in one attention ball at each level, K powers of two. */
  ballSizes: needed(list(powerOfTwo)),
  /** The number of attention heads of each encoder level, then the bottleneck: K numbers. */
  encNumHeads: needed(list(whole(1, "width"))),
  /** The number of blocks of each encoder level, then the bottleneck: K numbers. */
  encDepths: needed(list(whole(0, "steps"))),
  /** The number of attention heads of each decoder level, finest first: K - 1 numbers. */
  decNumHeads: needed(list(whole(1, "width"), 1)),
  /** The number of blocks of each decoder level, finest first: K - 1 numbers. */
  decDepths: needed(list(whole(0, "steps"), 1)),
  /** The number of nodes merged into one between the levels: K - 1 powers of two. */
  strides: needed(list(powerOfTwo, 1)),
  /** The angle of the rotated tree in degrees. Default 0, which means no rotated blocks. */
  rotate: optional(0, degrees),
  /** Whether the decoder runs; without it the bottleneck's nodes are the output. Default true. */
  decode: optional<boolean>(true, flag),
  /** The width of the feed-forward's hidden layer, as a multiple of the block's width. Default 4. */
  mlpRatio: optional(4, whole(1, "steps")),
  /** The number of spatial dimensions, 2 or 3. Default 3. */
  dimensionality: optional(3, whole(2, 3)),
  /** The number of message-passing steps of the embedding. Default 3. */
  mpSteps: optional(3, whole(0, "steps")),
};

type Fields = typeof fields;
type FieldName = keyof Fields;
/** Lists may be frozen, as those of `as const` and of state are. */
type MaybeFrozen<Value> = Value extends readonly (infer Item)[] ? readonly Item[] : Value;
type GivenValue<Name extends FieldName> = MaybeFrozen<Exclude<Fields[Name]["default"], undefined>>;

// Types over `keyof Fields`, written so, have the fields' comments, which editors show.

/** A model's config, complete and checked. */
export type ErwinConfig = { [Name in keyof Fields]: ReturnType<Fields[Name]["check"]> };

/**
 * A config as users write it: `cHidden` may be one number, which the strides multiply; fields with defaults may be
 * omitted.
 */
export type ErwinConfigInput = {
  [Name in keyof Fields as undefined extends Fields[Name]["default"] ? Name : never]: GivenValue<Name>;
} & {
  [Name in keyof Fields as undefined extends Fields[Name]["default"] ? never : Name]?: GivenValue<Name> | undefined;
};

/** For names that have no capitals, both spellings are the same. */
type OfOneSpelling<Name extends string> = Name extends Lowercase<Name> ? never : Name;

/**
 * A config in either spelling. Where it is written out with our names, `cHidden`, its types are checked; with the reference's,
 * `c_hidden`, or where only a program's values tell what an object holds, as of parsed JSON, it is checked when it is used.
 */
export type GivenConfig =
  | ErwinConfigInput
  | (Readonly<Record<string, unknown>> & { readonly [Name in keyof ErwinConfigInput as OfOneSpelling<Name>]?: never });

const names = Object.keys(fields) as FieldName[];

/** A field's name as the reference spells it: `cHidden` is `c_hidden`. */
export const referenceName = (name: keyof ErwinConfig): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * Checks a config in either spelling and fills in its defaults.
 * @throws ConfigError naming the field, what was expected and what was found.
 */
export function resolveConfig(input: GivenConfig): ErwinConfig {
  const given = canonicalNames(input as Readonly<Record<string, unknown>>);
  const { ballSizes } = given;
  if (!Array.isArray(ballSizes) || ballSizes.length < 1 || ballSizes.length > limits.levels) {
    const levels = Array.isArray(ballSizes) ? ballSizes.length : 0;
    const advice = levels > limits.levels ? `, ${howToAllow("levels", levels)}` : "";
    throw refuse("ballSizes", `a list of 1 to ${limits.levels} powers of two, one a level`, ballSizes, advice);
  }
  const checked = names.map((name) => [name, fields[name].check(name, given[name], ballSizes.length)]);
  const config = Object.fromEntries(checked) as ErwinConfig;
  if (!Array.isArray(given.cHidden)) config.cHidden = multipliedWidths(config);
  checkHeads("encNumHeads", config);
  checkHeads("decNumHeads", config);
  config.strides.forEach((stride, l) => {
    if (stride > 1 || config.cHidden[l] === config.cHidden[l + 1]) return;
    const expected = `the same width at the levels ${l} and ${l + 1}, between which the stride is 1`;
    throw refuse("cHidden", expected, given.cHidden);
  });
  return config;
}

/** What of an object is a config's fields, in either spelling, by their names in camelCase; all else is passed over. */
export function configFields(input: Readonly<Record<string, unknown>>): Partial<Record<keyof ErwinConfig, unknown>> {
  const given = names.flatMap((name) => {
    const value = input[name] ?? input[referenceName(name)];
    return value == null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
}

/** The config in the reference's spelling, as checkpoints carry it. */
export function snakeCaseConfig(config: ErwinConfig): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [referenceName(name), config[name]]));
}

/** Returns the fields by their names in camelCase, including defaults. */
function canonicalNames(input: Record<string, unknown>): Record<FieldName, unknown> {
  if (typeof input !== "object" || input === null)
    throw new ConfigError(`a config is an object, not ${describe(input)}`, { field: "" });
  const nameOf = new Map(
    names.flatMap((name) => [[name as string, name] as const, [referenceName(name), name] as const]),
  );
  const given = Object.fromEntries(names.map((name) => [name, fields[name].default as unknown]));
  const seen = new Set<string>();
  for (const [field, value] of Object.entries(input)) {
    const name = nameOf.get(field);
    if (!name) {
      throw new ConfigError(`the config has a field ${describe(field)}, which is none of ${names.join(", ")}`, {
        field,
      });
    }
    if (seen.has(name)) throw new ConfigError(`the config gives ${name} in both spellings: leave one out`, { field });
    seen.add(name);
    if (value !== undefined) given[name] = value;
  }
  for (const name of names) {
    if (given[name] === undefined) throw new ConfigError(`the config has no ${name}`, { field: name });
  }
  return given as Record<FieldName, unknown>;
}

/** @param name the name of a field, or of an entry of its list: `strides[1]` */
function refuse(name: string, expected: string, found: unknown, advice = ""): ConfigError {
  const field = name.replace(/\[.*/, "");
  return new ConfigError(`${name} must be ${expected}, not ${describe(found)}${advice}`, { field, expected });
}

function multipliedWidths({ cHidden: [first], strides }: ErwinConfig): number[] {
  let width = first;
  return [first, ...strides.map((stride, l) => whole(1, "width")(`cHidden[${l + 1}]`, (width *= stride)))];
}

function checkHeads(field: "encNumHeads" | "decNumHeads", config: ErwinConfig): void {
  config[field].forEach((heads, level) => {
    const channels = config.cHidden[level];
    if (channels % heads === 0) return;
    throw new ConfigError(
      `${field}[${level}] is ${heads}, which does not divide the ${channels} channels of level ${level}`,
      { field, level, heads, channels },
    );
  });
}
