# Writes files of which attributes are a part (made by h5py 3.16 and SciPy 1.17): attributes.h5 has numbers of all kinds in attributes of
# the file, of a group and of a data set, and beside them what is no number; its data are bfloat16, one of its attributes is float16.
# sequences.h5 has bfloat16 beside sequences of float16, of varying length. attributes.nc is a classic file of netCDF.
from pathlib import Path

import h5py
import numpy as np
from scipy.io import netcdf_file

folder = Path(__file__).parent


def write_bfloat16(file: h5py.File) -> None:
    kind = h5py.h5t.IEEE_F16LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_ebias(127)
    data = h5py.h5d.create(file.id, b"halves", kind, h5py.h5s.create_simple((2,)))
    data.write(h5py.h5s.ALL, h5py.h5s.ALL, np.float32([1.5, -300]))


with h5py.File(folder / "attributes.h5", "w") as file:
    file.attrs.update(
        mach=0.45,
        half=np.float16(2.5),
        case=np.array(3, ">i4"),
        viscous=True,
        axis=np.uint8([0, 1, 2]),
        title="a wing",
        names=["a", "b"],
        complex=1 + 2j,
        empty=h5py.Empty("f4"),
        opaque=np.void(b"123"),
        pair=np.array((1, 2.0), [("a", "i4"), ("b", "f8")]),
    )
    file.attrs.create("reference", file.ref, dtype=h5py.ref_dtype)
    file.create_group("flow").attrs["inflow"] = np.float32([1, 0, 0.5])
    write_bfloat16(file)
    file["halves"].attrs["unit"] = 1.0
    file["flow/cp"] = np.arange(2.0)

with h5py.File(folder / "sequences.h5", "w") as file:
    file.create_dataset("lists", (1,), h5py.vlen_dtype(np.dtype("float16")))[0] = np.float16([0.5, 1])
    write_bfloat16(file)

with netcdf_file(folder / "attributes.nc", "w") as file:
    file.mach = 0.45
    file.axis = np.int16([0, 1, 2])
    file.title = "a wing"
    file.createDimension("point", 2)
    file.createVariable("cp", "f8", ("point",))[:] = [0, 1]

# Complex numbers as MATLAB has them in version 7.3.
with h5py.File(folder / "complex.mat", "w", userblock_size=512) as file:
    file["waves"] = np.zeros((1, 3), [("real", "f8"), ("imag", "f8")])
    file["waves"].attrs["MATLAB_class"] = np.bytes_("double")
with open(folder / "complex.mat", "r+b") as file:
    file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
