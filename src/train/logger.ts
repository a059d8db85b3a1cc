// Loggers for the history of a training run.

import { Opaque } from "../inspect.ts";

/** One line of a run's history. */
export interface LogEntry {
  kind: "training" | "validation" | "test";
  /** The number of steps done. */
  step: number;
  /** `loss`, `lr`, metrics and others. */
  [metric: string]: number | string;
}

/** Receives a training's entries as they come. */
export interface Logger {
  log(entry: LogEntry): void | Promise<void>;
}

/** Keeps all entries. */
export class MemoryLogger implements Logger {
  readonly entries: LogEntry[] = [];

  log(entry: LogEntry): void {
    this.entries.push(entry);
  }
}

/** Writes each entry as one line of JSON. */
export class JsonLinesLogger extends Opaque implements Logger {
  readonly #write: (line: string) => void | Promise<void>;

  /** @param write receives each line with its line feed, for example to append it to a file */
  constructor(write: (line: string) => void | Promise<void>) {
    super();
    this.#write = write;
  }

  log(entry: LogEntry): void | Promise<void> {
    return this.#write(`${JSON.stringify(entry)}\n`);
  }
}
