# Shows that VTK, NumPy and meshio read the files `written-*` beside it, which added.unit.test.ts holds against what is written:
# `python3 check.py`, then `python3 check.py meshio`, with the versions that make.py names.
import sys

import numpy as np

from make import folder, label, points, pressure, velocity

flux = ((np.arange(8, dtype=np.float64) ** 3 - 20.5) / 3).astype(np.float32).reshape(4, 2)
guess = np.array([-7, 0, 2**30, 1], dtype=np.int32)
equal = np.testing.assert_array_equal


def by_vtk():
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    failures = []

    def read(name, kind):
        reader = kind()
        reader.AddObserver("ErrorEvent", lambda *_: failures.append(name))
        reader.SetFileName(str(folder / name))
        reader.ReadAllScalarsOn()
        reader.ReadAllVectorsOn()
        reader.Update()
        return reader.GetOutput()

    def arrays(data):
        return {data.GetArrayName(i): vtk_to_numpy(data.GetArray(i)) for i in range(data.GetNumberOfArrays())}

    for name in ("written-ascii.vtk", "written-binary.vtk", "written-points.vtk"):
        grid = read(name, vtk.vtkUnstructuredGridReader)
        found = arrays(grid.GetPointData())
        assert set(found) == {"pressure", "velocity of air", "label", "prediction flux", "guess"}, found.keys()
        for array, wanted in (("pressure", pressure), ("velocity of air", velocity), ("label", label), ("prediction flux", flux), ("guess", guess)):
            equal(found[array], wanted)
        equal(vtk_to_numpy(grid.GetPoints().GetData()), points)
        assert grid.GetNumberOfCells() == 2 and grid.GetPointData().GetVectors().GetName() == "velocity of air"
        if name != "written-points.vtk":
            equal(arrays(grid.GetCellData())["material"], [7, 8])
    surface = read("written-cells.vtk", vtk.vtkPolyDataReader)
    equal(arrays(surface.GetPointData())["prediction flux"], flux)
    equal(arrays(surface.GetCellData())["area"], [1.25])
    assert not failures, failures

    archive = np.load(folder / "written-numpy.npz")
    for array, wanted in (("positions", points), ("pressure", pressure), ("names", ["a", "b"]), ("speed", 3.5), ("prediction flux", flux), ("guess", guess)):
        equal(archive[array], wanted)
    table = np.genfromtxt(folder / "written-numpy.csv", delimiter=",", names=True, dtype=np.float64)
    equal(table["pressure"], pressure)
    equal(table["guess"], guess)
    equal(table[table.dtype.names[4]].astype(np.float32), flux[:, 0])
    print("VTK and NumPy read all of them.")


def by_meshio():
    import meshio

    for name in ("written-binary.ply", "written-ascii.ply"):
        mesh = meshio.read(folder / name)
        equal(mesh.points, points)
        equal(mesh.cells_dict["triangle"], [[0, 1, 2], [0, 2, 3]])
        equal(mesh.point_data["pressure"], pressure)
        equal(mesh.point_data["label"], label)
        equal(mesh.point_data["prediction_flux_1"], flux[:, 1])
        equal(mesh.point_data["guess"], guess)
    print("meshio reads all of them.")


by_meshio() if sys.argv[1:] == ["meshio"] else by_vtk()
