# Makes the files beside it, with frames in one array: `python3 make.py`, with NumPy 2.4.6, h5py 3.16.0 and netCDF4 1.7.4.
from pathlib import Path

import h5py
import netCDF4
import numpy as np

folder = Path(__file__).parent
frames, points = 4, 3
pos = np.arange(frames * points * 3).reshape(frames, points, 3) / 8
u = np.arange(frames * points).reshape(frames, points) / 4
kind = np.array(["wall", "flow", "wall"])

# Points that move; kinds and masses are the same in all frames, times and names of the stage are of each.
np.savez(
    folder / "moving.npz",
    pos=pos,
    u=np.asfortranarray(u),
    kind=kind,
    mass=np.array([1.0, 2.0, 3.0]),
    time=np.arange(frames) / 10,
    stage=np.array(["a", "b", "b", "c"]),
    edge_index=np.array([[0, 1], [1, 2]]),
)
# As many frames as points.
np.savez(folder / "square.npz", pos=pos[:3], mass=np.array([[1.0], [2.0], [3.0]]))

with h5py.File(folder / "fixed.h5", "w") as file:
    file["pos"] = pos[0]
    file["u"] = u.astype("f4")
    file["v"] = pos[:, :, :2]
    file["edges"] = [[0, 1], [1, 2], [2, 0], [0, 2]]
    file.create_dataset("kind", data=list(kind), dtype=h5py.string_dtype())
    file.attrs["mach"] = 0.5

with netCDF4.Dataset(folder / "fixed.nc", "w") as file:
    file.createDimension("time", None)
    file.createDimension("n", points)
    file.createVariable("lon", "f8", ("n",))[:] = pos[0, :, 0]
    file.createVariable("lat", "f8", ("n",))[:] = pos[0, :, 1]
    file.createVariable("u", "f4", ("time", "n"))[:] = u
