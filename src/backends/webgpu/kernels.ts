// Reads the WGSL files of gpu/: expands their directives and finds out what each kernel binds, so that a kernel's interface
// is written down once, in its own file.
//
// Directives stand on lines of their own. They exist because Deno's shader compiler keeps a bound check in every loop, and
// because a binding that is not used still counts against the adapter's limit:
//     //! include FILE          the text of another file of gpu/; with words after it, once for each, $array replaced by it
//     //! repeat NAME COUNT     the lines up to its end, COUNT times, with $NAME replaced by 0, 1, 2, ...
//     //! if NAME / //! else    the lines up to else or end only where the constant is not 0 (is 0)
//     //! end
// Between two @ stands a sum of products of whole numbers, worked out after everything else: @2*$h+$i@ is 3 for h = i = 1.
// So names of variables can take the place of an array's elements.

import { ErwinError } from "../../errors.ts";

const files = import.meta.glob("../../../gpu/*.wgsl", { query: "?raw", import: "default", eager: true }) as Record<
  string,
  string
>;

const texts = new Map(Object.entries(files).map(([path, text]) => [path.slice(path.lastIndexOf("/") + 1), text]));

/** Whole numbers fixed when a kernel is compiled: tile shapes, head widths, which of its optional inputs it has. */
export type Constants = Record<string, number>;

/** One storage array a kernel binds. */
export interface KernelBinding {
  name: string;
  binding: number;
  access: "read" | "read_write";
}

/** A kernel as it is compiled. */
export interface KernelSource {
  code: string;
  bindings: KernelBinding[];
  /** The uniform's 4-byte fields in order; u32 unless said otherwise. */
  parameters: { name: string; type: "u32" | "f32" }[];
}

function readLines(name: string): string[] {
  const text = texts.get(name);
  if (text === undefined) throw new ErwinError(`there is no kernel file gpu/${name}`, { kernel: name });
  return text.split("\n").flatMap((line) => {
    const include = /^\/\/! include (\S+)(.*)/.exec(line);
    if (!include) return [line];
    const included = readLines(include[1]!);
    const arrays = include[2]!.match(/\w+/g);
    if (!arrays) return included;
    return arrays.flatMap((array) => included.map((one) => one.replaceAll("$array", array)));
  });
}

function expand(lines: string[], constants: Constants): string[] {
  const result: string[] = [];
  const valueOf = (word: string) => {
    const value = /^\d+$/.test(word) ? Number(word) : constants[word];
    if (value === undefined)
      throw new ErwinError(`the kernel directive names the constant ${word}, which is not given`);
    return value;
  };
  for (let i = 0; i < lines.length; i++) {
    const directive = /^\/\/! (repeat|if) (\w+) ?(\w+)?/.exec(lines[i]!);
    if (!directive) {
      result.push(lines[i]!);
      continue;
    }
    let depth = 1;
    let otherwise = -1;
    let end = i;
    while (depth > 0) {
      const line = lines[++end];
      if (line === undefined) throw new ErwinError(`the kernel directive "${lines[i]}" has no end`);
      if (/^\/\/! (repeat|if) /.test(line)) depth++;
      else if (/^\/\/! end/.test(line)) depth--;
      else if (depth === 1 && /^\/\/! else/.test(line)) otherwise = end;
    }
    const first = lines.slice(i + 1, otherwise < 0 ? end : otherwise);
    if (directive[1] === "if") {
      const second = otherwise < 0 ? [] : lines.slice(otherwise + 1, end);
      result.push(...expand(valueOf(directive[2]!) ? first : second, constants));
    } else {
      const pattern = new RegExp(`\\$${directive[2]}(?![a-zA-Z])`, "g");
      for (let n = 0; n < valueOf(directive[3]!); n++) {
        result.push(
          ...expand(
            first.map((line) => line.replace(pattern, String(n))),
            constants,
          ),
        );
      }
    }
    i = end;
  }
  return result;
}

/** 2*3+4 is 10. */
function sumOfProducts(text: string): number {
  const productOf = (term: string) => term.split("*").reduce((product, factor) => product * Number(factor), 1);
  return text.split("+").reduce((total, term) => total + productOf(term), 0);
}

/** The kernel of gpu/NAME.wgsl with these constants: its full text and what it binds. */
export function kernelSource(name: string, constants: Constants): KernelSource {
  const definitions = Object.entries(constants).map(([key, value]) => `const ${key}: u32 = ${value};`);
  // Extensions come before everything else.
  const extensions = constants.HALF ? ["enable f16;"] : [];
  if (constants.MATRIX || constants.PRIVATE) extensions.push("enable subgroups;");
  if (constants.MATRIX) extensions.push("enable chromium_experimental_subgroup_matrix;");
  const code = [...extensions, ...definitions, ...expand(readLines(`${name}.wgsl`), constants)]
    .join("\n")
    .replace(/@([\d+*]+)@/g, (_, sum: string) => String(sumOfProducts(sum)));
  const bindings = [...code.matchAll(/@binding\((\d+)\) var<storage, (read|read_write)> (\w+)/g)].map((match) => ({
    name: match[3]!,
    binding: Number(match[1]),
    access: match[2] as KernelBinding["access"],
  }));
  const fields = /struct Parameters \{([^}]*)\}/.exec(code)?.[1] ?? "";
  const parameters = [...fields.matchAll(/(\w+): (u32|f32)/g)].map((match) => ({
    name: match[1]!,
    type: match[2] as "u32" | "f32",
  }));
  return { code, bindings, parameters };
}
