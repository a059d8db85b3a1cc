// A model's configuration: both spellings of its fields, their defaults, and what they may be.

import { ConfigError } from "../errors.ts";

/** A model's shape, complete and checked. */
export interface ErwinConfig {
  /** Channels of the input features. */
  cIn: number;
  /** Channels at each level, K numbers. */
  cHidden: number[];
  /** Nodes in one attention ball at each level, K powers of two. */
  ballSizes: number[];
  /** Attention heads of each encoder level, the bottleneck's last: K numbers. */
  encNumHeads: number[];
  /** Blocks of each encoder level, the bottleneck's last: K numbers. */
  encDepths: number[];
  /** Attention heads of each decoder level, finest first: K - 1 numbers. */
  decNumHeads: number[];
  /** Blocks of each decoder level, finest first: K - 1 numbers. */
  decDepths: number[];
  /** Nodes merged into one between the levels: K - 1 powers of two. */
  strides: number[];
  /** Angle of the rotated tree in degrees; 0 means no rotated blocks. */
  rotate: number;
  /** Whether the decoder runs; without it the bottleneck's nodes are the output. Default true. */
  decode: boolean;
  /** Width of the feed-forward's hidden layer, in widths of the block. Default 4. */
  mlpRatio: number;
  /** Dimensions of space, 2 or 3. Default 3. */
  dimensionality: number;
  /** Message-passing steps of the embedding. Default 3. */
  mpSteps: number;
}

/** A config as users write it: one number in place of `cHidden` is multiplied by the strides; defaults may be left out. */
export type ErwinConfigInput = Omit<
  ErwinConfig,
  "cHidden" | "rotate" | "decode" | "mlpRatio" | "dimensionality" | "mpSteps"
> &
  Partial<Pick<ErwinConfig, "rotate" | "decode" | "mlpRatio" | "dimensionality" | "mpSteps">> & {
    cHidden: number | number[];
  };

const defaults = { rotate: 0, decode: true, mlpRatio: 4, dimensionality: 3, mpSteps: 3 };

/** The reference's spelling of each field. */
const snakeCase: Record<keyof ErwinConfig, string> = {
  cIn: "c_in",
  cHidden: "c_hidden",
  ballSizes: "ball_sizes",
  encNumHeads: "enc_num_heads",
  encDepths: "enc_depths",
  decNumHeads: "dec_num_heads",
  decDepths: "dec_depths",
  strides: "strides",
  rotate: "rotate",
  decode: "decode",
  mlpRatio: "mlp_ratio",
  dimensionality: "dimensionality",
  mpSteps: "mp_steps",
};

/**
 * Checks a config in either spelling and fills in its defaults.
 * @throws ConfigError naming the field, what was expected and what was found.
 */
export function resolveConfig(input: Readonly<Record<string, unknown>> | ErwinConfigInput): ErwinConfig {
  const given = canonicalNames(input as Record<string, unknown>);
  const ballSizes = powersOfTwo("ballSizes", numbers("ballSizes", given.ballSizes));
  const levels = ballSizes.length;
  if (levels === 0) throw refuse("ballSizes", "at least one level", given.ballSizes);
  const strides = powersOfTwo("strides", numbers("strides", given.strides, levels - 1));
  const config: ErwinConfig = {
    cIn: atLeast("cIn", given.cIn, 1),
    cHidden: widths(given.cHidden, strides),
    ballSizes,
    encNumHeads: numbers("encNumHeads", given.encNumHeads, levels),
    encDepths: numbers("encDepths", given.encDepths, levels, 0),
    decNumHeads: numbers("decNumHeads", given.decNumHeads, levels - 1),
    decDepths: numbers("decDepths", given.decDepths, levels - 1, 0),
    strides,
    rotate: finite("rotate", given.rotate),
    decode: given.decode as boolean,
    mlpRatio: atLeast("mlpRatio", given.mlpRatio, 1),
    dimensionality: atLeast("dimensionality", given.dimensionality, 2),
    mpSteps: atLeast("mpSteps", given.mpSteps, 0),
  };
  if (typeof config.decode !== "boolean") throw refuse("decode", "true or false", given.decode);
  if (config.dimensionality > 3) throw refuse("dimensionality", "2 or 3", given.dimensionality);
  checkHeads("encNumHeads", config.encNumHeads, config.cHidden);
  checkHeads("decNumHeads", config.decNumHeads, config.cHidden);
  strides.forEach((stride, l) => {
    if (stride === 1 && config.cHidden[l] !== config.cHidden[l + 1]) {
      throw refuse(
        "cHidden",
        `the same width at the levels ${l} and ${l + 1}, between which the stride is 1`,
        given.cHidden,
      );
    }
  });
  return config;
}

