// An experiment's options, declared once: the command line's flags and a page's form follow from the declaration.

import { describe } from "../arguments.ts";
import { ConfigError } from "../errors.ts";

interface Declared<Type extends string, Value> {
  readonly type: Type;
  /** What holds unless it is given; undefined where leaving it out means something of its own. */
  readonly default: Value;
  /** One line. */
  readonly doc: string;
  /** Another name by which the command line knows it. */
  readonly alias?: string;
}

/** A number: `whole` allows no fractions, `above` excludes the least value itself. */
export interface NumberOption<Value extends number | undefined = number | undefined> extends Declared<"number", Value> {
  readonly whole: boolean;
  readonly least: number;
  readonly above: boolean;
}

/** One of several words. */
export interface ChoiceOption<Value extends string = string> extends Declared<"choice", Value> {
  readonly choices: readonly Value[];
}

/** On or off. */
export type SwitchOption = Declared<"switch", boolean>;

/** An option of any kind. */
export type Option = NumberOption | ChoiceOption | SwitchOption;
/** Options by name. */
export type Options = Readonly<Record<string, Option>>;

type ValueOf<Kind extends Option> =
  Kind extends NumberOption<infer Value>
    ? undefined extends Value
      ? number | undefined
      : number
    : Kind extends ChoiceOption<infer Choice>
      ? Choice
      : boolean;

/** The values that belong to a declaration. */
export type OptionValues<Declaration extends Options> = { [Name in keyof Declaration]: ValueOf<Declaration[Name]> };

/** A whole number of at least `least`. */
export const whole = <Value extends number | undefined>(
  value: Value,
  doc: string,
  { least = 1, alias }: { least?: number; alias?: string } = {},
): NumberOption<Value> => ({ type: "number", whole: true, least, above: false, default: value, doc, alias });

/** A finite number of at least 0, or greater than 0 where `above`. */
export const decimal = <Value extends number | undefined>(
  value: Value,
  doc: string,
  { least = 0, above = false }: { least?: number; above?: boolean } = {},
): NumberOption<Value> => ({ type: "number", whole: false, least, above, default: value, doc });

export const choice = <const Choice extends string>(
  value: NoInfer<Choice>,
  choices: readonly Choice[],
  doc: string,
): ChoiceOption<Choice> => ({ type: "choice", choices, default: value, doc });

export const onOff = (value: boolean, doc: string): SwitchOption => ({ type: "switch", default: value, doc });

/** What an option may be, in words: "a whole number of at least 1". */
export function expectedOf(option: Option): string {
  if (option.type === "choice") return `one of ${option.choices.join(", ")}`;
  if (option.type === "switch") return "on or off";
  const kind = option.whole ? "a whole number" : "a number";
  if (option.least === Number.NEGATIVE_INFINITY) return kind;
  return option.above ? `${kind} greater than ${option.least}` : `${kind} of at least ${option.least}`;
}

/** The value that a text stands for, as on the command line; undefined where it stands for none. */
export function parseOption(option: Option, text: string): number | string | boolean | undefined {
  const value = option.type === "number" ? numberOf(text) : option.type === "switch" ? switchOf(text) : text;
  return value !== undefined && fits(option, value) ? value : undefined;
}

const numberOf = (text: string) => (text.trim() === "" ? undefined : Number(text));
const switchOf = (text: string) => ({ on: true, off: false })[text];

function fits(option: Option, value: unknown): boolean {
  if (option.type === "switch") return typeof value === "boolean";
  if (option.type === "choice") return option.choices.includes(value as string);
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (option.whole && !Number.isSafeInteger(value)) return false;
  return option.above ? value > option.least : value >= option.least;
}

/**
 * All values of a declaration: those given, and the defaults of the others.
 * @throws ConfigError for an option that is not declared, or a value that it cannot have
 */
export function resolveOptions<Declaration extends Options>(
  declared: Declaration,
  given: Readonly<Record<string, unknown>> = {},
): OptionValues<Declaration> {
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

/** What an experiment of the paper has in its own way. */
export interface TrainingDefaults {
  steps: number;
  batchSize: number;
  lr: number;
  minLr: number;
  warmup?: number;
  validateEvery: number;
}

/** Options that every experiment has, with its own defaults. */
export const trainingOptions = ({ steps, batchSize, lr, minLr, warmup = 0, validateEvery }: TrainingDefaults) => ({
  steps: whole(steps, "steps of the whole run", { alias: "num-epochs" }),
  batchSize: whole(batchSize, "clouds in a batch"),
  lr: decimal(lr, "largest learning rate", { above: true }),
  minLr: decimal(minLr, "learning rate at the end"),
  warmup: whole(warmup, "steps in which the learning rate grows", { least: 0 }),
  weightDecay: decimal(0.01, "of AdamW"),
  maxGradNorm: decimal<number | undefined>(undefined, "gradients are scaled down to this norm (default: not at all)", {
    above: true,
  }),
  seed: whole(0, "of the weights, the samples and their order", { least: Number.MIN_SAFE_INTEGER }),
  shuffle: onOff(true, "whether the order of samples is drawn anew each epoch"),
  validateEvery: whole(validateEvery, "steps between validations"),
  saveEvery: whole(100, "steps between checkpoints"),
  logEvery: whole(10, "steps between the losses that are written down"),
});

/** Those that say how weights are found, and nothing of what they are measured by. */
export const trainingOnly: readonly string[] = [
  ...["steps", "lr", "minLr", "warmup", "weightDecay", "maxGradNorm"],
  ...["shuffle", "validateEvery", "saveEvery", "logEvery"],
];

/** Options of the paper's experiments: the model's size, and on which split it is validated. */
export const paperOptions = {
  size: choice("small", ["small", "medium", "large"], "of the model, as in the paper"),
  rotate: decimal(45, "angle of the rotated tree in degrees", { least: Number.NEGATIVE_INFINITY }),
  rotation: onOff(true, "whether every second block sees the rotated tree"),
  validation: choice("val", ["val", "test"], "the split that validates; the paper's shapenet takes test"),
};

/** The angle of a model's rotated tree. */
export const rotationOf = ({ rotate, rotation }: { rotate: number; rotation: boolean }) => (rotation ? rotate : 0);
