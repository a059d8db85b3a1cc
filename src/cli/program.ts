// This command line as a program that can be started again.

import process from "node:process";

/** The program and its first words; those of a command follow. */
export function erwinProgram(): [string, ...string[]] {
  const host = "deno" in process.versions ? ["run", "-A", "--no-prompt"] : process.execArgv;
  return [process.execPath, ...host, process.argv[1] as string];
}
