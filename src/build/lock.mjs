// Prevents two processes from writing the same files at once: the second waits for the first.
//
// To take a lock, a process creates the file with the next number, which only one process can do; it holds the lock until it empties
// that file or ends. The file with the highest number is never removed, so that nobody can take a lock twice.
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cache } from "./steps.mjs";

/** The lock of a checkout's build. */
const buildLock = join(cache, "lock");

/** @param {unknown} error */
const errorCode = (error) => /** @type {NodeJS.ErrnoException} */ (error).code;

/**
 * Returns the numbers of a lock's files, the highest first.
 * @param {string} lock
 */
function numbersOf(lock) {
  const prefix = `${basename(lock)}.`;
  const names = readdirSync(dirname(lock)).filter((name) => name.startsWith(prefix));
  const numbers = names.map((name) => Number(name.slice(prefix.length))).filter(Number.isInteger);
  return numbers.sort((a, b) => b - a);
}

/**
 * Returns whether the process that created the file still holds the lock.
 * @param {string} file
 */
function isHeld(file) {
  try {
    const owner = readFileSync(file, "utf8");
    if (owner === "") return false;
    process.kill(Number(owner), 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/**
 * Creates a file that holds this process's id, unless the file exists.
 * @param {string} file
 */
function claim(file) {
  const own = `${file}-${process.pid}-${Math.random().toString(36).slice(2)}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(own);
  }
}

/**
 * Takes the lock if nobody holds it, and returns its file.
 * @param {string} lock
 */
function take(lock) {
  const [newest = 0] = numbersOf(lock);
  if (isHeld(`${lock}.${newest}`)) return undefined;
  const mine = newest + 1;
  if (!claim(`${lock}.${mine}`)) return undefined;
  const [highest, ...older] = numbersOf(lock);
  // Other processes have taken and released the lock since, and removed the file that had this number.
  if (highest > mine) return undefined;
  for (const number of older) rmSync(`${lock}.${number}`, { force: true });
  return `${lock}.${mine}`;
}

/**
 * Runs `work` while holding the lock.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} lock the prefix of its files' names
 */
export async function withLock(work, lock = buildLock) {
  mkdirSync(dirname(lock), { recursive: true });
  let file = take(lock);
  for (; !file; file = take(lock)) await sleep(100);
  try {
    return await work();
  } finally {
    truncateSync(file);
  }
}