/** The config in the reference's spelling, as checkpoints carry it. */
export function snakeCaseConfig(config: ErwinConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(snakeCase).map(([camel, snake]) => [snake, config[camel as keyof ErwinConfig]]),
  );
}

function canonicalNames(input: Record<string, unknown>): Record<keyof ErwinConfig, unknown> {
  if (typeof input !== "object" || input === null)
    throw new ConfigError(`a config is an object, not ${JSON.stringify(input)}`, { field: "" });
  const names = new Map(
    Object.entries(snakeCase).flatMap(([camel, snake]) => [[camel, camel] as const, [snake, camel] as const]),
  );
  const given: Record<string, unknown> = { ...defaults };
  const seen = new Set<string>();
  for (const [field, value] of Object.entries(input)) {
    const name = names.get(field);
    if (!name) {
      throw new ConfigError(
        `the config has a field ${field}, which is none of ${[...new Set(names.values())].join(", ")}`,
        { field },
      );
    }
    if (seen.has(name)) throw new ConfigError(`the config gives ${name} in both spellings: leave one out`, { field });
    seen.add(name);
    if (value !== undefined) given[name] = value;
  }
  for (const name of Object.keys(snakeCase)) {
    if (given[name] === undefined) throw new ConfigError(`the config has no ${name}`, { field: name });
  }
  return given as Record<keyof ErwinConfig, unknown>;
}

function refuse(field: string, expected: string, found: unknown): ConfigError {
  return new ConfigError(`${field} must be ${expected}, not ${JSON.stringify(found)}`, { field, expected });
}

function atLeast(field: string, value: unknown, least: number): number {
  if (!Number.isInteger(value) || (value as number) < least)
    throw refuse(field, `a whole number of at least ${least}`, value);
  return value as number;
}

function finite(field: string, value: unknown): number {
  if (!Number.isFinite(value)) throw refuse(field, "a finite number of degrees", value);
  return value as number;
}

function numbers(field: string, value: unknown, length?: number, least = 1): number[] {
  const count = length === undefined ? "a list" : `a list of ${length}`;
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
    throw refuse(field, `${count} whole numbers (ballSizes sets the number of levels)`, value);
  }
  for (const entry of value) atLeast(field, entry, least);
  return [...value];
}

function powersOfTwo(field: string, values: number[]): number[] {
  if (values.some((value) => !Number.isInteger(Math.log2(value)))) throw refuse(field, "powers of two", values);
  return values;
}

function widths(value: unknown, strides: number[]): number[] {
  if (Array.isArray(value)) return numbers("cHidden", value, strides.length + 1);
  let width = atLeast("cHidden", value, 1);
  return [width, ...strides.map((stride) => (width *= stride))];
}

function checkHeads(field: "encNumHeads" | "decNumHeads", heads: number[], channels: number[]): void {
  heads.forEach((count, l) => {
    if (channels[l]! % count !== 0) {
      throw new ConfigError(
        `${field}[${l}] is ${count}, which does not divide the ${channels[l]} channels of level ${l}`,
        {
          field,
          level: l,
          heads: count,
          channels: channels[l]!,
        },
      );
    }
  });
}
