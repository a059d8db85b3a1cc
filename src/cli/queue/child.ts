// The computing process of erwin work, from the side of its parent process.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { SilenceWatch, silenceError } from "../../host/silence.ts";
import { erwinProgram } from "../process/program.ts";
import type { ComputeAnswer, ComputeRequest } from "./compute.ts";
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

/** Starts the process with the first job, and restarts it with the next job after it has ended. One that hangs is ended. */
export class ComputeProcess {
  readonly #words: readonly string[];
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #number = 0;
  readonly #pending = new Map<number, (answer: ComputeAnswer) => void>();
  readonly #silence = new SilenceWatch({
    ask: () => this.#send({ number: this.#number++ }),
    onSilence: (seconds) => {
      this.#failAll(silenceError("the computing process", seconds).message);
      this.#child?.kill("SIGKILL");
    },
  });

  /** @param words the arguments of the command that computes */
  constructor(words: readonly string[]) {
    this.#words = words;
  }

  /** @throws ComputeError */
  async compute(job: QueuedPrediction): Promise<void> {
    this.#child ??= this.#start();
    const number = this.#number++;
    this.#silence.begin();
    const { error, isFinal = false } = await new Promise<ComputeAnswer>((resolve) => {
      this.#pending.set(number, resolve);
      this.#send({ number, job });
    });
    this.#silence.end();
    if (error !== undefined) throw new ComputeError(error, isFinal);
  }

  /** Waits until the process has ended after its jobs. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = new Promise((resolve) => child.on("close", resolve));
    this.#silence.begin();
    child.stdin.end();
    await ended;
    this.#silence.end();
  }

  #send(request: ComputeRequest): void {
    this.#child?.stdin.write(`${JSON.stringify(request)}\n`);
  }

  #start(): ChildProcessByStdio<Writable, Readable, null> {
    const [program, ...words] = [...erwinProgram(), ...this.#words];
    // The process is in its own process group, so Ctrl-C does not reach it: it ends after its jobs, when its standard input ends.
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    const end = (reason: string) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#failAll(reason);
    };
    child.on("error", ({ message }) => end(`the computing process could not be started: ${message}`));
    child.on("close", () => end("the computing process ended"));
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#silence.heard();
      const answer = JSON.parse(line) as ComputeAnswer;
      this.#pending.get(answer.number)?.(answer);
      this.#pending.delete(answer.number);
    });
    // A write to a process that has ended is handled when its end is reported.
    child.stdin.on("error", () => {});
    return child;
  }

  #failAll(error: string): void {
    for (const [number, resolve] of this.#pending) resolve({ number, error });
    this.#pending.clear();
  }
}
