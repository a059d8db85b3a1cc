// A worker of the library whose devices are lost when a test says so.

import { createErwinWorker, type ErwinWorker, type ErwinWorkerOptions } from "erwin";
import { type Fault, type Faults, installFaults } from "../support/faults.ts";
import { changedScript, watchWorkers } from "../worker/scripts.ts";
import { installStepClock } from "./clock.ts";

/** What the worker tells of the time since its devices were last armed. */
type Report = Pick<Faults, "counts" | "lost"> & { rejections: string[] };

/** The script before the library's own. */
const script = (sequence: readonly Fault[]) => `
  globalThis.process ??= { env: { ERWIN_TUNE: "off" } };
  (${installStepClock})();
  const faults = (${installFaults})();
  faults.arm(...${JSON.stringify(sequence)});
  let rejections = [];
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    rejections.push("unhandled: " + (event.reason?.stack ?? event.reason));
  });
  addEventListener("message", ({ data }) => {
    if (!data.arm) return;
    postMessage({ report: { counts: faults.counts, lost: faults.lost, rejections } });
    rejections = [];
    faults.arm(...data.arm);
  });`;

export class FaultyWorker {
  readonly erwin: ErwinWorker;
  readonly #thread: Worker;
  /** The rejections that nobody in the worker has handled. */
  readonly rejections: string[] = [];
  /** The model that is loaded. */
  file: Uint8Array | undefined;

  private constructor(erwin: ErwinWorker, thread: Worker) {
    this.erwin = erwin;
    this.#thread = thread;
  }

  /** Starts a worker whose first devices are lost in this order. */
  static async start(
    options: Pick<ErwinWorkerOptions, "recover" | "onRecovery">,
    ...sequence: Fault[]
  ): Promise<FaultyWorker> {
    const url = await changedScript({ before: script(sequence) });
    const { result, started } = await watchWorkers(() =>
      createErwinWorker({ onRecovery: () => {}, ...options, url, backend: "webgpu", threads: 1 }),
    );
    return new FaultyWorker(result, started[0]!.worker);
  }

  /** Arms the worker's devices; returns what happened since the last time. */
  async arm(...sequence: Fault[]): Promise<Pick<Report, "counts" | "lost">> {
    const { rejections, ...report } = await new Promise<Report>((resolve) => {
      const listen = ({ data }: MessageEvent) => {
        if (!data?.report) return;
        this.#thread.removeEventListener("message", listen);
        resolve(data.report);
      };
      this.#thread.addEventListener("message", listen);
      this.#thread.postMessage({ arm: sequence });
    });
    this.rejections.push(...rejections);
    return report;
  }

  /** Resolves when the worker has ended. */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      const { terminate } = this.#thread;
      this.#thread.terminate = () => {
        terminate.call(this.#thread);
        resolve();
      };
    });
    this.erwin.dispose();
    await ended;
  }
}
