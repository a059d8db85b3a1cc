// Reads the WGSL files of gpu/: expands their directives (preprocessor.ts) and finds out what each kernel binds, so that a
// kernel's interface is written down once, in its own file. What a kernel becomes with given constants is printed by
//
//     npm run expand gpu/NAME.wgsl CONSTANT=VALUE ...

import { type Line, preprocess } from "./preprocessor.ts";

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
  /** Where each line of the code was written; nothing for the lines made of its constants. */
  places: (Line | undefined)[];
  bindings: KernelBinding[];
  /** The uniform's 4-byte fields in order; u32 unless said otherwise. */
  parameters: { name: string; type: "u32" | "f32" }[];
}

/** The kernel of gpu/NAME.wgsl with these constants: its full text and what it binds. */
export function kernelSource(name: string, constants: Constants): KernelSource {
  const definitions = Object.entries(constants).map(([key, value]) => `const ${key}: u32 = ${value};`);
  // Extensions come before everything else.
  const extensions = constants.HALF ? ["enable f16;"] : [];
  if (constants.MATRIX || constants.PRIVATE) extensions.push("enable subgroups;");
  if (constants.MATRIX) extensions.push("enable chromium_experimental_subgroup_matrix;");
  const header = [...extensions, ...definitions];
  const lines = preprocess(`${name}.wgsl`, constants, (file) => texts.get(file));
  const code = [...header, ...lines.map(({ text }) => text)].join("\n");
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
  return { code, places: [...header.map(() => undefined), ...lines], bindings, parameters };
}
