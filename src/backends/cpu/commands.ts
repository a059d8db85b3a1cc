// The layouts of the threads' commands, read from the text of wasm/kernels/commands.ts, their only definition.

import text from "../../../wasm/kernels/commands.ts?raw";

interface Field {
  name: string;
  type: "u32" | "usize" | "f32";
}

export interface CommandLayout {
  code: number;
  /** The fields by name. */
  fields: ReadonlyMap<string, { word: number; isFloat: boolean }>;
}

/** The fields of each class, after those of the class that it extends. */
const fieldsOf = new Map<string, Field[]>([["", []]]);
const commands: string[] = [];
for (const [, exported, name, base = "", body] of text.matchAll(
  /^(export )?class (\w+)(?: extends (\w+))? \{([^}]*)\}/gm,
)) {
  const own = [...body.matchAll(/^ *(\w+): (u32|usize|f32);/gm)].map(([, name, type]) => ({ name, type }) as Field);
  fieldsOf.set(name, [...fieldsOf.get(base)!, ...own]);
  if (exported) commands.push(name);
}

/** The layout of each command, by its name. */
export const commandLayouts: ReadonlyMap<string, CommandLayout> = new Map(
  commands.map((command, code) => {
    // The first word is the code.
    const fields = fieldsOf.get(command)!.slice(1);
    return [
      command,
      { code, fields: new Map(fields.map(({ name, type }, i) => [name, { word: 1 + i, isFloat: type === "f32" }])) },
    ];
  }),
);

/** The number of words of a command: as many as the longest needs. */
export const commandWords = 1 + Math.max(...[...commandLayouts.values()].map(({ fields }) => fields.size));
