# Makes the archives beside it, which numpy.unit.test.ts reads: `python3 make.py`, with NumPy (2.4.6 when they were made).
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
arrays = {
    "flags": np.array([True, False, True]),
    "positions": np.arange(15).reshape(5, 3) / 8,
    "features": np.asfortranarray(np.arange(10, dtype=np.float32).reshape(5, 2) - 4.5),
    "targets": np.arange(5, dtype=np.float32) ** 2,
    "batch_idx": np.array([0, 0, 0, 1, 1]),
    "halves": np.array([0.5, -2], dtype=np.float16),
    "big_endian": np.array([1.5, -2], dtype=">f4"),
}
np.savez(folder / "stored.npz", **arrays)
np.savez_compressed(folder / "deflated.npz", **arrays)

# Structures: padded as a C compiler does, of both byte orders, with fields that are arrays, text, structures and objects.
particle = np.dtype(
    [
        ("id", "u1"),
        ("pos", ">f8", (3,)),
        ("name", "S3"),
        (("a title", "mass"), "<f4"),
        ("it's 'a, [β]\\", "<i2", (2, 2)),
        ("inner", [("a", "<f4"), ("b", "<U2")]),
        ("flag", "?"),
        ("time", "<M8[s]"),
        ("z", "<c16"),
        ("last", "<f2"),
    ],
    align=True,
)
particles = np.zeros(4, particle)
particles["id"] = [1, 2, 3, 255]
particles["pos"] = np.arange(12).reshape(4, 3) / 8
particles["name"] = b"xyz"
particles["mass"] = [0.5, -1, 2, 3]
particles[particle.names[4]] = np.arange(16).reshape(4, 2, 2) - 8
particles["flag"] = [1, 0, 0, 1]
particles["z"] = 1 + 2j
particles["last"] = [0.5, -2, 0, 1]
grid = np.zeros((2, 3), [("v", "<f4", (2,)), ("p", "<i4")])
grid["v"] = np.arange(12).reshape(2, 3, 2)
grid["p"] = np.arange(6).reshape(2, 3)
structures = {
    "particles": particles,
    "grid": np.asfortranarray(grid),
    "empty": particles[:0],
    "objects": np.array([(1.5, None)], [("x", "<f8"), ("o", "O")]),
    "plain": np.arange(3.0),
}
np.savez(folder / "structures.npz", **structures)
np.savez_compressed(folder / "structures-deflated.npz", **structures)
