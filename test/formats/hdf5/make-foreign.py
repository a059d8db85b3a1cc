# Makes the files beside it that have no counterpart in make.py: `python3 make-foreign.py`, with h5py (3.16).
# matlab.mat is in the layout of MATLAB's -v7.3: axes in reverse, matrices throughout, and the class of each array as an attribute.
# tables.h5 has a table, as PyTables and pandas write them, with its index, and data compressed by h5py's LZF (made by h5py 3.7).
# missing.nc has the numbers that netCDF knows for missing ones (made by netCDF4 1.6.2): attributes of three types, of which one lists
# several, integers, and what nobody has written.
# lzf.h5 is compressed by h5py's LZF (made by h5py 3.16), with h5py's other filters around it.
# halves.h5 has bfloat16 as h5py writes it with a type of its own, both-halves.h5 also float16.
from pathlib import Path

import h5py
import netCDF4
import numpy as np

folder = Path(__file__).parent
arrays = {
    "positions": np.arange(12).reshape(4, 3) / 4,
    "heat": np.arange(4)[:, None] + 0.5,
    "row": np.arange(4)[None] + 0.25,
    "flow": np.arange(24.0).reshape(4, 3, 2),
}
with h5py.File(folder / "matlab.mat", "w", userblock_size=512) as file:
    for name, array in arrays.items():
        file[name] = array.T
        file[name].attrs["MATLAB_class"] = np.bytes_("double")
    file["name"] = np.array([[ord(letter)] for letter in "wing"], np.uint16)
    file["name"].attrs.update(MATLAB_class=np.bytes_("char"), MATLAB_int_decode=np.int32(2))
    file["nothing"] = np.zeros(2, np.uint64)
    file["nothing"].attrs.update(MATLAB_class=np.bytes_("double"), MATLAB_empty=np.uint8(1))
with open(folder / "matlab.mat", "r+b") as file:
    title = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 ."
    file.write(title.ljust(116) + bytes(8) + b"\x00\x02IM")

with h5py.File(folder / "tables.h5", "w") as file:
    file["frame/table"] = np.array([(0, 0.5), (1, 1.5)], dtype=[("index", "i8"), ("p", "f8")])
    file["frame/_i_table/index/sorted"] = np.arange(2)
    file.create_dataset("packed", data=np.arange(64.0), compression="lzf")
    file["positions"] = np.arange(6, dtype=np.float32).reshape(2, 3)

with h5py.File(folder / "lzf.h5", "w", libver="latest") as file:
    file.create_dataset("grid", data=np.arange(600.0).reshape(20, 30) / 8, chunks=(16, 7), compression="lzf", shuffle=True)
    noise = np.arange(300) ** 2 * 7919 % 65537 // 257 % 256
    file.create_dataset("noise", data=noise.astype("u1"), chunks=(77,), compression="lzf")
    checked = (np.arange(600) // 10 - 30).astype(">i2")
    file.create_dataset("checked", data=checked, compression="lzf", fletcher32=True)
    grown = file.create_dataset(
        "grown", (6, 3), "f4", maxshape=(None, 3), chunks=(2, 3), compression="lzf", fillvalue=-1
    )
    grown[:] = np.arange(18).reshape(6, 3)
    grown.resize(9, axis=0)
    grown[8] = 2

with netCDF4.Dataset(folder / "missing.nc", "w") as file:
    file.createDimension("n", 4)

    def variable(name, kind, values, missing=None, **options):
        data = file.createVariable(name, kind, ("n",), **options)
        if missing is not None:
            data.missing_value = missing
        data[: len(values)] = values

    variable("float", "f4", [1, -999, 3, 4], missing=-999.0)
    variable("several", "f8", [1, -1, -2, 3], missing=np.float32([-1, -2]))
    variable("integer", "i8", np.ma.masked_array([1, 2, 3, 4], [0, 1, 0, 0]), fill_value=-9)
    variable("whole", "i4", [1, 2, 3, 4], fill_value=-9)
    variable("unwritten", "f4", [1, 2])
    variable("filled", "f4", [1, netCDF4.default_fillvals["f4"]], fill_value=-9)


def write_bfloat16(file: h5py.File, name: str, values: list[float], order: int) -> None:
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_size(2)
    kind.set_ebias(127)
    kind.set_order(order)
    data = h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple((len(values),)))
    data.write(h5py.h5s.ALL, h5py.h5s.ALL, np.float32(values), mtype=h5py.h5t.NATIVE_FLOAT)


for name, version in [("halves.h5", "earliest"), ("both-halves.h5", "latest")]:
    with h5py.File(folder / name, "w", libver=version) as file:
        write_bfloat16(file, "little", [1.5, -300, 1e30], h5py.h5t.ORDER_LE)
        write_bfloat16(file, "big", [0.5, -2, 3], h5py.h5t.ORDER_BE)
        if name != "halves.h5":
            file["float16"] = np.float16([0.5, -2])
            file["floats"] = np.float32([0.5, -2])
    with h5py.File(folder / name) as file:
        print(name, {key: file[key][:].tolist() for key in file})
with h5py.File(folder / "matlab.mat") as file:
    assert (file["flow"][:].T == arrays["flow"]).all()
