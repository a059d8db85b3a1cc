// Defines commands and parses their arguments; the checks are here, so that a command only receives valid values.

import { parseArgs } from "node:util";

/** Wrong use of the command line: exit code 2, and the command's usage as a hint. */
export class UsageError extends Error {
  override name = "UsageError";
}

export interface CommandOption {
  /** The value's placeholder in the help: "FILE". An option without one is a switch. */
  value?: string;
  /** Whether the option may be given several times; default false: the last one counts. */
  repeats?: boolean;
  description: string;
}

/** One command of the command line. To add one: a file in commands/, and a line in main.ts. */
export interface Command {
  /** One line for the list of commands. */
  summary: string;
  /** The arguments after the command's name: "--input FILE --output FILE [--knn K]". */
  usage: string;
  options: Readonly<Record<string, CommandOption>>;
  /** Lines for the end of the command's help. */
  notes?: readonly string[];
  /** Max number of arguments without a dash; default 0. */
  positionals?: number;
  run(args: Arguments): Promise<void>;
}

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

const MAX_WORD_LENGTH = 200;

/** The arguments of one call. Every reader throws a UsageError that names the option and the value. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #values: Values;

  private constructor(values: Values, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  static parse(command: Pick<Command, "options" | "positionals">, words: readonly string[]): Arguments {
    const options = Object.fromEntries(
      Object.entries(command.options).map(([name, { value, repeats }]) => [
        name,
        { type: value === undefined ? ("boolean" as const) : ("string" as const), multiple: repeats ?? false },
      ]),
    );
    // No option has a single letter, and Node's parser takes quadratic time to search a long word for one.
    const long = words.find((word) => /^-[^-]/.test(word) && word.length > MAX_WORD_LENGTH);
    if (long !== undefined) throw new UsageError(`Unknown option "${long.slice(0, 20)}..."`);
    let parsed: { values: Record<string, unknown>; positionals: string[] };
    try {
      parsed = parseArgs({ args: joinNegative(words, options), options, allowPositionals: true, strict: true });
    } catch (error) {
      throw new UsageError(withAdvice((error as Error).message.split(/\.\s|\n/)[0]));
    }
    const extra = parsed.positionals[command.positionals ?? 0];
    if (extra !== undefined) throw new UsageError(`Unexpected argument "${extra}"`);
    return new Arguments(parsed.values as Values, parsed.positionals);
  }

  /** Every value of an option that repeats. */
  texts(name: string): string[] {
    const values = [this.#values[name] ?? []].flat() as string[];
    if (values.includes("")) throw new UsageError(`--${name} is empty`);
    return values;
  }

  text(name: string): string | undefined {
    return this.texts(name).at(-1);
  }

  /** Whether an option is given; a switch has no more than that. */
  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  }

  /** A finite number for which `accept` is true. */
  number(name: string, expected: string, accept: (value: number) => boolean): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : toNumber(name, text, expected, accept);
  }

  /** An integer of at least 1. */
  count(name: string): number | undefined {
    return this.number(name, "a whole number of at least 1", isCount);
  }

  /** Integers of at least 1, separated by commas: "2,2,1". */
  counts(name: string): number[] | undefined {
    const words = this.text(name)?.split(",");
    return words?.map((word) => toNumber(name, word.trim(), "whole numbers of at least 1 with commas", isCount));
  }

  /** Words, separated by commas: "a,b". */
  words(name: string): string[] | undefined {
    const words = this.text(name)
      ?.split(",")
      .map((word) => word.trim());
    if (words?.includes("")) throw new UsageError(`--${name} is "${this.text(name)}", expected names with commas`);
    return words;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    const choice = choices.find((candidate) => candidate === text);
    if (text !== undefined && choice === undefined) {
      throw new UsageError(`--${name} is "${text}", expected one of ${choices.join(", ")}`);
    }
    return choice;
  }
}

/** Returns what Node's parser says of words that begin with a dash, with what to write in their place. */
function withAdvice(problem: string): string {
  const option = /^Option '(--\S+)' argument is ambiguous/.exec(problem)?.[1];
  if (option) return `Option '${option}' has no value: one that begins with a dash is given as ${option}=VALUE`;
  return /^Unknown option '-[^-]/.test(problem) ? `${problem}: a file of such a name is given as ./-NAME` : problem;
}

/** Joins an option and the negative number after it, which Node's parser would take for an option: "--rotate=-45". */
function joinNegative(words: readonly string[], options: Readonly<Record<string, { type: string }>>): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const before = joined.at(-1) ?? "";
    const name = before.slice("--".length);
    const takesValue = before.startsWith("--") && Object.hasOwn(options, name) && options[name].type === "string";
    if (takesValue && /^-\.?\d/.test(word)) joined[joined.length - 1] = `${before}=${word}`;
    else joined.push(word);
  }
  return joined;
}

/** Whether a value is a whole number of at least 1. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

function toNumber(name: string, text: string, expected: string, accept: (value: number) => boolean): number {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || !accept(value)) {
    throw new UsageError(`--${name} is "${text}", expected ${expected}`);
  }
  return value;
}
