// The Python that the PyTorch peer runs in.
import * as python from "../python.mjs";

const place = {
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

/** @param {string[]} folders as for python.mjs */
export const findPython = (folders) => python.findPython(place, folders);

/** @param {string[]} folders */
export const preparePython = (folders) => python.preparePython(place, folders);
