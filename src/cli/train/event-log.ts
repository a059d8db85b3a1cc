// Writes a run's log for TensorBoard: `tensorboard --logdir RUN`.

import { join } from "node:path";
import { type EventContent, encodeEvent } from "../../formats/tensorflow/tfevents.ts";
import type { LogEntry, Logger } from "../../index.ts";
import { append, listFolder } from "../files/files.ts";
import { EVENTS_PREFIX } from "../files/run-folder.ts";

/** An event file of one call. Each call that continues a run writes its own file, as TensorBoard expects. */
export class EventLog implements Logger {
  readonly #path: string;

  /** @param step the number of steps that the run has done; entries of later steps in earlier files become void */
  constructor(folder: string, step: number) {
    // TensorBoard reads a folder's files in the order of their names, and the clock may have been set back since the last one.
    const earlier = listFolder(folder).flatMap(({ name }) => (name.startsWith(EVENTS_PREFIX) ? [secondsOf(name)] : []));
    const seconds = Math.max(Math.floor(Date.now() / 1000), ...earlier.map((last) => last + 1));
    this.#path = join(folder, `${EVENTS_PREFIX}${seconds}.erwin`);
    this.#write({ version: true }, step);
    if (step > 0) this.#write({ start: true }, step + 1);
  }

  log({ kind, step, ...metrics }: LogEntry): void {
    const numbers = Object.entries(metrics).filter((metric): metric is [string, number] => Number.isFinite(metric[1]));
    this.#write({ scalars: Object.fromEntries(numbers.map(([name, value]) => [`${kind}/${name}`, value])) }, step);
  }

  #write(content: EventContent, step: number): void {
    append(this.#path, encodeEvent(content, { step, wallTime: Date.now() / 1000 }));
  }
}

/** When a file was begun, by its name; 0 for a name that does not say so. */
const secondsOf = (name: string): number => Number.parseInt(name.slice(EVENTS_PREFIX.length), 10) || 0;
