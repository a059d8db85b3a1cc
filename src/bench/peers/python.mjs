// Finds a Python for the peers that are written in it: the host's own python3 where it has the packages (as on a machine for
// machine learning), else one in a Debian root folder with Debian's packages, since many hosts can install neither.
import { spawnSync } from "node:child_process";
import { inRoot, isMade, prepareRoot } from "../../build/debian-root.mjs";

/**
 * @typedef {object} PythonPlace
 * @property {string} imports the packages, as an import statement names them
 * @property {import("../../build/debian-root.mjs").DebianRoot} debian
 */

/** @type {PythonPlace} */
export const pytorch = {
  imports: "torch, safetensors",
  debian: {
    // Debian 13 is the first with PyTorch 2.6.
    suite: "trixie",
    purpose: "pytorch",
    size: "some minutes, 2 GB",
    instead: "give python3 torch and safetensors",
    packages: [
      "python3-torch",
      "python3-safetensors",
      "python3-numpy",
      // PyTorch calls the BLAS from its own OpenMP threads: OpenBLAS's build for OpenMP shares them, the others compete.
      "libopenblas0-openmp",
      // torch.compile needs a compiler, the headers of Python and PyTorch, and one more import.
      "g++",
      "python3-dev",
      "python3-setuptools",
      "libtorch-dev",
    ],
  },
};

/** @type {PythonPlace} */
export const scikit = {
  imports: "sklearn, joblib",
  debian: {
    suite: "trixie",
    purpose: "scikit-learn",
    size: "about two minutes, 430 MB",
    instead: "give python3 scikit-learn and joblib",
    packages: ["python3-sklearn", "python3-joblib", "python3-numpy"],
  },
};

/**
 * Returns the command that runs python3 with the packages, without its arguments; undefined where there is none yet.
 * @param {PythonPlace} place
 * @param {string[]} folders the host's folders that Python can read, at the same paths; it starts in the first
 */
export function findPython({ imports, debian }, folders) {
  if (spawnSync("python3", ["-c", `import ${imports}`], { stdio: "ignore" }).status === 0) return ["python3"];
  return isMade(debian) ? inRoot(debian, folders, ["python3"]) : undefined;
}

/**
 * Does the same, and makes the Debian root folder if need be.
 * @param {PythonPlace} place
 * @param {string[]} folders
 */
export async function preparePython(place, folders) {
  const found = findPython(place, folders);
  if (found) return found;
  await prepareRoot(place.debian);
  return inRoot(place.debian, folders, ["python3"]);
}
