// Runs the built command line as a user does, in a process of its own and in an empty folder.

import { spawn, spawnSync } from "node:child_process";
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

/**
 * Runs `erwin ...words` in Deno, with all permissions: a Deno that is started through node:child_process has them whatever its
 * flags are, except for those that `flags` deny ("--deny-read").
 */
export function erwin(words: readonly string[], { flags = [] as string[], cwd = tmpdir() } = {}): Result {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, denoWords(words, flags), {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    timeout: 100_000,
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
}

const denoWords = (words: readonly string[], flags: readonly string[] = []) => [
  "run",
  "-A",
  "--no-prompt",
  ...flags,
  cliPath,
  ...words,
];

export interface Running {
  pid: number;
  ended: Promise<Result>;
  /** Resolves with the part of the standard output that matches, as soon as there is one. */
  printed: (pattern: RegExp) => Promise<string>;
}

/** Starts `erwin ...words`; signals go to its `pid`. */
export function start(words: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, denoWords(words), { env: { ...process.env, NO_COLOR: "1", ...env } });
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

/** Runs `erwin ...words` while the test does other things, such as serving its files. */
export async function erwinMeanwhile(
  words: readonly string[],
  { env }: { env?: Record<string, string> } = {},
): Promise<Result> {
  return start(words, env).ended;
}

/** Starts `erwin ...words`, interrupts it as soon as `isTime` returns true, and waits for its end. */
export async function interruptErwin(
  words: readonly string[],
  isTime: () => boolean,
  signal: "SIGINT" | "SIGTERM" = "SIGINT",
): Promise<Result> {
  const { pid, ended } = start(words);
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
