// Where a peer written in Python runs: the host's own python3 where it has the packages (a machine for machine learning), else
// a Debian root folder with Debian's packages in it, since many hosts can install neither.
import { spawnSync } from "node:child_process";
import { inRoot, isMade, prepareRoot } from "../../build/debian-root.mjs";

/**
 * @typedef {object} PythonPlace
 * @property {string} imports the packages, as an import statement names them
 * @property {import("../../build/debian-root.mjs").DebianRoot} debian
 */

/**
 * The words that run python3 with the packages, to put its arguments behind; undefined where it has no place yet.
 * @param {PythonPlace} place
 * @param {string[]} folders what it sees of the host's files, at the same paths; it starts in the first
 */
export function findPython({ imports, debian }, folders) {
  if (spawnSync("python3", ["-c", `import ${imports}`], { stdio: "ignore" }).status === 0) return ["python3"];
  return isMade(debian) ? inRoot(debian, folders, ["python3"]) : undefined;
}

/**
 * The same; its place is made if need be.
 * @param {PythonPlace} place
 * @param {string[]} folders
 */
export async function preparePython(place, folders) {
  const found = findPython(place, folders);
  if (found) return found;
  await prepareRoot(place.debian);
  return inRoot(place.debian, folders, ["python3"]);
}
