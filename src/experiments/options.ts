// Declarations of an experiment's options, from which the command line's flags and a page's form follow.

import { describe, expectKind } from "../arguments/kinds.ts";
import { expectOption, expectParts } from "../arguments/options.ts";
import { ConfigError } from "../errors.ts";

interface Declared<Type extends string, Value> {
  readonly type: Type;
  /** The value of an option that is not given; undefined if its absence has a meaning of its own. */
  readonly default: Value;
  /** A description of one line. */
  readonly doc: string;
  /** A second name on the command line. */
  readonly alias?: string;
}

/** A number: `whole` excludes fractions, `above` excludes the least value itself, and `below` all from there on. */
export interface NumberOption<Value extends number | undefined = number | undefined> extends Declared<"number", Value> {
  readonly whole: boolean;
  readonly least: number;
  readonly above: boolean;
  readonly below?: number;
}

/** One of several words. */
export interface ChoiceOption<Value extends string = string> extends Declared<"choice", Value> {
  readonly choices: readonly Value[];
}

/** A number, or a word in its place. */
export interface NumberOrWordOption<Word extends string = string>
  extends Declared<"number-or-word", number | Word | undefined> {
  readonly least: number;
  readonly word: Word;
}

/** On or off. */
export type SwitchOption = Declared<"switch", boolean>;

/** An option of any kind. */
export type Option = NumberOption | ChoiceOption | NumberOrWordOption | SwitchOption;
/** Options by name. */
export type Options = Readonly<Record<string, Option>>;

type ValueOf<Kind extends Option> =
  Kind extends NumberOption<infer Value>
    ? undefined extends Value
      ? number | undefined
      : number
    : Kind extends ChoiceOption<infer Choice>
      ? Choice
      : Kind extends NumberOrWordOption<infer Word>
        ? number | Word | undefined
        : boolean;

/** The values of a declaration's options. */
export type OptionValues<Declaration extends Options> = { [Name in keyof Declaration]: ValueOf<Declaration[Name]> };

/** A whole number of at least `least`. */
export const whole = <Value extends number | undefined>(
  value: Value,
  doc: string,
  { least = 1, alias }: { least?: number; alias?: string } = {},
): NumberOption<Value> => ({ type: "number", whole: true, least, above: false, default: value, doc, alias });

/** A finite number of at least 0, or greater than 0 where `above`; and less than `below`. */
export const decimal = <Value extends number | undefined>(
  value: Value,
  doc: string,
  { least = 0, above = false, below }: { least?: number; above?: boolean; below?: number } = {},
): NumberOption<Value> => ({ type: "number", whole: false, least, above, below, default: value, doc });

const choice = <const Choice extends string>(
  value: NoInfer<Choice>,
  choices: readonly Choice[],
  doc: string,
): ChoiceOption<Choice> => ({ type: "choice", choices, default: value, doc });

/** A finite number of at least `least` or the word; undefined if neither is given. */
const numberOr = <const Word extends string>(word: Word, doc: string, least: number): NumberOrWordOption<Word> => ({
  type: "number-or-word",
  word,
  least,
  default: undefined,
  doc,
});

export const onOff = (value: boolean, doc: string): SwitchOption => ({ type: "switch", default: value, doc });

/** @throws InputError for what is no option of a declaration */
const expectDeclared = (option: Option) =>
  expectKind("option", option, "one of an experiment's options", typeof option?.type === "string");

/**
 * Describes the values that an option accepts: "a whole number of at least 1".
 * @throws InputError for what is no option
 */
export function expectedOf(option: Option): string {
  expectDeclared(option);
  if (option.type === "choice") return `one of ${option.choices.join(", ")}`;
  if (option.type === "switch") return "on or off";
  if (option.type === "number-or-word") return `${option.word} or a number of at least ${option.least}`;
  const kind = option.whole ? "a whole number" : "a number";
  if (option.least === Number.NEGATIVE_INFINITY) return kind;
  const from = option.above ? `greater than ${option.least}` : `of at least ${option.least}`;
  return `${kind} ${from}${option.below === undefined ? "" : ` and below ${option.below}`}`;
}

/**
 * Parses the text of an option, as on the command line; undefined if it is not a value of the option.
 * @throws InputError for what is no option, or no text
 */
export function parseOption(option: Option, text: string): number | string | boolean | undefined {
  expectDeclared(option);
  expectKind("text", text, "a text", typeof text === "string");
  const value = valueOf(option, text);
  return value !== undefined && fits(option, value) ? value : undefined;
}

function valueOf(option: Option, text: string): number | string | boolean | undefined {
  if (option.type === "switch") return switchOf(text);
  const isWord = option.type === "choice" || (option.type === "number-or-word" && text === option.word);
  return isWord ? text : numberOf(text);
}

