# Makes the files beside it, which vtkxml.unit.test.ts reads, and expected.json, which says what VTK finds in them: `python3 make.py`
# with VTK (9.7 when they were made).
import json
from pathlib import Path

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

folder = Path(__file__).parent


def array(values, name=None):
    numbers = numpy_to_vtk(np.asarray(values), deep=True)
    if name:
        numbers.SetName(name)
    return numbers


def image(extent):
    grid = vtk.vtkImageData()
    grid.SetExtent(*extent)
    grid.SetOrigin(0.5, -1, 2)
    grid.SetSpacing(0.25, 0.5, 1)
    turn = vtk.vtkMatrix3x3()
    for i, row in enumerate([[0, -1, 0], [1, 0, 0], [0, 0, 1]]):
        for j, value in enumerate(row):
            turn.SetElement(i, j, value)
    grid.SetDirectionMatrix(turn)
    return grid


rectilinear = vtk.vtkRectilinearGrid()
rectilinear.SetExtent(0, 2, 0, 1, 3, 4)
rectilinear.SetXCoordinates(array(np.float32([0, 1, 4])))
rectilinear.SetYCoordinates(array(np.float64([-1, 0.1])))
rectilinear.SetZCoordinates(array(np.int32([7, 9])))

structured = vtk.vtkStructuredGrid()
structured.SetDimensions(3, 2, 1)
points = vtk.vtkPoints()
for j in range(2):
    for i in range(3):
        points.InsertNextPoint(i + j / 2, j * j + i / 4, i * j)
structured.SetPoints(points)

grids = {
    "image.vti": image([2, 4, -1, 1, 0, 1]),
    "flat.vti": image([0, 3, 0, 0, 0, 2]),
    "line.vti": image([0, 0, 0, 4, 0, 0]),
    "rectilinear.vtr": rectilinear,
    "structured.vts": structured,
}
expected = {}
for name, grid in grids.items():
    count, cells = grid.GetNumberOfPoints(), grid.GetNumberOfCells()
    grid.GetPointData().AddArray(array(np.arange(2.0 * count).reshape(count, 2) / 8, "velocity"))
    grid.GetCellData().AddArray(array(np.arange(cells, dtype=np.int32), "number"))
    writer = vtk.vtkXMLDataSetWriter()
    writer.SetInputData(grid)
    writer.SetFileName(str(folder / name))
    writer.SetDataModeToAscii() if name == "line.vti" else writer.SetDataModeToAppended()
    writer.SetEncodeAppendedData(False)
    writer.Write()
    # VTK's pixels and voxels have the points of a row in another order than quads and hexahedra.
    order = {11: [0, 1, 3, 2, 4, 5, 7, 6], 8: [0, 1, 3, 2]}
    ids = [[grid.GetCell(c).GetPointId(i) for i in range(grid.GetCell(c).GetNumberOfPoints())] for c in range(cells)]
    kinds = [grid.GetCellType(c) for c in range(cells)]
    expected[name] = {
        "points": [list(grid.GetPoint(i)) for i in range(count)],
        "cells": [[row[i] for i in order.get(kind, range(len(row)))] for kind, row in zip(kinds, ids)],
        "types": [{11: 12, 8: 9}.get(kind, kind) for kind in kinds],
    }
(folder / "expected.json").write_text(json.dumps(expected) + "\n")
