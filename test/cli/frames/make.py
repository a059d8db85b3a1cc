# Makes flow.h5 beside it: frames of a flow as h5py writes them, with points in a group, an attribute of the file and a time for each frame.
# pip install h5py
from pathlib import Path

import h5py
import numpy as np

with h5py.File(Path(__file__).with_name("flow.h5"), "w") as file:
    file.attrs["Reynolds"] = 250.0
    file["mesh/points"] = np.array([[0, 0], [1, 0], [0, 1]], "f8")
    file["fields/u"] = np.arange(6, dtype="f4").reshape(2, 3)
    file["time"] = np.array([0.5, 0.75])
    file["zone"] = np.array([1, 0, 1], "u1")
    file["wall"] = np.array([b"slip", b"none", b"slip"])
    file["id"] = np.array([1, 2, 2**40], "i8")
