// A job: one model applied to one input with certain options. Its identity is what these are made of, so that two outputs of one
// identity are the same bytes.

import type { DataSource } from "../experiments/data-source.ts";
import type { CheckpointStore } from "../index.ts";

/** What is computed: paths within the source of inputs and the store of outputs. */
export interface Job {
  input: string;
  output: string;
}

/** What all jobs of a call have in common. */
export interface Recipe {
  /** SHA-256 of the model's file, in hexadecimal. */
  model: string;
  /** Whatever else decides the outputs' bytes; what is undefined does not count. */
  options: Readonly<Record<string, unknown>>;
}

/** What an output was made of; it is stored with the output. */
export interface JobRecord extends Recipe {
  /** SHA-256 of the other fields. */
  identity: string;
  /** SHA-256 of the input's bytes. */
  input: string;
}

/** Files that several processes read and write, by their paths. */
export interface FileStore extends DataSource, CheckpointStore {
  /** Writes a file that is not there yet; gives false where it is. Of several callers at once one gets true. */
  create(path: string, bytes: Uint8Array<ArrayBuffer>): boolean | Promise<boolean>;
  /** Deletes a file, if it is there. */
  remove(path: string): void | Promise<void>;
  /** Deletes what a process that was killed while it saved a file has left beside it. */
  sweep(path: string): void | Promise<void>;
}

/** In hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The record of the output that a recipe makes of an input. */
export async function recordOf({ model, options }: Recipe, input: Uint8Array): Promise<JobRecord> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const sorted = Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
  const parts = { model, input: await sha256(input), options: sorted };
  return { identity: await sha256(new TextEncoder().encode(JSON.stringify(parts))), ...parts };
}
