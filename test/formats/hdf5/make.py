# Makes the files beside it, which hdf5.unit.test.ts reads, and checks `written.h5`, which the library wrote:
# `python3 make.py`, with h5py (3.16 when they were made).
from pathlib import Path

import h5py
import numpy as np

folder = Path(__file__).parent
with h5py.File(folder / "values.h5", "w") as file:
    file["position"] = np.arange(24, dtype=np.float32).reshape(4, 2, 3) / 8
    file.create_dataset("packed", data=np.arange(2000, dtype=np.float64).reshape(100, 20), chunks=(16, 7), compression="gzip", shuffle=True)
    file.create_dataset("checked", data=np.arange(50, dtype=np.int16), chunks=(20,), fletcher32=True)
    file["big_endian"] = np.array([1.5, -2], dtype=">f8")
    file["big_integers"] = np.array([300, -2], dtype=">i4")
    file["halves"] = np.array([0.5, -2], dtype=np.float16)
    file["counts"] = np.array([2**62, -1])
    file["unsigned"] = np.array([2**32 - 1, 1], dtype=np.uint32)
    file["flags"] = np.array([True, False])
    file["scalar"] = np.float32(0.25)
    file["empty"] = np.zeros((0, 3), np.float32)
    file["text"] = "hello"
    file["names"] = np.array([b"a", b"b"])
    file["compound"] = np.zeros(2, [("x", "f4"), ("y", "i4")])
    group = file.create_group("group/inner")
    group["position"] = np.arange(3.0)
    file["again"] = h5py.SoftLink("/position")
    group["round"] = file["/group"]
with h5py.File(folder / "latest.h5", "w", libver="latest") as file:
    file["position"] = np.arange(6, dtype=np.float32).reshape(2, 3)
# Names of numbers; and numbers that are in other files.
with h5py.File(folder / "elsewhere.h5", "w") as file:
    file["positions"] = np.arange(6, dtype=np.float32).reshape(2, 3)
    file.create_dataset("material", data=[0, 2], dtype=h5py.enum_dtype({"air": 0, "steel": 1, "oil": 2}, basetype="u1"))
    file.create_dataset("region", data=[300, 0], dtype=h5py.enum_dtype({"in": 0, "out": 300}, basetype=">i4"))
    file["link"] = h5py.ExternalLink("latest.h5", "/position")
    file["nowhere"] = h5py.SoftLink("/none")
    layout = h5py.VirtualLayout((2, 3), np.float32)
    layout[:] = h5py.VirtualSource("latest.h5", "position", (2, 3))
    file.create_virtual_dataset("view", layout)
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource(".", "positions", (2, 3))[:, 0]
    file.create_virtual_dataset("x", layout)

# Compressed by a plugin, which h5py has not (the chunk's bytes are no matter); packed as netCDF does it.
with h5py.File(folder / "plugins.h5", "w", libver="latest") as file:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4,))
    properties.set_filter(32008, h5py.h5z.FLAG_OPTIONAL, (0, 0))
    space = h5py.h5s.create_simple((4,))
    bitshuffle = h5py.h5d.create(file.id, b"bitshuffle", h5py.h5t.IEEE_F32LE, space, properties)
    bitshuffle.write_direct_chunk((0,), bytes(16))
    file["packed"] = np.array([0, 300], np.int16)
    file["packed"].attrs.update(scale_factor=0.001, add_offset=1.0)
    file["positions"] = np.arange(6, dtype=np.float32).reshape(2, 3)

# As netCDF writes a dimension of which there is no variable, and numbers that are missing; as MATLAB writes the contents of a cell.
with h5py.File(folder / "foreign.h5", "w") as file:
    file["node"] = np.zeros(2, np.float32)
    file["node"].make_scale("This is a netCDF dimension but not a netCDF variable.%10d" % 2)
    file["time"] = np.float32([0.5, 1.5])
    file["time"].make_scale("time")
    file["depth"] = np.float32([2.5, 1e20])
    file["depth"].attrs["_FillValue"] = np.float32([1e20])
    file["#refs#/a"] = np.zeros(2, np.uint64)
    file["positions"] = np.arange(6, dtype=np.float32).reshape(2, 3)

with h5py.File(folder / "written.h5") as file:
    assert sorted(file) == ["bonds", "position", "scalar", "types"], list(file)
    assert file["position"].dtype == np.float32 and file["position"][:].tolist() == [[0.5, -2, 3.25], [1, 0, -1.5]]
    assert file["position"].compression == "gzip"
    assert file["bonds"].dtype == np.int64 and file["bonds"][:].tolist() == [[0, 1], [1, 2**40]]
    assert file["types"].dtype == np.uint8 and file["types"][:].tolist() == [3, 255]
    assert file["scalar"].shape == () and file["scalar"][()] == 0.1
