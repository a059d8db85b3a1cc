// Where training writes its numbers.

/** One line of a run's history. */
export interface LogEntry {
  kind: "training" | "validation" | "test";
  /** Steps done. */
  step: number;
  /** `loss`, `lr`, metrics ... */
  [metric: string]: number | string;
}

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
export class JsonLinesLogger implements Logger {
  readonly #write: (line: string) => void | Promise<void>;

  /** @param write takes a line with its line feed, and appends it to a file, say */
  constructor(write: (line: string) => void | Promise<void>) {
    this.#write = write;
  }

  log(entry: LogEntry): void | Promise<void> {
    return this.#write(`${JSON.stringify(entry)}\n`);
  }
}
