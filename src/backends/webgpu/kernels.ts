// Reads the WGSL files of gpu/: expands their directives (preprocessor.ts) and extracts the bindings and parameters of each
// kernel, so that its interface is defined only in its own file. This command prints a kernel expanded with given constants:
//
//     npm run expand gpu/NAME.wgsl CONSTANT=VALUE ...

import { type Line, preprocess } from "./preprocessor.ts";

const files = import.meta.glob("../../../gpu/*.wgsl", { query: "?raw", import: "default", eager: true }) as Record<
  string,
  string
>;

const texts = new Map(Object.entries(files).map(([path, text]) => [path.slice(path.lastIndexOf("/") + 1), text]));

/** Integers that are fixed when a kernel is compiled: tile shapes, head widths, which of its optional inputs it has. */
export type Constants = Record<string, number>;

/** A storage array that a kernel binds. */
export interface KernelBinding {
  name: string;
  binding: number;
  access: "read" | "read_write";
}

/** The source of a kernel, as it is compiled. */
export interface KernelSource {
  code: string;
  /** The place of each line of the code in gpu/; undefined for the lines that declare constants. */
  places: (Line | undefined)[];
  bindings: KernelBinding[];
  /** The uniform's 4-byte fields in order. */
  parameters: { name: string; type: "u32" | "f32" }[];
}

/** Returns the source of gpu/NAME.wgsl with these constants. */
export function kernelSource(name: string, constants: Constants): KernelSource {
  const definitions = Object.entries(constants).map(([key, value]) => `const ${key}: u32 = ${value};`);
  // WGSL requires extensions to come first.
  const extensions = constants.HALF ? ["enable f16;"] : [];
  if (constants.MATRIX || constants.PRIVATE) extensions.push("enable subgroups;");
  if (constants.MATRIX) extensions.push("enable chromium_experimental_subgroup_matrix;");
  const header = [...extensions, ...definitions];
  const lines = preprocess(`${name}.wgsl`, constants, (file) => texts.get(file));
  const code = [...header, ...lines.map(({ text }) => text)].join("\n");
  const bindings = [...code.matchAll(/@binding\((\d+)\) var<storage, (read|read_write)> (\w+)/g)].map((match) => ({
    name: match[3],
    binding: Number(match[1]),
    access: match[2] as KernelBinding["access"],
  }));
  const fields = /struct Parameters ?\{([^}]*)\}/.exec(code)?.[1] ?? "";
  const parameters = [...fields.matchAll(/(\w+): ?(u32|f32)/g)].map((match) => ({
    name: match[1],
    type: match[2] as "u32" | "f32",
  }));
  return { code, places: [...header.map(() => undefined), ...lines], bindings, parameters };
}
