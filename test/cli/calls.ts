// Runs the built command line again and again in one process, which is much cheaper than a process for each call.

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { cliPath, type Result, spawnDeno } from "./command.ts";

/** What ends the output of each call. */
export const END = "\u0004";

/** The process's program and its arguments; each line of its standard input is a call. */
export const callsProgram = [fileURLToPath(new URL("calls.mjs", import.meta.url)), cliPath, END];

/** The time in milliseconds after which a call, or the process's end, counts as hanging. */
const patience = 250_000;

/**
 * Declares a process for a file's tests, and returns what runs `erwin ...words` in it, one call at a time. After the tests the process
 * has to end by itself, which shows that no call has left anything behind that keeps it alive.
 */
export function useErwin(): (words: readonly string[]) => Promise<Result> {
  let calls: Calls | undefined;
  afterAll(() => calls?.end());
  return async (words) => {
    calls ??= new Calls();
    try {
      return await calls.run(words);
    } catch (error) {
      calls = undefined;
      throw error;
    }
  };
}

class Calls {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | null>;
  #output = { stdout: "", stderr: "" };
  #onOutput = () => {};

  constructor() {
    this.#child = spawnDeno(callsProgram);
    this.#ended = new Promise((resolve) => this.#child.on("close", resolve));
    for (const name of ["stdout", "stderr"] as const) {
      this.#child[name].setEncoding("utf8").on("data", (text) => {
        this.#output[name] += text;
        this.#onOutput();
      });
    }
  }

  /** @throws Error when the call ends the process, or takes too long */
  async run(words: readonly string[]): Promise<Result> {
    this.#output = { stdout: "", stderr: "" };
    const printed = new Promise<Result>((resolve) => {
      this.#onOutput = () => {
        const { stdout, stderr } = this.#output;
        const [text, code] = stdout.split(END);
        if (code?.endsWith("\n") && stderr.endsWith(END))
          resolve({ code: Number(code), stdout: text, stderr: stderr.slice(0, -END.length) });
      };
    });
    const ended = this.#ended.then((code) => {
      throw new Error(`erwin ${words.join(" ")} ended its process with code ${code}: ${this.#output.stderr}`);
    });
    this.#child.stdin.write(`${JSON.stringify(words)}\n`);
    return await this.#inTime(Promise.race([printed, ended]));
  }

  /** @throws Error when the process does not end by itself */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const code = await this.#inTime(this.#ended);
    if (code !== 0) throw new Error(`the process of all calls ended with code ${code}: ${this.#output.stderr}`);
  }

  /** Kills the process if the promise does not settle in time. */
  async #inTime<Value>(promise: Promise<Value>): Promise<Value> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patience);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
