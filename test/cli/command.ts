// Runs the built command line as a user does: in a process of its own, or interrupted, and in an empty folder.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const cliPath = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Creates an empty folder, which `remove` deletes. */
export function temporaryFolder(): { path: (name: string) => string; folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "erwin-cli-"));
  return { folder, path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true }) };
}

export interface Running {
  pid: number;
  ended: Promise<Result>;
  /** Resolves with the part of the standard output that matches, as soon as there is one. */
  printed: (pattern: RegExp) => Promise<string>;
}

export interface ProcessOptions {
  env?: Record<string, string>;
  /** Flags of Deno, such as "--deny-read". */
  flags?: readonly string[];
  /** Whether it has a process group of its own, as the programs in a terminal have. Default false. */
  detached?: boolean;
}

/** Starts a program in Deno, with all permissions but those that `flags` deny, in the folder for temporary files. */
export const spawnDeno = (program: readonly string[], { env = {}, flags = [], detached }: ProcessOptions = {}) =>
  spawn(process.execPath, ["run", "-A", "--no-prompt", ...flags, ...program], {
    cwd: tmpdir(),
    env: { ...process.env, NO_COLOR: "1", ...env },
    detached,
  });

/**
 * Starts `erwin ...words` in a process of its own; signals go to its `pid`. It has all permissions: a Deno that is started through
 * node:child_process has them whatever its flags are, except for those that `flags` deny.
 */
export function start(words: readonly string[], options?: ProcessOptions): Running {
  const child = spawnDeno([cliPath, ...words], options);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => (stdout += text));
  child.stderr.on("data", (text) => (stderr += text));
  const ended = new Promise<Result>((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
  const printed = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(stdout);
        if (match) resolve(match[0]);
      };
      child.stdout.on("data", look);
      child.on("close", () => reject(new Error(`${words[0]} ended without printing ${pattern}: ${stderr}`)));
      look();
    });
  return { pid: child.pid as number, ended, printed };
}

/** Runs `erwin ...words` in a process of its own to its end. */
export const erwinAlone = (words: readonly string[], options?: ProcessOptions): Promise<Result> =>
  start(words, options).ended;

const holdPath = fileURLToPath(new URL("hold.mjs", import.meta.url));

/** Returns options for `start`, by which a training or prediction waits after so many turns (hold.mjs) until it is interrupted. */
export const holdingAfter = (turns: number): ProcessOptions => ({
  env: { ERWIN_TEST_TURNS: String(turns) },
  flags: ["--preload", holdPath],
});

/**
 * Starts `erwin ...words`, interrupts it as soon as `isTime` returns true, and waits for its end.
 * @param turns as many as it needs until it is time, and fewer than to its end
 */
export async function interruptErwin(
  words: readonly string[],
  turns: number,
  isTime: () => boolean,
  signal: "SIGINT" | "SIGTERM" = "SIGINT",
): Promise<Result> {
  const { pid, ended } = start(words, holdingAfter(turns));
  const watch = setInterval(() => {
    if (!isTime()) return;
    clearInterval(watch);
    // This is not child.kill, after which Deno reports the signal instead of the exit code.
    process.kill(pid, signal);
  }, 20);
  const result = await ended;
  clearInterval(watch);
  return result;
}

/** Returns the error message, which has to be a single line that begins with "error: ". */
export function errorLine({ stderr }: Result): string {
  const lines = stderr.trimEnd().split("\n");
  if (lines.length !== 1 || !lines[0].startsWith("error: "))
    throw new Error(`Expected one line of error, found:\n${stderr}`);
  return lines[0].slice("error: ".length);
}
