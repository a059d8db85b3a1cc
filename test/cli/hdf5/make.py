# Makes the samples that folder.deno.test.ts trains on, the list that divides them, and what is to be found in those to train on:
# `python3 make.py`, with h5py (3.16 when they were made).
import json
from pathlib import Path

import h5py
import numpy as np

folder = Path(__file__).parent
splits = {"train": ["samples/a.h5", "samples/d.h5"], "val": ["samples/b.h5"], "test": ["samples/c.h5"]}
trained = []
for number, name in enumerate("abcde"):
    side = 5 + number % 2
    x, y = (axis.ravel() / (side - 1) for axis in np.mgrid[:side, :side])
    corner = np.arange(side * side).reshape(side, side)[:-1, :-1].ravel()
    load = 1.5 + number
    deflection = load * np.sin(np.pi * x) * np.sin(np.pi * y)
    slope = load * np.pi * np.stack([np.cos(np.pi * x) * np.sin(np.pi * y), np.sin(np.pi * x) * np.cos(np.pi * y)], 1)
    with h5py.File(folder / f"samples/{name}.h5", "w") as file:
        file["points"] = np.stack([x, y], 1)
        file["triangles"] = np.concatenate(
            [np.stack([corner, corner + 1, corner + side], 1), np.stack([corner + 1, corner + side + 1, corner + side], 1)]
        )
        file["material"] = (x > 0.5).astype(np.int8)
        file["load"] = load
        file.create_dataset("deflection", data=deflection.astype(np.float32), chunks=(8,), compression="gzip")
        file["slope"] = slope.astype(">f8")
    if f"samples/{name}.h5" in splits["train"]:
        trained.append((deflection.astype(np.float32), slope))
deflections, slopes = (np.concatenate(values).astype(np.float64) for values in zip(*trained))
expected = {
    "deflection": {"mean": [deflections.mean()], "deviation": [deflections.std()]},
    "slope": {"mean": slopes.mean(0).tolist(), "deviation": slopes.std(0).tolist()},
}
(folder / "split.json").write_text(json.dumps(splits, indent=2) + "\n")
(folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
