// The messages between the page and its worker.

/** Runs the example that is under this heading of the README. */
export interface RunOrder {
  type: "run";
  example: string;
}

export type FromWorker =
  | { type: "printed"; line: string }
  /** A file that the example has written. */
  | { type: "file"; name: string; bytes: Uint8Array<ArrayBuffer> }
  | { type: "done" }
  | { type: "failed"; message: string };