const numberOf = (text: string) => (text.trim() === "" ? undefined : Number(text));
const switchOf = (text: string) => ({ on: true, off: false })[text];

function fits(option: Option, value: unknown): boolean {
  if (option.type === "switch") return typeof value === "boolean";
  if (option.type === "choice") return option.choices.includes(value as string);
  if (option.type === "number-or-word" && value === option.word) return true;
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (option.type === "number-or-word") return value >= option.least;
  if (option.whole && !Number.isSafeInteger(value)) return false;
  if (option.below !== undefined && value >= option.below) return false;
  return option.above ? value > option.least : value >= option.least;
}

/**
 * Returns the values of a declaration's options: those that are given, and the defaults of the others.
 * @throws ConfigError for an option that is not declared, or a value that it does not accept; for what is no object
 */
export function resolveOptions<Declaration extends Options>(
  declared: Declaration,
  given: Readonly<Record<string, unknown>> = {},
): OptionValues<Declaration> {
  expectOption("declared", declared, "an experiment's options", typeof declared === "object" && declared !== null);
  expectParts("resolveOptions", given);
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (!option) {
      const known = Object.keys(declared).join(", ");
      throw new ConfigError(`there is no option ${name}, expected ${known}`, { field: name });
    }
    if (value === undefined || fits(option, value)) continue;
    const expected = expectedOf(option);
    throw new ConfigError(`${name} must be ${expected}, not ${describe(value)}`, { field: name, expected });
  }
  const values = Object.entries(declared).map(([name, option]) => [name, given[name] ?? option.default]);
  return Object.fromEntries(values) as OptionValues<Declaration>;
}

/** The defaults in which the paper's experiments differ. */
export interface TrainingDefaults {
  steps: number;
  batchSize: number;
  lr: number;
  minLr: number;
  warmup?: number;
  validateEvery: number;
}

/** Returns the options that every experiment has, with an experiment's own defaults. */
export const trainingOptions = ({ steps, batchSize, lr, minLr, warmup = 0, validateEvery }: TrainingDefaults) => ({
  steps: whole(steps, "steps of the whole run", { alias: "num-epochs" }),
  batchSize: whole(batchSize, "clouds in a batch"),
  // Without a default, so that runs that are older than the option go on.
  accumulate: whole<number | undefined>(undefined, "batches whose gradients are averaged for a step (default: one)"),
  lr: decimal(lr, "largest learning rate", { above: true }),
  minLr: decimal(minLr, "learning rate at the end"),
  warmup: whole(warmup, "steps in which the learning rate grows", { least: 0 }),
  weightDecay: decimal(0.01, "of AdamW"),
  maxGradNorm: decimal<number | undefined>(undefined, "gradients are scaled down to this norm (default: not at all)", {
    above: true,
  }),
  ema: decimal<number | undefined>(
    undefined,
    "decay of the weights' moving average, which is then what is validated, tested and saved (default: no average)",
    { below: 1 },
  ),
  lossScale: numberOr("dynamic", "of a training in half precision: dynamic, or a number (default: none)", 1),
  seed: whole(0, "of the weights, the samples and their order", { least: Number.MIN_SAFE_INTEGER }),
  shuffle: onOff(true, "whether the order of samples is drawn anew each epoch; otherwise they are taken in turn"),
  validateEvery: whole(validateEvery, "steps between validations"),
  patience: whole<number | undefined>(
    undefined,
    "validations in a row without a lower loss after which the run ends (default: it goes on)",
  ),
  saveEvery: whole(100, "steps between checkpoints"),
  logEvery: whole(10, "steps between the losses that are written down"),
});

/** The names of options that affect only training, and not the evaluation. */
export const trainingOnly: readonly string[] = [
  ...["steps", "accumulate", "lr", "minLr", "warmup", "weightDecay", "maxGradNorm", "ema", "lossScale"],
  ...["shuffle", "validateEvery", "patience", "saveEvery", "logEvery"],
];

/** The options of the paper's experiments: the model's size, and the split for validation. */
export const paperOptions = {
  size: choice("small", ["small", "medium", "large"], "of the model, as in the paper"),
  rotate: decimal(45, "angle of the rotated tree in degrees", { least: Number.NEGATIVE_INFINITY }),
  rotation: onOff(true, "whether every second block sees the rotated tree"),
  validation: choice("val", ["val", "test"], "the split that validates; the paper's shapenet takes test"),
};

/** Returns the angle of a model's rotated tree. */
export const rotationOf = ({ rotate, rotation }: { rotate: number; rotation: boolean }) => (rotation ? rotate : 0);
