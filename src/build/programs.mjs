// Finds the programs that are installed on this machine.
import { existsSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Returns whether a program only starts a snap, as on Ubuntu: containers cannot run it, and it cannot read a profile in /tmp.
 * @param {string} path
 */
const startsSnap = (path) => statSync(path).size < 65536 && readFileSync(path, "latin1").includes("/snap/");

/**
 * Returns the path of a program: the given one, or the first of the system's usual ones that exists; undefined if there is none.
 * @param {string | undefined} given
 * @param {Partial<Record<NodeJS.Platform, string[]>>} places the usual paths on each system
 */
export const findProgram = (given, places) =>
  given || (places[process.platform] ?? []).find((path) => existsSync(path) && !startsSnap(path));

/**
 * Whether a program can be started by its name.
 * @param {string} program
 */
export function onPath(program) {
  const names = process.platform === "win32" ? [`${program}.exe`, `${program}.bat`] : [program];
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => names.some((name) => existsSync(join(folder, name))));
}
