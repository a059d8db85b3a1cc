// Keeps two processes that write the same files apart: the second waits for the first.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cache } from "./steps.mjs";

/** The lock by which a checkout has one build at a time. */
const buildLock = join(cache, "lock");

/** @param {unknown} error */
const errorCode = (error) => /** @type {NodeJS.ErrnoException} */ (error).code;

/**
 * Whether the process that wrote the lock is still running; a killed one leaves its lock behind.
 * @param {string} file
 */
function ownerLives(file) {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/**
 * Runs `work` while holding the lock.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} file the lock
 */
export async function withLock(work, file = buildLock) {
  mkdirSync(dirname(file), { recursive: true });
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
    if (ownerLives(file)) await sleep(100);
    else rmSync(file, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
