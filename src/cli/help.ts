// The texts of "erwin help".

import type { Command } from "./command.ts";
import { formatTable } from "./text.ts";

type Commands = Readonly<Record<string, Command>>;

export function generalHelp(commands: Commands): string {
  return [
    "Erwin, a tree-based transformer for point clouds.",
    "",
    "usage: erwin COMMAND [OPTIONS]",
    "",
    formatTable([
      ...Object.entries(commands).map(([name, { summary }]) => [name, summary]),
      ["help [COMMAND]", "this text, or a command's options"],
      ["--version", "the version"],
    ]),
    "",
    "Exit codes: 0 done, 1 failed (one line on standard error says why; ERWIN_DEBUG=1 adds the stack), 2 wrong usage.",
  ].join("\n");
}

export function commandHelp(name: string, { summary, usage, options, notes = [] }: Command): string {
  const rows = Object.entries(options).map(([option, { value, description }]) => [
    `--${option} ${value ?? ""}`.trimEnd(),
    description,
  ]);
  const table = rows.length > 0 ? ["", formatTable(rows)] : [];
  return [summary, "", `usage: erwin ${name} ${usage}`, ...table, ...(notes.length > 0 ? ["", ...notes] : [])].join(
    "\n",
  );
}

/** The command with the most similar name, if any is similar enough. */
export function suggestCommand(name: string, commands: Commands): string {
  const near = Object.keys(commands).find((command) => editDistance(name, command) <= 2);
  return near === undefined ? "" : `, perhaps "${near}" was meant`;
}

/** The edit distance: the insertions, deletions and replacements that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}
