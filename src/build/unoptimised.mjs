// Loads WebAssembly that is large and runs for a short time.
import { setFlagsFromString } from "node:v8";

/**
 * Does the work, and returns its result. The modules that V8 compiles meanwhile are never optimised, which would take it many times as
 * long as they run.
 * @template Result
 * @param {() => Promise<Result>} work
 */
export async function unoptimised(work) {
  setFlagsFromString("--liftoff-only");
  try {
    return await work();
  } finally {
    setFlagsFromString("--no-liftoff-only");
  }
}
