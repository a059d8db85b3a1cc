// A run's numbers to Weights & Biases, by its own SDK: loaded only where it is asked for, and never a reason to stop training.

import { Worker } from "node:worker_threads";
import type { LogEntry, Logger } from "../../index.ts";
import { printError } from "../progress.ts";

/** The SDK, which is installed by whoever wants it: `npm install @wandb/sdk`. */
const PACKAGE = "@wandb/sdk";
const PROJECT = "erwin";
/** Milliseconds until the service is held to be out of reach, and in which the last numbers must be sent. */
const PATIENCE = 15_000;

export interface WandbRun {
  /** The same in each call of a run: 8 letters and digits. */
  id: string;
  /** As it is shown. */
  name: string;
  config: Record<string, unknown>;
}

/** What the SDK's thread tells. */
type Report = { kind: "begun"; url: string } | { kind: "finished" } | { kind: "failed"; problem: string };

/**
 * What runs in the SDK's thread: some of its errors end the thread that they happen in, and it prints whatever goes wrong.
 * `workerData` is { address, run }.
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

/** Sends entries as long as that is possible; the first failure is told, and then none are sent. */
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

  /** Begins a run, or goes on with the one of this id; undefined, and a line that says why, where that is not possible. */
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

  /** Waits until all is sent. @param code 0 where the run went well */
  async finish(code: number): Promise<void> {
    if (this.#failed) return;
    this.#worker.postMessage({ code });
    await this.#next("it did not take the last numbers");
    await this.#worker.terminate();
  }

  /** What the thread tells next; undefined after a failure, or where it takes too long. */
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
