# Shows that VTK and meshio read the files `written*` beside it, which vtkxml.unit.test.ts holds against what is written:
# `python3 check.py` with VTK, `python3 check.py meshio` with meshio, of the versions that make.py names.
import json
import sys
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
expected = json.loads((folder / "expected.json").read_text())
out = ((np.arange(60, dtype=np.float64) ** 3 - 20.5) / 3).astype(np.float32).reshape(30, 2)
label = np.arange(30, dtype=np.int32) - 7
special = 'Druck, p∞ & <"q">'


def equal(found, wanted):
    found = np.asarray(found)
    if found.dtype.kind in "iu":
        assert [int(x) for x in found.reshape(-1)] == [int(x) for x in wanted]
    else:
        np.testing.assert_array_equal(found.reshape(-1), np.asarray(wanted, dtype=found.dtype))


def check_data(point_data, cell_data, names):
    for name in names:
        equal(point_data(name), expected["pointData"][name]["values"])
    for name, array in expected["cellData"].items():
        equal(cell_data(name), array["values"])


every = list(expected["pointData"])
some = ["of float64", "of float32", "of int16", "Druck p∞"]


def by_vtk():
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    failures = []

    def read(name, kind=vtk.vtkXMLUnstructuredGridReader):
        reader = kind()
        reader.AddObserver("ErrorEvent", lambda *_: failures.append(name))
        reader.SetFileName(str(folder / name))
        reader.Update()
        return reader.GetOutput()

    def arrays(data):
        return lambda name: vtk_to_numpy(data.GetArray(name))

    def check(name, names):
        grid = read(name)
        equal(vtk_to_numpy(grid.GetPoints().GetData()), expected["points"])
        equal(vtk_to_numpy(grid.GetCells().GetConnectivityArray()), expected["connectivity"])
        equal(vtk_to_numpy(grid.GetCells().GetOffsetsArray()), expected["offsets"])
        equal(vtk_to_numpy(grid.GetCellTypesArray()), expected["types"])
        check_data(arrays(grid.GetPointData()), arrays(grid.GetCellData()), names)
        equal(vtk_to_numpy(grid.GetFieldData().GetArray("TimeValue")), [0.25])
        return grid

    grid = check("written.vtu", every)
    equal(vtk_to_numpy(grid.GetPointData().GetArray(special)), expected["pointData"]["of float32"]["values"])
    for name, names in (("written-vtk-appended-raw-zlib.vtu", every), ("written-vtk-inline.vtu", some)):
        grid = check(name, names)
        equal(vtk_to_numpy(grid.GetPointData().GetArray("out")), out.reshape(-1))
        equal(vtk_to_numpy(grid.GetPointData().GetArray("label")), label)
        assert grid.GetFieldData().GetAbstractArray("title").GetValue(0) == "a mesh"
    mesh = read("written.vtp", vtk.vtkXMLPolyDataReader)
    cells = [mesh.GetCell(c) for c in range(mesh.GetNumberOfCells())]
    assert [mesh.GetCellType(c) for c in range(len(cells))] == expected["polygonTypes"]
    assert [[mesh.GetCell(c).GetPointId(i) for i in range(mesh.GetCell(c).GetNumberOfPoints())] for c in range(len(cells))] == expected["polygonPoints"]
    equal(vtk_to_numpy(mesh.GetCellData().GetArray("number")), range(8))
    assert not failures, failures
    print("VTK reads all of them.")


def by_meshio():
    import meshio

    for name in ("written-simple.vtu", "written-written-simple.vtu", "written-meshio-zlib.vtu"):
        mesh = meshio.read(folder / name)
        equal(mesh.points, expected["points"])
        assert {block.type: block.data.tolist() for block in mesh.cells} == {
            "triangle": [[0, 1, 2], [1, 2, 3]],
            "tetra": [[0, 1, 2, 3], [4, 5, 6, 7]],
        }
        equal(mesh.point_data["pressure"], expected["pointData"]["of float64"]["values"])
        equal(mesh.point_data["velocity"], expected["pointData"]["of float32"]["values"])
        if name != "written-simple.vtu":
            equal(mesh.point_data["out"], out.reshape(-1))
            equal(mesh.point_data["label"], label)
            assert mesh.point_data["label"].shape == (30,)
    print("meshio reads those whose cells it knows.")


by_meshio() if sys.argv[1:] == ["meshio"] else by_vtk()
