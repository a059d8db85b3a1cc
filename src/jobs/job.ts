// A job: one model applied to one input with certain options. Its identity is a hash of these, so two outputs with the same
// identity have the same bits.

import type { DataSource } from "../experiments/data-source.ts";
import type { CheckpointStore } from "../index.ts";

/** What is computed. The paths are relative to the source of inputs and to the store of outputs. */
export interface Job {
  input: string;
  output: string;
}

/** What all jobs of a call have in common. */
export interface Recipe {
  /** SHA-256 of the model's file, in hexadecimal. */
  model: string;
  /** All other options that decide the outputs' bytes; undefined ones do not count. */
  options: Readonly<Record<string, unknown>>;
}

/** What an output was computed from; it is stored with the output. */
export interface JobRecord extends Recipe {
  /** SHA-256 of the other fields. */
  identity: string;
  /** SHA-256 of the input's bytes. */
  input: string;
}

/** Files that several processes read and write, by their paths. */
export interface FileStore extends DataSource, CheckpointStore {
  /** Writes a file that does not exist yet; returns false if it exists. If several callers do it at once, only one gets true. */
  create(path: string, bytes: Uint8Array<ArrayBuffer>): boolean | Promise<boolean>;
  /** Deletes a file, if it exists. */
  remove(path: string): void | Promise<void>;
  /** Deletes the temporary files that killed processes have left beside a file. */
  sweep(path: string): void | Promise<void>;
}

/** Returns the hash in hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns the record of the output that a recipe computes from an input. */
export async function recordOf({ model, options }: Recipe, input: Uint8Array): Promise<JobRecord> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const sorted = Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
  const parts = { model, input: await sha256(input), options: sorted };
  return { identity: await sha256(new TextEncoder().encode(JSON.stringify(parts))), ...parts };
}
