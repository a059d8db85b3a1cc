// Runs the examples for schedulers (src/jobs/schedulers) as a scheduler does: the same command for each task, with the task's number
// in a variable of the environment.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { cliPath } from "../cli/command.ts";
import { deviceWords } from "./swarm.ts";

export const schedulerFile = (name: string) =>
  fileURLToPath(new URL(`../../src/jobs/schedulers/${name}`, import.meta.url));

/** Puts a program `erwin` into the folder's `bin`, which uses the device of the other tests. */
export function addProgram(folder: string): void {
  mkdirSync(join(folder, "bin"));
  const words = [process.execPath, "run", "-A", "--no-prompt", cliPath].map((word) => `'${word}'`).join(" ");
  const text = `#!/bin/sh\nexec ${words} "$@" ${deviceWords.join(" ")}\n`;
  writeFileSync(join(folder, "bin", "erwin"), text, { mode: 0o755 });
}

/** @throws Error if the script fails */
export function runScript(
  folder: string,
  [program, ...words]: string[],
  variables: Record<string, string>,
): Promise<void> {
  const path = [join(folder, "bin"), process.env.PATH].join(delimiter);
  const child = spawn(program, words, { cwd: folder, env: { ...process.env, ...variables, PATH: path } });
  let text = "";
  child.stderr.on("data", (part) => (text += part));
  child.stdout.resume();
  return new Promise((resolve, reject) =>
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${words.join(" ")}: ${code}: ${text}`)))),
  );
}
