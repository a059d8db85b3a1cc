// Sends a run's log to Weights & Biases by its own SDK, which is loaded only on request. A failure never stops the training.

import { Worker } from "node:worker_threads";
import type { LogEntry, Logger } from "../../index.ts";
import { printError } from "../process/progress.ts";

/** The SDK, which the user has to install: `npm install @wandb/sdk`. */
const PACKAGE = "@wandb/sdk";
const PROJECT = "erwin";
/** The time limit in milliseconds for reaching the service, and for sending the last entries. */
const PATIENCE = 15_000;

export interface WandbRun {
  /** An id of 8 letters and digits, which is the same in each call of a run. */
  id: string;
  /** The name that is displayed. */
  name: string;
  config: Record<string, unknown>;
}

/** The messages of the SDK's thread. */
type Report = { kind: "begun"; url: string } | { kind: "finished" } | { kind: "failed"; problem: string };

/**
 * The program of the SDK's thread. It is a thread of its own because some errors of the SDK end the thread in which they happen, and
 * the SDK prints all errors. `workerData` is { address, run }.
 */
const program = `
  const tell = (report) => threads.then(({ parentPort }) => parentPort.postMessage(report));
  const threads = import("node:worker_threads");
  console.log = console.error = (...words) => words.length > 1 && tell({ kind: "failed", problem: String(words[1]) });
  threads.then(async ({ parentPort, workerData }) => {
    try {
      const { default: wandb } = await import(workerData.address);
      const run = await wandb.init({ ...workerData.run, settings: { silent: true } });
      parentPort.on("message", async (message) => {
        if (message.entry) run.log(message.entry, message.step);
        else {
          await run.finish(message.code);
          tell({ kind: "finished" });
        }
      });
      tell({ kind: "begun", url: run.url() });
    } catch (error) {
      tell({ kind: "failed", problem: String(error && error.message || error) });
    }
  });
`;

/** Sends entries as long as that is possible. The first failure is reported, and no more entries are sent. */
export class WandbLogger implements Logger {
  readonly #worker: Worker;
  #failed = false;
  #tell: (report: Report) => void = () => {};

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (report: Report) => {
      if (report.kind === "failed") this.#fail(report.problem);
      this.#tell(report);
    });
    worker.on("error", (error) => this.#fail(error.message));
  }

  /** Begins a run, or continues the one with this id; prints a line and returns undefined if that is not possible. */
  static async begin(run: WandbRun): Promise<WandbLogger | undefined> {
    const address = addressOfSdk();
    if (address === undefined) {
      printError(`Weights & Biases: ${PACKAGE} is not installed (npm install ${PACKAGE}); training goes on without it`);
      return undefined;
    }
    const workerData = { address, run: { ...run, project: PROJECT } };
    const logger = new WandbLogger(new Worker(program, { eval: true, workerData }));
    const begun = await logger.#next("it did not answer");
    if (begun?.kind !== "begun") return undefined;
    printError(`Weights & Biases: ${begun.url}`);
    return logger;
  }

  log({ kind, step, ...metrics }: LogEntry): void {
    if (this.#failed) return;
    const entry = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${kind}/${name}`, value]));
    this.#worker.postMessage({ entry, step });
  }

  /** Waits until everything is sent. @param code 0 if the run succeeded */
  async finish(code: number): Promise<void> {
    if (this.#failed) return;
    this.#worker.postMessage({ code });
    await this.#next("it did not take the last numbers");
    await this.#worker.terminate();
  }

  /** Returns the thread's next message; undefined after a failure or a timeout. */
  async #next(late: string): Promise<Report | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const report = await new Promise<Report | undefined>((resolve) => {
      this.#tell = resolve;
      timer = setTimeout(() => {
        this.#fail(late);
        resolve(undefined);
      }, PATIENCE);
    });
    clearTimeout(timer);
    return report?.kind === "failed" ? undefined : report;
  }

  #fail(problem: string): void {
    if (this.#failed) return;
    this.#failed = true;
    printError(`Weights & Biases: ${problem.replaceAll(/\s*\n\s*/g, " ")}; training goes on without it`);
    this.#worker.terminate();
    this.#tell({ kind: "failed", problem });
  }
}

function addressOfSdk(): string | undefined {
  try {
    return import.meta.resolve(PACKAGE);
  } catch {
    return undefined;
  }
}
