# Makes the files beside it, into which added.unit.test.ts puts arrays: `python3 make.py` with VTK 9.1.0 and NumPy, then `python3 make.py
# meshio` with meshio 5.3.5. What the test writes is kept as `written-*`, and check.py shows that the same programs read it.
import sys
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.5]], dtype=np.float32)
pressure = np.array([1.5, -2.25, 3e-3, 4e7], dtype=np.float64)
velocity = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
label = np.array([3, 1, 2, 0], dtype=np.int32)


def by_vtk():
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    def attach(to, name, array):
        numbers = numpy_to_vtk(array, deep=True)
        numbers.SetName(name)
        to.AddArray(numbers)

    vtk_points = vtk.vtkPoints()
    for point in points:
        vtk_points.InsertNextPoint(*map(float, point))

    def fill(data, of_cells):
        attach(data.GetPointData(), "pressure", pressure)
        attach(data.GetPointData(), "velocity of air", velocity)
        data.GetPointData().SetActiveVectors("velocity of air")
        data.GetPointData().SetActiveScalars("pressure")
        attach(data.GetPointData(), "label", label)
        if of_cells:
            attach(data.GetCellData(), "material", np.array([7, 8], dtype=np.int32))

    for name, of_cells, ascii in (("ascii.vtk", True, True), ("binary.vtk", True, False), ("points.vtk", False, False)):
        grid = vtk.vtkUnstructuredGrid()
        grid.SetPoints(vtk_points)
        grid.InsertNextCell(5, 3, [0, 1, 2])
        grid.InsertNextCell(5, 3, [0, 2, 3])
        fill(grid, of_cells)
        writer = vtk.vtkUnstructuredGridWriter()
        writer.SetInputData(grid)
        writer.SetFileName(str(folder / name))
        writer.SetFileTypeToASCII() if ascii else writer.SetFileTypeToBinary()
        writer.Write()

    surface = vtk.vtkPolyData()
    surface.SetPoints(vtk_points)
    polygons = vtk.vtkCellArray()
    polygons.InsertNextCell(4, [0, 1, 2, 3])
    surface.SetPolys(polygons)
    attach(surface.GetCellData(), "area", np.array([1.25]))
    writer = vtk.vtkPolyDataWriter()
    writer.SetInputData(surface)
    writer.SetFileName(str(folder / "cells.vtk"))
    writer.SetFileTypeToBinary()
    writer.Write()

    np.savez_compressed(
        folder / "numpy.npz", positions=points, pressure=pressure, names=np.array(["a", "b"]), speed=np.float64(3.5)
    )
    table = np.column_stack([points, pressure])
    np.savetxt(folder / "numpy.csv", table, delimiter=",", header="x,y,z,pressure")


def by_meshio():
    import meshio

    mesh = meshio.Mesh(points, [("triangle", [[0, 1, 2], [0, 2, 3]])], point_data={"pressure": pressure, "label": label})
    meshio.write(folder / "binary.ply", mesh, binary=True)
    meshio.write(folder / "ascii.ply", mesh, binary=False)


if __name__ == "__main__":
    by_meshio() if sys.argv[1:] == ["meshio"] else by_vtk()
