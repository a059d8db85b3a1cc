// Workers of the site, from the page's side. Waiting for one ends also when it fails, hangs or is ended, so that a page never waits for
// ever.

import { type Remote, wrap } from "comlink";
import { WorkerError } from "../../errors.ts";
import { endWorker, MODEL_MS } from "../../host/ending.ts";
import { isLifeMessage, type LifeMessage, lifeName, whenEnded } from "../../host/life.ts";
import { PendingCalls } from "../../host/pending-calls.ts";
import { SIGN_OF_LIFE, silenceError } from "../../host/silence.ts";
import { FAREWELL, QUESTION } from "./signs-of-life.ts";
import { scriptUrl } from "./trusted.ts";

export class SiteWorker {
  readonly worker: Worker;
  readonly #calls: PendingCalls;
  #stopWaiting = () => {};
  #isStopped = false;

  /** @param url the address that `import url from "./worker.ts?worker&url"` gives; the script calls `answerPage` first */
  constructor(url: string, name: string) {
    if (typeof Worker === "undefined")
      throw new WorkerError("this browser has no workers, without which the page computes nothing");
    this.worker = new Worker(scriptUrl(url), { type: "module", name });
    const fail = (error: WorkerError) => {
      this.#calls.fail(error);
      this.stop();
    };
    this.#calls = new PendingCalls({
      ask: () => this.worker.postMessage(QUESTION),
      onSilence: (seconds) => fail(silenceError(`the page's ${name}`, seconds)),
    });
    this.worker.addEventListener("message", ({ data }) => {
      this.#calls.heard();
      // Browsers do not report that they have ended a worker, or that somebody has by their developer tools.
      if (isLifeMessage(data) && !this.hasEnded)
        this.#stopWaiting = whenEnded(data.life, () =>
          fail(new WorkerError(`the browser has ended the page's ${name}, perhaps because memory was short`)),
        );
    });
    this.worker.addEventListener("error", ({ message }) =>
      // The browser gives no message for a script that does not arrive.
      fail(
        new WorkerError(
          message
            ? `the page's ${name} has stopped: ${message}`
            : `the script of the page's ${name} could not be loaded; check the connection, and reload the page`,
        ),
      ),
    );
    const life = lifeName();
    if (life) this.worker.postMessage({ life } satisfies LifeMessage);
  }

  /** Whether the worker has failed or was stopped. */
  get hasEnded(): boolean {
    return this.#calls.failure !== undefined;
  }

  onMessage<Message>(listener: (message: Message) => void): void {
    this.worker.addEventListener("message", ({ data }) => {
      if (data !== SIGN_OF_LIFE && !isLifeMessage(data) && !this.#isStopped) listener(data);
    });
  }

  /** Waits for what the worker answers. @throws WorkerError when it fails or hangs, after which it is ended, and when it is stopped */
  until<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return this.#calls.wait(answer);
  }

  /**
   * Ends the worker, whatever it is doing: for the page at once, which hears no more of it; the thread itself when those that work for
   * it have had time to go.
   */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stopWaiting();
    this.#calls.fail(new WorkerError("the page's worker was stopped"), true);
    this.worker.postMessage(FAREWELL);
    endWorker(this.worker, MODEL_MS);
  }
}

/** A worker of the site, and how to end it with all that belongs to it. */
export interface StartedWorker {
  site: SiteWorker;
  /** Ends the worker as `SiteWorker` does, and at once the threads that the page runs for it. */
  stop(): void;
}

async function startWorker(url: string, name: string): Promise<StartedWorker> {
  const site = new SiteWorker(url, name);
  return { site, stop: () => site.stop() };
}

/** Functions by name, which a worker exposes by Comlink. */
type Functions = Readonly<Record<string, (...given: never[]) => unknown>>;

/** A worker whose functions the page calls. It is started with the first call, and again with the next one after it has failed. */
export class SiteFunctions<Exposed extends Functions> {
  readonly #start: () => Promise<StartedWorker>;
  readonly #onEnd: () => void;
  #started: Promise<{ worker: StartedWorker; remote: Remote<Functions> }> | undefined;

  /**
   * @param onEnd called when a worker has failed, with all that it held
   * @param start how it is started; `startEngineWorker` one that computes with the library
   */
  constructor(url: string, name: string, onEnd = () => {}, start = startWorker) {
    this.#start = () => start(url, name);
    this.#onEnd = onEnd;
  }

  /** @throws what the function throws; WorkerError if the worker fails or hangs */
  async call<Name extends string & keyof Exposed>(
    name: Name,
    ...given: Parameters<Exposed[Name]>
  ): Promise<Awaited<ReturnType<Exposed[Name]>>> {
    this.#started ??= this.#begin();
    const started = this.#started;
    const { worker, remote } = await started;
    try {
      return await worker.site.until(remote[name]!(...given) as Promise<Awaited<ReturnType<Exposed[Name]>>>);
    } catch (error) {
      if (worker.site.hasEnded && started === this.#started) {
        this.#started = undefined;
        worker.stop();
        this.#onEnd();
      }
      throw error;
    }
  }

  async #begin() {
    try {
      const worker = await this.#start();
      return { worker, remote: wrap<Functions>(worker.site.worker) };
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }
}
