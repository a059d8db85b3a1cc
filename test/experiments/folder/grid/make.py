# Makes files of fields on grids as xarray (by netCDF4), SciPy and NumPy write them, and expected.json: their points and rows by xarray
# and NumPy.
# pip install xarray netCDF4 scipy
import json
from pathlib import Path

import numpy as np
import scipy.io
import xarray as xr

folder = Path(__file__).parent
random = np.random.default_rng(0)
number = lambda *shape: random.integers(-80, 81, shape).astype("float32") / 8

# Four hours of weather on three parallels and five meridians, and the height of the ground.
axes = {
    "time": np.arange(4) * 3600,
    "lat": np.array([50, 52.5, 55], "float32"),
    "lon": np.array([0, 2.5, 5, 7.5, 10], "float32"),
}
grid = ("lat", "lon")
weather = xr.Dataset(
    {"t2m": (("time", *grid), number(4, 3, 5)), "wind": (("time", *grid, "uv"), number(4, 3, 5, 2)), "height": (grid, number(3, 5))},
    axes,
)
weather.to_netcdf(folder / "weather.nc")
stacked = weather.stack(point=grid).reset_index("point")

# Six media, of which the flow is to be predicted: samples on one square grid, whose first axis is x.
media = {"coeff": number(6, 4, 4), "sol": number(6, 4, 4), "x": np.linspace(0, 1, 4), "y": np.linspace(0, 2, 4)}
scipy.io.savemat(folder / "darcy.mat", media)
x, y = np.meshgrid(media["x"], media["y"], indexing="ij")

# A mesh around a body, of rings of points.
angle, radius = np.meshgrid(np.linspace(0, 3, 5), [1, 2, 4], indexing="xy")
ring = {"X": radius * np.cos(angle), "Y": radius * np.sin(angle), "p": number(3, 5), "velocity": number(3, 5, 2)}
np.savez(folder / "ring.npz", **ring)

rows = lambda *columns: np.stack([np.asarray(column).ravel() for column in columns], 1).tolist()
expected = {
    "weather": {
        "positions": rows(stacked.lon, stacked.lat),
        "height": stacked.height.values.tolist(),
        "t2m": stacked.t2m.values.tolist(),
        "wind": stacked.wind.transpose("time", "point", "uv").values.tolist(),
    },
    "darcy": {"positions": rows(x, y), "coeff": media["coeff"].reshape(6, -1).tolist()},
    "ring": {"positions": rows(ring["X"], ring["Y"]), "velocity": rows(ring["velocity"][..., 0], ring["velocity"][..., 1])},
}
(folder / "expected.json").write_text(json.dumps(expected) + "\n")
