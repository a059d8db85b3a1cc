// Where the PyTorch peer runs: the host's own python3 where it has PyTorch (a machine for machine learning), else a Debian
// root folder with Debian's PyTorch in it, since many hosts can install neither.
import { spawnSync } from "node:child_process";
import { inRoot, isMade, prepareRoot } from "../../../build/debian-root.mjs";

const debian = {
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
    // What torch.compile calls: a compiler, the headers of Python and PyTorch, and an import.
    "g++",
    "python3-dev",
    "python3-setuptools",
    "libtorch-dev",
  ],
};

/**
 * The words that run python3 with PyTorch, to put its arguments behind; undefined where it has no place yet.
 * @param {string[]} folders what it sees of the host's files, at the same paths; it starts in the first
 */
export function findPython(folders) {
  if (hostHasPyTorch()) return ["python3"];
  return isMade(debian) ? inRoot(debian, folders, ["python3"]) : undefined;
}

/**
 * The same; its place is made if need be.
 * @param {string[]} folders
 */
export async function preparePython(folders) {
  const found = findPython(folders);
  if (found) return found;
  await prepareRoot(debian);
  return inRoot(debian, folders, ["python3"]);
}

function hostHasPyTorch() {
  return spawnSync("python3", ["-c", "import torch, safetensors"], { stdio: "ignore" }).status === 0;
}
