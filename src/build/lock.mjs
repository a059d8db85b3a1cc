// Keeps two processes that write the same files apart: the second waits for the first.
//
// Whoever wants a lock makes the file with the next number, which only one process can; it holds the lock until it empties that
// file or ends. The file with the highest number is never removed, so that nobody can take a lock twice.
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cache } from "./steps.mjs";

/** The lock by which a checkout has one build at a time. */
const buildLock = join(cache, "lock");

/** @param {unknown} error */
const errorCode = (error) => /** @type {NodeJS.ErrnoException} */ (error).code;

/**
 * The numbers of a lock's files, the highest first.
 * @param {string} lock
 */
function numbersOf(lock) {
  const prefix = `${basename(lock)}.`;
  const names = readdirSync(dirname(lock)).filter((name) => name.startsWith(prefix));
  const numbers = names.map((name) => Number(name.slice(prefix.length))).filter(Number.isInteger);
  return numbers.sort((a, b) => b - a);
}

/**
 * Whether the process that made the file still holds the lock.
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
 * Makes a file with this process' number in it, unless it is there.
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
 * Takes the lock, if nobody holds it; its file then.
 * @param {string} lock
 */
function take(lock) {
  const [newest = 0] = numbersOf(lock);
  if (isHeld(`${lock}.${newest}`)) return undefined;
  const mine = newest + 1;
  if (!claim(`${lock}.${mine}`)) return undefined;
  const [highest, ...older] = numbersOf(lock);
  // Others came and went since, and removed what stood in the way of this number.
  if (highest > mine) return undefined;
  for (const number of older) rmSync(`${lock}.${number}`, { force: true });
  return `${lock}.${mine}`;
}

/**
 * Runs `work` while holding the lock.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} lock the beginning of its files' names
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
