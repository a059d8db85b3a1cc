// Starts other programs for the build's scripts: in the repository's root, on this terminal; a failure throws.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "./steps.mjs";

/** A program that ended with a failure it has already explained on the terminal. */
export class CommandError extends Error {
  /**
   * @param {string} command
   * @param {number | null} status
   */
  constructor(command, status) {
    super(`${command} failed${status === null ? "" : ` with exit code ${status}`}`);
    this.status = status ?? 1;
  }
}

/**
 * Runs a program to its end; throws unless it succeeds.
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnSyncOptions} options
 */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new CommandError([command, ...args].join(" "), result.status);
}

/**
 * Runs a program of an npm package with this Node.
 * @param {string} script its path in node_modules
 * @param {string[]} args
 */
export function runPackage(script, args) {
  run(process.execPath, [join(root, "node_modules", script), ...args]);
}

/**
 * Runs a program beside what else this process does, to its end; throws unless it succeeds.
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 */
export async function runBeside(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
  const [status] = await once(child, "close");
  if (status !== 0) throw new CommandError([command, ...args].join(" "), status);
}

/**
 * Waits until all that runs side by side has ended, and then throws the first failure: nothing goes on behind its message.
 * @param {Promise<unknown>[]} promises
 */
export async function allEnded(promises) {
  for (const end of await Promise.allSettled(promises)) if (end.status === "rejected") throw end.reason;
}

/**
 * Runs TypeScript 7, beside what else this process does: the package `typescript` is TypeScript 6, which the declaration bundler and
 * TypeDoc need. It uses one thread, since it would do part of its work again in each; the rest of the build takes as long.
 * @param {string} project the folder of its tsconfig.json
 */
export async function typescript(project) {
  const script = "node_modules/@typescript/native/bin/tsc";
  await runBeside(process.execPath, [script, "--project", project, "--singleThreaded"]);
}

/**
 * Runs a script's main function and ends the process with the right exit code and one clear line on a failure.
 * @param {() => unknown} work
 */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    const known = error instanceof CommandError;
    console.error(known ? `error: ${error.message}` : error);
    process.exit(known ? error.status : 1);
  }
}
