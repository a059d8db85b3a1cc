# Makes the files beside it: `python3 make.py LASZIP VARIABLE`, with NumPy, and what laszip.c and variable.cpp are compiled to. The first
# packs the files of ../las, two points to a chunk, and the walk; the second packs the walk in chunks of several sizes, as in COPC files.
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
laszip, variable = sys.argv[1:]

# A scanner's walk: points of format 8 near each other, in up to three returns, from two channels of the scanner, with times and colours.
count = 400
random = np.random.default_rng(0)
dtype = [
    *[(axis, "<i4") for axis in "XYZ"],
    *[("intensity", "<u2"), ("returns", "u1"), ("flags", "u1"), ("class", "u1"), ("user", "u1"), ("angle", "<i2")],
    *[("source", "<u2"), ("time", "<f8"), ("red", "<u2"), ("green", "<u2"), ("blue", "<u2"), ("nir", "<u2")],
]
points = np.zeros(count, dtype)
for axis, step in zip("XYZ", (40, 15, 5)):
    points[axis] = np.cumsum(random.integers(-step, step + 1, count))
of = random.integers(1, 4, count)
points["returns"] = random.integers(1, of + 1) | of << 4
points["flags"] = random.integers(0, 2, count) << 4 | random.integers(0, 2, count) << 6
points["class"] = random.choice([2, 3, 5, 6], count)
points["angle"] = np.repeat(random.integers(-3000, 3000, count // 20), 20)
points["source"] = 7
points["time"] = 3.1e8 + np.cumsum(random.choice([0, 2e-6, 0.5], count))
for name in ("intensity", "red", "green", "blue", "nir"):
    points[name] = random.integers(0, 1000, count)
scale, offset = np.array([0.01, 0.01, 0.01]), np.array([0.0, 100.0, -50.0])
whole = np.stack([points[axis] for axis in "XYZ"], 1) * scale + offset
header = struct.pack("<4sHH16xBB32s32sHHHIIBH", b"LASF", 0, 0, 1, 4, b"TEST", b"make.py", 1, 2024, 375, 375, 0, 8, points.itemsize)
header += bytes(24) + scale.tobytes() + offset.tobytes() + np.stack([whole.max(0), whole.min(0)], 1).tobytes()
header += struct.pack("<QQIQ120x", 0, 0, 0, count)
(folder / "walk.las").write_bytes(header + points.tobytes())

for source in sorted((folder / ".." / "las").glob("*.las")):
    if source.stem != "1.4-format-10":
        subprocess.run([laszip, source, folder / f"{source.stem}.laz", "2"], check=True)
subprocess.run([laszip, folder / "walk.las", folder / "walk.laz", "150"], check=True)
subprocess.run([variable, folder / "walk.las", folder / "walk-variable.laz"], check=True)
