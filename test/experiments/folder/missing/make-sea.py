# Makes sea.nc beside it: temperatures of the sea on a map with land, frame after frame, as xarray writes them: 1e20 stands for land;
# and grid.nc, the same by the axes of its grid.
# pip install xarray scipy
from pathlib import Path

import numpy as np
import xarray as xr

frames, latitudes, longitudes = 4, np.linspace(-20, 20, 2), np.linspace(0, 40, 3)
sea = 280 + np.arange(frames)[:, None, None] ** 2 * np.arange(1, 7).reshape(2, 3) / 4
sea[:, 0, 1] = np.nan  # land
sea[2, 1, 2] = np.nan  # a gap
data = xr.Dataset(
    {"sst": (("time", "lat", "lon"), sea.astype("f4"))},
    coords={"time": np.arange(frames) / 2, "lat": latitudes, "lon": longitudes},
)
points = data.stack(point=("lat", "lon")).reset_index("point")
fill = {"sst": {"_FillValue": np.float32(1e20)}}
for name, written in (("sea.nc", points), ("grid.nc", data)):
    written.to_netcdf(Path(__file__).with_name(name), format="NETCDF3_CLASSIC", engine="scipy", encoding=fill)
