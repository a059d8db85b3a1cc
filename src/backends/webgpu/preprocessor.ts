// The preprocessor of the kernels: expands the directives of WGSL files, and keeps the origin of every line.
//
// A directive is a line of its own and starts in the first column. Directives exist because Deno's shader compiler keeps a bounds
// check in every loop, and because a binding that is not used still counts against the adapter's limit:
//     //! include FILE          the text of another file; if words follow, once for each of them, which replaces $array
//     //! repeat NAME COUNT     the lines up to its end, COUNT times, with $NAME replaced by 0, 1, 2, ...; COUNT is an integer or a
//                               constant, NAME consists of letters
//     //! if CONSTANT           the lines up to else or end, if the constant is not 0
//     //! else                  the lines up to end, if it is 0
//     //! end
// A sum of products of integers between two @ is evaluated last: @2*$h+$i@ is 3 for h = i = 1, @7-$i@ counts down. With it, names
// of variables can replace the elements of an array.

import { ErwinError } from "../../errors.ts";

/** A kernel's source cannot be expanded: `details.file`, `.line`. */
export class KernelError extends ErwinError {
  override name = "KernelError";
}

/** A line of the expanded text, and its origin. */
export interface Line {
  text: string;
  file: string;
  /** From 1. */
  line: number;
}

/** A part of a file. `at` is the line of the text or of the directive. */
type Part =
  | { kind: "text"; at: Line }
  | { kind: "include"; at: Line; file: string; arrays: string[] }
  | { kind: "repeat"; at: Line; name: string; count: string; body: Part[] }
  | { kind: "if"; at: Line; constant: string; body: Part[]; otherwise: Part[] };

interface Context {
  constants: Readonly<Record<string, number>>;
  /** Returns the text of a file, if it exists. */
  textOf: (file: string) => string | undefined;
  /** The replacements of $NAME. */
  variables: ReadonlyMap<string, string>;
  /** The chain of including files, which ends with the one being expanded. */
  files: readonly string[];
}

/**
 * Expands the directives of `file`.
 * @throws KernelError for a directive that is unknown or malformed, naming its file and line
 */
export function preprocess(file: string, constants: Context["constants"], textOf: Context["textOf"]): Line[] {
  return expandFile(file, { constants, textOf, variables: new Map(), files: [] });
}

/** Makes an error about a line. */
function errorAt({ file, line, text }: Line, problem: string): KernelError {
  return new KernelError(`gpu/${file}:${line}: ${problem}: ${text.trim()}`, { file, line });
}

function expandFile(file: string, context: Context, from?: Line): Line[] {
  const text = context.textOf(file);
  if (text === undefined) {
    if (from) throw errorAt(from, `there is no file gpu/${file}`);
    throw new KernelError(`there is no kernel file gpu/${file}`, { file });
  }
  if (from && context.files.includes(file)) throw errorAt(from, `gpu/${file} includes itself`);
  const lines = text.split("\n").map((text, i) => ({ text, file, line: i + 1 }));
  return expand(parse(lines), { ...context, files: [...context.files, file] });
}

/** A directive whose end has not been reached. */
interface Open {
  part: Extract<Part, { body: Part[] }>;
  /** Where lines are added: its body, or after an else the other one. */
  parts: Part[];
}

function parse(lines: readonly Line[]): Part[] {
  const parts: Part[] = [];
  const open: Open[] = [];
  const add = (part: Part) => {
    (open.at(-1)?.parts ?? parts).push(part);
    if ("body" in part) open.push({ part, parts: part.body });
  };
  for (const at of lines) {
    if (!at.text.includes("//!")) {
      add({ kind: "text", at });
      continue;
    }
    const directive = /^\/\/!( [^ ]+)+$/.test(at.text) ? at.text.split(" ").slice(1) : [];
    const part = partOf(at, directive);
    if (part) {
      add(part);
      continue;
    }
    const last = open.at(-1);
    if (directive[0] === "end" && last) open.pop();
    else if (last?.part.kind === "if" && last.parts === last.part.body) last.parts = last.part.otherwise;
    else throw errorAt(at, `there is no directive that this could ${directive[0] === "end" ? "end" : "belong to"}`);
  }
  const unfinished = open.at(-1);
  if (unfinished) throw errorAt(unfinished.part.at, 'the directive has no "//! end"');
  return parts;
}

/** Reads a directive; returns undefined for else and end. */
function partOf(at: Line, [directive, ...words]: string[]): Part | undefined {
  const form = `${directive} ${words.length}`;
  const [first, second] = words;
  if (directive === "include" && words.length > 0) return { kind: "include", at, file: first, arrays: words.slice(1) };
  if (form === "repeat 2" && /^[a-zA-Z]+$/.test(first) && /^\w+$/.test(second))
    return { kind: "repeat", at, name: first, count: second, body: [] };
  if (form === "if 1" && /^[a-zA-Z]\w*$/.test(first))
    return { kind: "if", at, constant: first, body: [], otherwise: [] };
  if (form === "else 0" || form === "end 0") return undefined;
  throw errorAt(
    at,
    'not one of the directives "//! include FILE ARRAY ...", "//! repeat NAME COUNT", "//! if CONSTANT", "//! else" and "//! end"',
  );
}

function expand(parts: readonly Part[], context: Context): Line[] {
  return parts.flatMap((part) => expandPart(part, context));
}

function expandPart(part: Part, context: Context): Line[] {
  switch (part.kind) {
    case "text":
      return [{ ...part.at, text: textOf(part.at, context.variables) }];
    case "include":
      if (part.arrays.length === 0) return expandFile(part.file, context, part.at);
      return part.arrays.flatMap((array) => expandFile(part.file, withVariable(context, "array", array), part.at));
    case "repeat":
      return Array.from({ length: valueOf(part.count, part.at, context) }, (_, n) =>
        expand(part.body, withVariable(context, part.name, String(n))),
      ).flat();
    case "if":
      return expand(valueOf(part.constant, part.at, context) ? part.body : part.otherwise, context);
  }
}

function withVariable(context: Context, name: string, value: string): Context {
  return { ...context, variables: new Map([...context.variables, [name, value]]) };
}

function valueOf(word: string, at: Line, { constants }: Context): number {
  const value = /^\d+$/.test(word) ? Number(word) : constants[word];
  if (value === undefined) throw errorAt(at, `the constant ${word} is not given`);
  if (!Number.isInteger(value) || value < 0)
    throw errorAt(at, `the constant ${word} is ${value}, not an integer of at least 0`);
  return value;
}

/** A line with its variables and sums replaced. */
function textOf(at: Line, variables: Context["variables"]): string {
  const text = at.text
    .replace(/\$([a-zA-Z]*)/g, (_, name: string) => {
      const value = variables.get(name);
      if (value === undefined) throw errorAt(at, `$${name} is not defined here`);
      return value;
    })
    .replace(/@([\d+*-]+)@/g, (_, sum: string) => String(sumOfProducts(sum)));
  // The remaining @ belong to attributes, whose names begin with a letter.
  if (/@(?![a-zA-Z])/.test(text)) throw errorAt(at, "there is no sum of products of integers between two @");
  return text;
}

/** 2*3+4-1 is 9. */
function sumOfProducts(text: string): number {
  const productOf = (term: string) => term.split("*").reduce((product, factor) => product * Number(factor), 1);
  return text
    .replaceAll("-", "+-")
    .split("+")
    .reduce((total, term) => total + productOf(term), 0);
}
