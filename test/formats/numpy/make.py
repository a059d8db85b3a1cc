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
