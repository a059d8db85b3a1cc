// What page and worker tell each other.

/** Runs the example under this heading of the README. */
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
