// The layouts of the threads' commands, read from the text of wasm/kernels/commands.ts, where they are written down once.

import text from "../../../wasm/kernels/commands.ts?raw";

interface Field {
  name: string;
  type: "u32" | "usize" | "f32";
}

export interface CommandLayout {
  code: number;
  /** In order, from the second word on: the first is the code. */
  fields: Field[];
}

/** Each command by name. */
export const commandLayouts: ReadonlyMap<string, CommandLayout> = new Map(
  [...text.matchAll(/class (\w+) \{([^}]*)\}/g)].map(([, name, body], code) => {
    const fields = [...body!.matchAll(/^ *(\w+): (u32|usize|f32);/gm)].map(
      (match) => ({ name: match[1], type: match[2] }) as Field,
    );
    return [name!, { code, fields: fields.slice(1) }];
  }),
);

/** Words of a command: as many as the longest needs. */
export const commandWords = 1 + Math.max(...[...commandLayouts.values()].map(({ fields }) => fields.length));
