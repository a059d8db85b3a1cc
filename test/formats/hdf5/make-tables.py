# Makes the tables beside it: `python3 make-tables.py`, with h5py (3.16.0 when they were made), PyTables (3.11.1), pandas (3.0.6) and
# astropy (8.0.1).
import gzip
from pathlib import Path

import h5py
import numpy as np
import pandas
import tables
from astropy.table import Table

folder = Path(__file__).parent

# Compounds of both byte orders, padded as a C compiler does, with members that are arrays, texts of both kinds and compounds.
particle = np.dtype(
    [
        ("id", "u1"),
        ("pos", ">f8", (3,)),
        ("name", h5py.string_dtype()),
        ("mass", "<f4"),
        ("spin", "<i2", (2, 2)),
        ("inner", [("a", "<f4")]),
        ("words", "S3", (2,)),
        ("flag", "?"),
        ("kind", h5py.enum_dtype({"GAS": 0, "STAR": 300}, basetype=">i2")),
        ("last", "<f2"),
    ],
    align=True,
)
particles = np.zeros(4, particle)
particles["id"] = [1, 2, 3, 255]
particles["pos"] = np.arange(12).reshape(4, 3) / 8
particles["name"] = ["a", "long " * 20, "", "β"]
particles["mass"] = [0.5, -1, 2, 3]
particles["spin"] = np.arange(16).reshape(4, 2, 2) - 8
particles["flag"] = [1, 0, 0, 1]
particles["kind"] = [0, 300, 300, 0]
particles["last"] = [0.5, -2, 0, 1]
with h5py.File(folder / "compounds.h5", "w") as file:
    file["group/particles"] = particles
    file.create_dataset("packed", data=particles[["id", "pos"]], compression="gzip", shuffle=True)
    file["none"] = particles[["pos"]][:0]
    file["one"] = particles[["mass"]][1]
    file["wave"] = np.array([1 + 2j, 3 - 4j])
    file["plain"] = np.arange(3.0)

# A table of float16, and far behind it an array of bfloat16.
far = folder / "halves-table.h5"
with h5py.File(far, "w") as file:
    file["a"] = np.zeros(2, [("m", "<f2"), ("inner", [("v", "<f2", (2,))])])
    file["zeros"] = np.zeros(2**24 + 2**20, "u1")
    # So many that the next description is behind the zeros, too.
    for i in range(50):
        file.create_group(f"group{i}")
    bfloat16 = h5py.h5t.IEEE_F16LE.copy()
    bfloat16.set_fields(15, 7, 8, 0, 7)
    bfloat16.set_ebias(127)
    space = h5py.h5s.create_simple((2,))
    data = h5py.h5d.create(file.id, b"b", bfloat16, space)
    data.write(h5py.h5s.ALL, h5py.h5s.ALL, np.float32([1.5, -300]))
    assert h5py.File(file.id)["b"][:].tolist() == [1.5, -300]
(folder / "halves-table.h5.gz").write_bytes(gzip.compress(far.read_bytes(), mtime=0))
far.unlink()

frame = pandas.DataFrame({"x": [0.5, 1.5, 2.5], "n": [1, 2, 3], "y": [4.0, 5.0, 6.0], "label": ["a", "b", "c"]})
frame.to_hdf(folder / "pandas.h5", key="halos", format="table", data_columns=["x"], index=False, complevel=5)


class Row(tables.IsDescription):
    id = tables.Int64Col(pos=0)
    pos = tables.Float32Col(shape=(3,), pos=1)
    name = tables.StringCol(8, pos=2)


with tables.open_file(str(folder / "pytables.h5"), "w") as file:
    rows = file.create_table("/", "atoms", Row, filters=tables.Filters(complevel=5, complib="blosc"))
    rows.append([(i, (i, i + 0.25, i + 0.5), "H") for i in range(5)])

Table({"ra": np.arange(3) * 1.5, "dec": np.float32([1, 2, 3]), "name": ["a", "b", "c"]}).write(
    folder / "astropy.h5", path="stars", overwrite=True
)
