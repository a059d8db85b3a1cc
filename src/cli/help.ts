// The texts of "erwin help".

import { nearestName } from "../spelling.ts";
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
      ["COMMAND --limit NAME=N", "accept larger files and models; what is refused names its limit"],
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
  const near = nearestName(name, Object.keys(commands));
  return near === undefined ? "" : `, perhaps "${near}" was meant`;
}
