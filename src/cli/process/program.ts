// What runs this command line, and the program and arguments with which it can be started again.

import process from "node:process";
import type { Arguments } from "../command.ts";

/** Returns the host with its version: "Deno 2.9.5", "Node 24.1.0", "Bun 1.4.5". */
export function hostName(): string {
  const { deno, bun, node } = process.versions;
  return deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
}

/** Returns the program and its first arguments, which those of a command must follow. */
export function erwinProgram(): [string, ...string[]] {
  const host = "deno" in process.versions ? ["run", "-A", "--no-prompt"] : process.execArgv;
  return [process.execPath, ...host, process.argv[1] as string];
}

/** Returns the words by which another process of this command line gets the same values of options, and the same limits. */
export function passedOn(args: Arguments, options: readonly string[]): string[] {
  return [...options, "limit"].flatMap((name) => args.texts(name).flatMap((text) => [`--${name}`, text]));
}
