# Shows that other programs read the files `written.*` beside it, which attributes.unit.test.ts holds against what is written:
# `python3 check.py`, with the programs that make.py names.
from pathlib import Path

import meshio
import numpy as np
import pandas as pd
import vtk
from vtk.util.numpy_support import vtk_to_numpy

folder = Path(__file__).parent
points = (np.arange(15, dtype=np.float32).reshape(5, 3) / 8) ** 2
out = ((np.arange(10) ** 3 - 20.5) / 3).astype(np.float32).reshape(5, 2)
batch = np.array([0, 0, 1, 1, 2])
pressure = np.array([0.5, -1.25, 3, 0, 1e-7], dtype=np.float32)


def equal(found, expected):
    np.testing.assert_array_equal(np.asarray(found, dtype=np.float32), expected)


def check_columns(columns, name_of_pressure):
    equal(np.stack([columns["out_0"], columns["out_1"]], axis=1), out)
    equal(columns["batch_idx"], batch)
    equal(columns[name_of_pressure], pressure)


equal(np.load(folder / "written.npy"), points)
archive = np.load(folder / "written.npz")
equal(archive["node_positions"], points)
equal(archive["out"], out)
equal(archive["Druck, p∞"], pressure)
assert archive["batch_idx"].dtype == np.int32 and archive["batch_idx"].tolist() == batch.tolist()

table = pd.read_csv(folder / "written.csv")
equal(table[["x", "y", "z"]], points)
check_columns(table, "Druck, p∞")
assert table["batch_idx"].dtype == np.int64
equal(np.loadtxt(folder / "written.csv", delimiter=",", skiprows=1)[:, :5], np.hstack([points, out]))

mesh = meshio.read(folder / "written.ply")
equal(mesh.points, points)
check_columns(mesh.point_data, "Druck,_p∞")
reader = vtk.vtkPLYReader()
reader.SetFileName(str(folder / "written.ply"))
reader.Update()
equal(vtk_to_numpy(reader.GetOutput().GetPoints().GetData()), points)

mesh = meshio.read(folder / "written.vtk")
equal(mesh.points, points)
equal(mesh.point_data["out"], out)
equal(mesh.point_data["batch_idx"], batch)
assert mesh.cells[0].type == "vertex" and len(mesh.cells[0].data) == 5
reader = vtk.vtkUnstructuredGridReader()
reader.SetFileName(str(folder / "written.vtk"))
reader.ReadAllFieldsOn()
reader.Update()
grid = reader.GetOutput()
equal(vtk_to_numpy(grid.GetPoints().GetData()), points)
equal(vtk_to_numpy(grid.GetPointData().GetArray("out")), out)
equal(vtk_to_numpy(grid.GetPointData().GetArray("batch_idx")), batch)
equal(vtk_to_numpy(grid.GetPointData().GetArray("Druck, p∞")), pressure)
assert grid.GetNumberOfCells() == 5
print("NumPy, pandas, meshio and VTK read all of them.")
