# Makes the files beside it, and expected.json, which has what netCDF4 reads from each: `python3 make.py`, with netCDF4 1.7.4, SciPy
# 1.17.1, xarray 2026.9.0 and NumPy 2.4.6. packed-*.nc are of all of netCDF's kinds of files, with packed, unsigned and missing numbers;
# scipy.nc, xarray.nc and records.nc have records, of one variable and of several, which are padded differently.
import json
from pathlib import Path

import netCDF4
import numpy as np
import xarray
from scipy.io import netcdf_file

folder = Path(__file__).parent
kinds = {
    "hdf5": "NETCDF4",
    "classic": "NETCDF3_CLASSIC",
    "offsets": "NETCDF3_64BIT_OFFSET",
    "data": "NETCDF3_64BIT_DATA",
}
double, single = np.float64, np.float32

for kind, name in kinds.items():
    with netCDF4.Dataset(folder / f"packed-{kind}.nc", "w", format=name) as file:
        file.createDimension("n", 4)

        def variable(name, kind, values, fill=None, **attributes):
            data = file.createVariable(name, kind, ("n",), **({} if fill is None else {"fill_value": fill}))
            for key, value in attributes.items():
                setattr(data, key, value)
            data.set_auto_maskandscale(False)
            data[: len(values)] = np.array(values, kind)

        variable("both", "i2", [-32767, -5, 7, 32767], -32767, scale_factor=double(0.0017), add_offset=double(273.15))
        variable("single", "i2", [-3, 7, 32767, -32768], scale_factor=single(0.1), add_offset=single(3.3))
        variable("mixed", "i2", [-3, 7, 32767, -32768], scale_factor=single(0.1), add_offset=double(3.3))
        variable("wide", "i4", [-2147483647, -5, 7, -1], -1, scale_factor=single(0.1))
        variable("bytes", "i1", [-1, -5, 127, -128], -1, _Unsigned="true", scale_factor=single(0.5))
        variable("unwritten", "i2", [1, 2], scale_factor=double(0.5))
        variable("floats", "f4", [1.1, -999, 4], missing_value=single(-999), scale_factor=double(0.1))
        if kind in ("hdf5", "data"):
            # Float64 has no such numbers.
            variable("long", "i8", [2**63 - 1, 1, -(2**63) + 1, 4], 2**63 - 1)
            variable("unsigned", "u8", [2**64 - 1, 1, 2, 3], 2**64 - 1)
        if kind == "hdf5":
            variable("unclear", "i2", [1, 2, 3, 4], scale_factor="0.1")

# A single variable of records whose size is no multiple of four; and text.
with netcdf_file(folder / "scipy.nc", "w") as file:
    file.createDimension("frame", None)
    file.createDimension("n", 3)
    file.createDimension("letters", 5)
    file.createVariable("name", "c", ("letters",))[:] = np.frombuffer(b"abcde", "S1")
    file.createVariable("weight", "d", ("n",))[:] = [0.5, -2, 1e300]
    step = file.createVariable("step", "h", ("frame", "n"))
    for frame in range(4):
        step[frame] = [frame, -frame, 300 * frame]

with netCDF4.Dataset(folder / "records.nc", "w", format="NETCDF3_64BIT_OFFSET") as file:
    file.createDimension("frame", None)
    for name, size in {"atom": 3, "spatial": 3}.items():
        file.createDimension(name, size)
    file.createVariable("spatial", "S1", ("spatial",))[:] = list("xyz")
    time = file.createVariable("time", "f4", ("frame",))
    coordinates = file.createVariable("coordinates", "f4", ("frame", "atom", "spatial"))
    label = file.createVariable("label", "i1", ("frame", "atom"))
    file.createVariable("empty", "i4", ("frame",))
    for frame in range(3):
        time[frame] = frame / 2
        coordinates[frame] = np.arange(9).reshape(3, 3) + frame * 10
        label[frame] = [frame, -1, 100]

xarray.Dataset(
    {
        "t2m": (("time", "x"), np.array([[1.5, np.nan, -3], [0, 2, 2.5]], np.float32)),
        "height": (("x",), [10, 20, 30]),
    },
    coords={"x": [0.5, 1.5, 2.5]},
).to_netcdf(
    folder / "xarray.nc",
    engine="scipy",
    unlimited_dims=["time"],
    encoding={"t2m": {"dtype": "int16", "scale_factor": 0.5, "_FillValue": -1}},
)


def numbers(array):
    """Returns the type of an array and its values as text, missing ones as nan."""
    values = np.ma.getdata(array).astype("f8").ravel()
    values[np.ma.getmaskarray(array).ravel()] = np.nan
    return {"shape": list(array.shape), "values": [repr(float(value)) for value in values]}


expected = {}
for path in sorted(folder.glob("*.nc")):
    with netCDF4.Dataset(path) as file:
        file.set_always_mask(False)
        variables = {name: data for name, data in file.variables.items() if data.dtype != np.dtype("S1")}
        expected[path.name] = {name: numbers(data[:]) for name, data in variables.items() if name != "unclear"}
(folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")

# What the library notes of the classic model is no number of the data.
with netCDF4.Dataset(folder / "classic-model.nc4", "w", format="NETCDF4_CLASSIC") as file:
    file.createDimension("point", 3)
    file.createVariable("p", "f4", ("point",))[:] = [0.5, 1, 2]
    file.mach = 0.8
