// Standard output and standard error can fail: on a full disk, behind "| head -1", when the terminal is closed. Work of hours must not
// end by that, and an output that was asked for but could not be written must not look as if it had been.

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { reasonOf } from "../files/files.ts";

/** Nobody reads any more, by the reader's own choice: the pipe was closed, or the terminal. */
const nobodyReads: readonly unknown[] = ["EPIPE", "EIO"];

/**
 * Runs a command; what it prints may be lost, but never ends it.
 * @param run returns the exit code
 * @returns that exit code, or 1 if standard output was refused for another reason than that nobody reads it
 */
export async function withStandardStreams(run: () => Promise<number>): Promise<number> {
  let refusal: unknown;
  const onOutput = (error: unknown) => {
    if (!nobodyReads.includes((error as NodeJS.ErrnoException).code)) refusal ??= error;
  };
  const onError = () => {};
  // Node's console loses its errors, and the streams report them; Deno's console throws them.
  const { log, error, warn } = console;
  console.log = guarded(log, onOutput);
  console.error = guarded(error, onError);
  console.warn = guarded(warn, onError);
  process.stdout.on("error", onOutput);
  process.stderr.on("error", onError);
  try {
    const code = await run();
    await Promise.all([process.stdout, process.stderr].map(flush));
    if (refusal === undefined) return code;
    console.error(`error: Cannot write standard output: ${reasonOf(refusal) ?? (refusal as Error).message}.`);
    return 1;
  } finally {
    Object.assign(console, { log, error, warn });
    process.stdout.removeListener("error", onOutput);
    process.stderr.removeListener("error", onError);
  }
}

function guarded(print: typeof console.log, onFailure: (error: unknown) => void): typeof console.log {
  return (...words) => {
    try {
      print(...words);
    } catch (error) {
      onFailure(error);
    }
  };
}

/** Waits until everything that was written to a stream has arrived or failed, and its failures were reported. */
async function flush(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => {
    try {
      stream.write("", () => resolve());
    } catch {
      resolve(); // Deno throws what Node gives to the function.
    }
  });
  await setImmediate();
}
