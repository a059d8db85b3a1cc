# Makes the files beside it, in which four points have texts of every kind: `python3 make.py`, with NumPy 2.4.6, h5py 3.16.0,
# netCDF4 1.7.4, pandas 3.0.6 and PyTables 3.11.1.
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pandas

folder = Path(__file__).parent
positions = np.arange(12).reshape(4, 3) / 8
kinds = np.array(["ground", "tree", "", "Straße"])
encoded = np.array([kind.encode() for kind in kinds])
table = np.zeros(4, [("id", "i4"), ("kind", "U7"), ("bytes", "S8")])
table["id"], table["kind"], table["bytes"] = np.arange(4), kinds, encoded

np.savez(
    folder / "numpy.npz",
    pos=positions,
    unicode=kinds,
    bytes=encoded,
    big=kinds.astype(">U9"),
    latin=np.array([kind.encode("latin1") for kind in kinds]),
    columns=np.asfortranarray(np.stack([kinds, kinds[::-1]], 1)),
    table=table,
    whole=np.array("car"),
    emoji=np.array(["\U0001F332"]),
)

member = np.dtype([("id", "i4"), ("kind", h5py.string_dtype()), ("bytes", "S8")])
compounds = np.zeros(4, member)
compounds["kind"], compounds["bytes"] = [str(kind) for kind in kinds], encoded
with h5py.File(folder / "h5py.h5", "w") as file:
    file["pos"] = positions
    file["fixed"] = encoded
    file.create_dataset("varying", data=[str(kind) for kind in kinds], dtype=h5py.string_dtype(), chunks=(3,), compression="gzip")
    file.create_dataset("unwritten", (4,), h5py.string_dtype())
    file["compounds"] = compounds
    file["whole"] = "car"
    file["none"] = encoded[:0]
    # As Fortran writes them.
    padded = h5py.h5t.C_S1.copy()
    padded.set_size(10)
    padded.set_strpad(h5py.h5t.STR_SPACEPAD)
    data = h5py.h5d.create(file.id, b"padded", padded, h5py.h5s.create_simple((4,)))
    data.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([text.ljust(10) for text in encoded]), padded)

for name, form in [("netcdf4.nc", "NETCDF4"), ("classic.nc", "NETCDF3_CLASSIC")]:
    with netCDF4.Dataset(folder / name, "w", format=form) as file:
        for dimension, size in [("n", 4), ("axis", 3), ("letter", 8)]:
            file.createDimension(dimension, size)
        file.createVariable("pos", "f8", ("n", "axis"))[:] = positions
        letters = file.createVariable("letters", "S1", ("n", "letter"))
        letters._Encoding = "utf-8"
        letters[:] = kinds
        if form == "NETCDF4":
            file.createVariable("varying", str, ("n",))[:] = kinds.astype(object)

frame = pandas.DataFrame({"x": positions[:, 0], "kind": kinds.astype(object)})
frame.to_hdf(folder / "pandas.h5", key="frame", format="table", data_columns=True, index=False, complevel=9)
