// The program and arguments with which this command line can be started again.

import process from "node:process";

/** Returns the program and its first arguments, which those of a command must follow. */
export function erwinProgram(): [string, ...string[]] {
  const host = "deno" in process.versions ? ["run", "-A", "--no-prompt"] : process.execArgv;
  return [process.execPath, ...host, process.argv[1] as string];
}
