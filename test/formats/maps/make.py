# Makes the files beside it, which maps.unit.test.ts reads: points and numbers far from zero, in float64, as coordinates of maps and total
# energies are. `python3 make.py`, with NumPy 1.24.2, pandas 1.5.3, meshio 5.0.0, VTK 9.1.0 and ASE 3.22.1
# (Debian 12's python3-pandas, -meshio, -vtk9 and -ase).
import json
from pathlib import Path

import ase
import ase.io
import meshio
import numpy as np
import pandas as pd
import vtk
from ase.calculators.singlepoint import SinglePointCalculator
from vtk.util.numpy_support import numpy_to_vtk

folder = Path(__file__).parent
points = np.array([512345, 5423456, 201]) + np.arange(18).reshape(6, 3) ** 2 / 7
pressure = 101325 + np.arange(6) / 3

pd.DataFrame({"X": points[:, 0], "Y": points[:, 1], "Z": points[:, 2], "p": pressure}).to_csv(
    folder / "pandas.csv", index=False
)
mesh = meshio.Mesh(points, [("vertex", np.arange(6).reshape(6, 1))], point_data={"p": pressure})
mesh.write(folder / "meshio.ply", binary=True)
mesh.write(folder / "meshio-ascii.ply", binary=False)
mesh.write(folder / "meshio.vtk", binary=True)

data = vtk.vtkPolyData()
data.SetPoints(vtk.vtkPoints())
data.GetPoints().SetData(numpy_to_vtk(points, deep=True))
numbers = numpy_to_vtk(pressure, deep=True)
numbers.SetName("p")
data.GetPointData().AddArray(numbers)
writer = vtk.vtkPolyDataWriter()
writer.SetFileName(str(folder / "vtk-ascii.vtk"))
writer.SetInputData(data)
writer.Write()

# Fields of eight bytes, as PDAL writes them.
header = "VERSION 0.7\nFIELDS x y z p\nSIZE 8 8 8 8\nTYPE F F F F\nCOUNT 1 1 1 1\nWIDTH 6\nHEIGHT 1\nPOINTS 6\nDATA binary\n"
(folder / "doubles.pcd").write_bytes(header.encode() + np.column_stack([points, pressure]).astype("<f8").tobytes())

# Aspirin's energy in kcal/mol: float32 would round it to 0.03.
energies = [-406757.591, -406757.602]
frames = [ase.Atoms("CO", [[0, 0, 0], [0, 0, 1.128]]) for _ in energies]
for atoms, energy in zip(frames, energies):
    atoms.calc = SinglePointCalculator(atoms, energy=energy)
ase.io.write(folder / "ase.extxyz", frames)

(folder / "expected.json").write_text(
    json.dumps({"points": points.ravel().tolist(), "p": pressure.tolist(), "energies": energies}) + "\n"
)
