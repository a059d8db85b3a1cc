# Makes the files beside it, whose cells have values, and expected.json: each cell's centre, and the pairs of cells that VTK says share a
# side: `python3 make.py` with VTK 9.7.1 (pip install vtk).
import json
from pathlib import Path

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

folder = Path(__file__).parent
KINDS = {
    "line": vtk.VTK_LINE,
    "triangle": vtk.VTK_TRIANGLE,
    "quad": vtk.VTK_QUAD,
    "tetra": vtk.VTK_TETRA,
    "hexahedron": vtk.VTK_HEXAHEDRON,
    "wedge": vtk.VTK_WEDGE,
    "pyramid": vtk.VTK_PYRAMID,
    "pentagonal": vtk.VTK_PENTAGONAL_PRISM,
    "hexagonal": vtk.VTK_HEXAGONAL_PRISM,
    "polyhedron": vtk.VTK_POLYHEDRON,
    "triangle6": vtk.VTK_QUADRATIC_TRIANGLE,
    "tetra10": vtk.VTK_QUADRATIC_TETRA,
    "hexahedron20": vtk.VTK_QUADRATIC_HEXAHEDRON,
    "wedge15": vtk.VTK_QUADRATIC_WEDGE,
}


def sides_of(cell):
    if cell.GetCellDimension() == 1:
        return [[cell.GetPointId(0)], [cell.GetPointId(cell.GetNumberOfPoints() - 1)]]
    count, get = (
        (cell.GetNumberOfFaces(), cell.GetFace) if cell.GetCellDimension() == 3 else (cell.GetNumberOfEdges(), cell.GetEdge)
    )
    return [[get(i).GetPointId(j) for j in range(get(i).GetNumberOfPoints())] for i in range(count)]


def pairs_of(mesh):
    pairs, found, ids = set(), vtk.vtkIdList(), vtk.vtkIdList()
    if isinstance(mesh, vtk.vtkPolyData):
        mesh.BuildCells()
        mesh.BuildLinks()
    for cell in range(mesh.GetNumberOfCells()):
        for side in sides_of(mesh.GetCell(cell)):
            ids.Reset()
            for point in side:
                ids.InsertNextId(point)
            vtk.vtkDataSet.GetCellNeighbors(mesh, cell, ids, found)
            others = [found.GetId(i) for i in range(found.GetNumberOfIds())]
            # The pentagonal prisms of VTK's source do not conform: the quad of one is a part of the pentagon of the next.
            pairs |= {tuple(sorted((cell, other))) for other in others if set(side) in map(set, sides_of(mesh.GetCell(other)))}
    return sorted(pairs)


def centres_of(mesh):
    points = [[mesh.GetPoint(mesh.GetCell(c).GetPointId(i)) for i in range(mesh.GetCell(c).GetNumberOfPoints())] for c in range(mesh.GetNumberOfCells())]
    return np.array([np.mean(of_cell, axis=0) for of_cell in points])


def with_values(mesh):
    mesh.GetPointData().Initialize()
    mesh.GetCellData().Initialize()
    centres = centres_of(mesh)
    p = numpy_to_vtk(np.sin(3 * centres[:, 0]) + centres[:, 1], deep=True)
    p.SetName("p")
    U = numpy_to_vtk(np.ascontiguousarray(np.stack([centres[:, 1], -centres[:, 0], 0 * centres[:, 0]], 1), dtype=np.float32), deep=True)
    U.SetName("U")
    height = numpy_to_vtk(np.array([mesh.GetPoint(i)[2] for i in range(mesh.GetNumberOfPoints())]), deep=True)
    height.SetName("height")
    mesh.GetCellData().AddArray(p)
    mesh.GetCellData().AddArray(U)
    mesh.GetPointData().AddArray(height)
    return mesh


def write(writer, mesh, name, **options):
    for option, value in options.items():
        getattr(writer, f"Set{option}")(value)
    writer.SetFileName(str(folder / name))
    writer.SetInputData(mesh)
    assert writer.Write() == 1


def describe(mesh):
    return {
        "centres": centres_of(mesh).tolist(),
        "pairs": pairs_of(mesh),
        "p": vtk_to_numpy(mesh.GetCellData().GetArray("p")).tolist(),
    }


def rounded(value):
    return [rounded(part) for part in value] if isinstance(value, (list, tuple)) else round(value, 7)


expected = {}
for name, kind in KINDS.items():
    source = vtk.vtkCellTypeSource()
    source.SetCellType(kind)
    source.SetBlocksDimensions(2, 2, 1)
    source.Update()
    mesh = with_values(source.GetOutput())
    write(vtk.vtkXMLUnstructuredGridWriter(), mesh, f"{name}.vtu", DataMode=vtk.vtkXMLWriter.Appended, EncodeAppendedData=False)
    expected[f"{name}.vtu"] = describe(mesh)

sphere = vtk.vtkSphereSource()
sphere.SetThetaResolution(6)
sphere.SetPhiResolution(5)
sphere.LatLongTessellationOn()
sphere.Update()
surface = with_values(sphere.GetOutput())
write(vtk.vtkXMLPolyDataWriter(), surface, "sphere.vtp", DataMode=vtk.vtkXMLWriter.Ascii)
write(vtk.vtkPolyDataWriter(), surface, "sphere-binary.vtk", FileType=vtk.VTK_BINARY)
image = vtk.vtkImageData()
image.SetDimensions(4, 3, 3)
image.SetSpacing(0.5, 0.25, 0.25)
with_values(image)
write(vtk.vtkXMLImageDataWriter(), image, "image.vti")
write(vtk.vtkStructuredPointsWriter(), image, "image.vtk")
tetra = vtk.vtkCellTypeSource()
tetra.SetCellType(vtk.VTK_TETRA)
tetra.SetBlocksDimensions(1, 1, 1)
tetra.Update()
solid = with_values(tetra.GetOutput())
write(vtk.vtkUnstructuredGridWriter(), solid, "tetra-ascii.vtk")
for name, mesh in [("sphere.vtp", surface), ("sphere-binary.vtk", surface), ("image.vti", image), ("image.vtk", image), ("tetra-ascii.vtk", solid)]:
    expected[name] = describe(mesh)
(folder / "expected.json").write_text(json.dumps({name: {key: rounded(value) for key, value in of.items()} for name, of in expected.items()}))
