// The computing process of erwin work, from the side of its parent process.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { erwinProgram } from "../program.ts";
import type { ComputeAnswer } from "./compute.ts";
import type { QueuedPrediction } from "./queue.ts";

export class ComputeError extends Error {
  override name = "ComputeError";

  constructor(
    message: string,
    /** Whether another try would fail, too. */
    readonly isFinal: boolean,
  ) {
    super(message);
  }
}

/** Starts the process with the first job, and restarts it with the next job after it has ended. */
export class ComputeProcess {
  readonly #words: readonly string[];
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #number = 0;
  readonly #pending = new Map<number, (answer: ComputeAnswer) => void>();

  /** @param words the arguments of the command that computes */
  constructor(words: readonly string[]) {
    this.#words = words;
  }

  /** @throws ComputeError */
  async compute(job: QueuedPrediction): Promise<void> {
    this.#child ??= this.#start();
    const number = this.#number++;
    const { error, isFinal = false } = await new Promise<ComputeAnswer>((resolve) => {
      this.#pending.set(number, resolve);
      this.#child?.stdin.write(`${JSON.stringify({ number, job })}\n`);
    });
    if (error !== undefined) throw new ComputeError(error, isFinal);
  }

  /** Waits until the process has ended after its jobs. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.stdin.end();
    await ended;
  }

  #start(): ChildProcessByStdio<Writable, Readable, null> {
    const [program, ...words] = [...erwinProgram(), ...this.#words];
    // The process is in its own process group, so Ctrl-C does not reach it: it ends after its jobs, when its standard input ends.
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    createInterface({ input: child.stdout }).on("line", (line) => {
      const answer = JSON.parse(line) as ComputeAnswer;
      this.#pending.get(answer.number)?.(answer);
      this.#pending.delete(answer.number);
    });
    // A write to a process that has ended is handled when its end is reported.
    child.stdin.on("error", () => {});
    child.on("close", () => {
      this.#child = undefined;
      for (const [number, resolve] of this.#pending) resolve({ number, error: "the computing process ended" });
      this.#pending.clear();
    });
    return child;
  }
}
