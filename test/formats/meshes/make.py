# Makes the files beside it, which vtkxml.unit.test.ts reads, and expected.json, which says what is in them: `python3 make.py` with
# VTK 9.1.0 (Debian 12's python3-vtk9), then `python3 make.py meshio` with meshio 5.3.5.
import json
import sys
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
rng = np.random.default_rng(5)

# One cell of each kind, and each with as many points as it has.
KINDS = {1: 1, 2: 3, 3: 2, 4: 4, 5: 3, 6: 5, 7: 5, 8: 4, 9: 4, 10: 4, 11: 8, 12: 8, 13: 6, 14: 5, 15: 10, 16: 12}
KINDS |= {21: 3, 22: 6, 23: 8, 24: 10, 25: 20, 26: 15, 27: 13, 28: 9, 29: 27}
TYPES = ["float64", "float32", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"]
points = rng.normal(size=(30, 3)).astype(np.float32)
cells = [(kind, rng.permutation(30)[:count].tolist()) for kind, count in KINDS.items()]


def values(dtype, rows, components):
    if dtype.startswith("float"):
        return rng.normal(size=(rows, components)).astype(dtype)
    info = np.iinfo(dtype)
    array = rng.integers(info.min, info.max, size=(rows, components), dtype=dtype, endpoint=True)
    array[0], array[1] = info.min, info.max
    return array


point_data = {f"of {dtype}": values(dtype, 30, 1 + i % 3) for i, dtype in enumerate(TYPES)}
point_data["Druck p∞"] = values("float32", 30, 1)
cell_data = {"material": values("int32", len(cells), 1), "stress": values("float64", len(cells), 6)}


def listed(array):
    flat = np.asarray(array).reshape(-1)
    return [str(x) if flat.dtype.kind in "iu" else float(x) for x in flat]


def by_vtk():
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    def attach(to, name, array):
        numbers = numpy_to_vtk(array, deep=True)
        numbers.SetName(name)
        to.AddArray(numbers)

    def grid_of(chosen, names=None):
        grid = vtk.vtkUnstructuredGrid()
        grid.SetPoints(vtk.vtkPoints())
        for point in points:
            grid.GetPoints().InsertNextPoint(*map(float, point))
        for kind, ids in chosen:
            grid.InsertNextCell(kind, len(ids), ids)
        if names:
            for name in names:
                attach(grid.GetPointData(), name, point_data[name])
            for name, array in cell_data.items():
                attach(grid.GetCellData(), name, array)
            grid.GetPointData().SetActiveScalars("of float64")
            attach(grid.GetFieldData(), "TimeValue", np.array([0.25]))
            text = vtk.vtkStringArray()
            text.SetName("title")
            text.InsertNextValue("a mesh")
            grid.GetFieldData().AddArray(text)
        return grid

    def write(data, name, mode="appended-raw", compressor=None, header=32, order="little", pieces=1, block=None):
        writer = vtk.vtkXMLPolyDataWriter() if name.endswith("vtp") else vtk.vtkXMLUnstructuredGridWriter()
        writer.SetInputData(data)
        writer.SetFileName(str(folder / name))
        {"ascii": writer.SetDataModeToAscii, "inline": writer.SetDataModeToBinary}.get(mode, writer.SetDataModeToAppended)()
        writer.SetEncodeAppendedData(mode == "appended-base64")
        writer.SetCompressor({None: lambda: None, "zlib": vtk.vtkZLibDataCompressor, "lz4": vtk.vtkLZ4DataCompressor, "lzma": vtk.vtkLZMADataCompressor}[compressor]())
        writer.SetHeaderTypeToUInt64() if header == 64 else writer.SetHeaderTypeToUInt32()
        writer.SetByteOrderToBigEndian() if order == "big" else writer.SetByteOrderToLittleEndian()
        if block:
            writer.SetBlockSize(block)
        if pieces > 1:
            writer.SetNumberOfPieces(pieces)
        writer.Write()

    grid = grid_of(cells, point_data.keys())
    slim = grid_of(cells, ["of float64", "of float32", "of int16", "Druck p∞"])
    write(grid, "vtk-ascii.vtu", "ascii")
    write(slim, "vtk-inline.vtu", "inline")
    write(slim, "vtk-inline-zlib.vtu", "inline", "zlib", header=64, block=64)
    write(slim, "vtk-inline-lz4.vtu", "inline", "lz4", block=128)
    write(grid, "vtk-appended-base64.vtu", "appended-base64", order="big")
    write(slim, "vtk-appended-base64-zlib.vtu", "appended-base64", "zlib", block=128)
    write(slim, "vtk-appended-raw.vtu", header=64)
    write(grid, "vtk-appended-raw-zlib.vtu", compressor="zlib", header=64, order="big", block=64)
    small = grid_of(cells[4:5])
    write(small, "vtk-lzma.vtu", compressor="lzma")

    faces = [4, 3, 0, 1, 2, 3, 0, 1, 3, 3, 1, 2, 3, 3, 0, 2, 3]
    polyhedron = vtk.vtkUnstructuredGrid()
    polyhedron.SetPoints(grid.GetPoints())
    for start in (0, 7):
        ids = vtk.vtkIdList()
        numbers = [n if i in (0, 1, 5, 9, 13) else n + start for i, n in enumerate(faces)]
        for number in numbers:
            ids.InsertNextId(number)
        polyhedron.InsertNextCell(vtk.VTK_POLYHEDRON, ids)
        polyhedron.InsertNextCell(vtk.VTK_TRIANGLE, 3, [20, 21, 22])
    write(polyhedron, "vtk-polyhedra.vtu", "inline")

    mesh = vtk.vtkPolyData()
    mesh.SetPoints(grid.GetPoints())
    groups = {"Verts": [[0], [1, 2]], "Lines": [[3, 4], [5, 6, 7]], "Polys": [[8, 9, 10], [11, 12, 13, 14], [0, 2, 4, 6, 8]], "Strips": [[20, 21, 22, 23]]}
    for name, lists in groups.items():
        array = vtk.vtkCellArray()
        for ids in lists:
            array.InsertNextCell(len(ids), ids)
        getattr(mesh, f"Set{name}")(array)
    attach(mesh.GetPointData(), "pressure", point_data["of float32"])
    attach(mesh.GetCellData(), "number", np.arange(8, dtype=np.int32))
    write(mesh, "vtk.vtp", compressor="zlib")
    # Where a kind of cells is missing.
    lines = vtk.vtkPolyData()
    lines.SetPoints(grid.GetPoints())
    lines.SetLines(mesh.GetLines())
    write(lines, "vtk-lines.vtp", "ascii")
    empty = vtk.vtkUnstructuredGrid()
    write(empty, "vtk-empty.vtu", compressor="zlib")

    parallel = vtk.vtkXMLPUnstructuredGridWriter()
    parallel.SetInputData(grid)
    parallel.SetFileName(str(folder / "vtk.pvtu"))
    parallel.SetNumberOfPieces(2)
    parallel.SetStartPiece(0)
    parallel.SetEndPiece(1)
    parallel.Write()
    for piece in (0, 1):
        (folder / f"vtk_{piece}.vtu").unlink(missing_ok=True)

    def edges(data):
        found = set()
        for c in range(data.GetNumberOfCells()):
            cell = data.GetCell(c)
            ids = [cell.GetPointId(i) for i in range(cell.GetNumberOfPoints())]
            kind = cell.GetCellType()
            pairs = []
            if kind in (3, 4, 21):
                path = ids if kind != 21 else [ids[0], ids[2], ids[1]]
                pairs = list(zip(path, path[1:]))
            elif kind == 6:
                pairs = list(zip(ids, ids[1:])) + list(zip(ids, ids[2:]))
            for e in range(cell.GetNumberOfEdges() if kind not in (3, 4, 6, 21) else 0):
                edge = cell.GetEdge(e)
                ends = [edge.GetPointId(i) for i in range(edge.GetNumberOfPoints())]
                pairs += [(ends[0], ends[1])] if len(ends) == 2 else [(ends[0], ends[2]), (ends[2], ends[1])]
            found |= {(min(a, b), max(a, b)) for a, b in pairs if a != b}
        return [list(pair) for pair in sorted(found)]

    stl = vtk.vtkPolyData()
    stl.SetPoints(grid.GetPoints())
    triangles = vtk.vtkCellArray()
    triangle_list = [[0, 1, 2], [2, 1, 3], [3, 1, 0], [0, 2, 3]]
    for ids in triangle_list:
        triangles.InsertNextCell(3, ids)
    stl.SetPolys(triangles)
    for text in (True, False):
        writer = vtk.vtkSTLWriter()
        writer.SetInputData(stl)
        writer.SetFileName(str(folder / f"vtk-{'ascii' if text else 'binary'}.stl"))
        writer.SetFileTypeToASCII() if text else writer.SetFileTypeToBinary()
        writer.Write()

    expected = {
        "points": listed(points),
        "connectivity": [i for _, ids in cells for i in ids],
        "offsets": np.cumsum([0] + [len(ids) for _, ids in cells]).tolist(),
        "types": [kind for kind, _ in cells],
        "pointData": {name: {"shape": list(a.shape), "values": listed(a)} for name, a in point_data.items()},
        "cellData": {name: {"shape": list(a.shape), "values": listed(a)} for name, a in cell_data.items()},
        "edges": edges(grid),
        "polyhedraEdges": edges(polyhedron),
        "polygonTypes": [mesh.GetCellType(c) for c in range(mesh.GetNumberOfCells())],
        "polygonPoints": [[mesh.GetCell(c).GetPointId(i) for i in range(mesh.GetCell(c).GetNumberOfPoints())] for c in range(mesh.GetNumberOfCells())],
        "polygonEdges": edges(mesh),
        "triangles": triangle_list,
    }
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def by_meshio():
    import meshio

    triangles = np.array([[0, 1, 2], [1, 2, 3]])
    tetrahedra = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])
    data = {"pressure": point_data["of float64"][:, 0], "velocity": point_data["of float32"][:, :2]}
    mesh = meshio.Mesh(
        points.astype(np.float64), [("triangle", triangles), ("tetra", tetrahedra)], point_data=data
    )
    meshio.write(folder / "meshio-ascii.vtu", mesh, file_format="vtu", binary=False)
    meshio.write(folder / "meshio-binary.vtu", mesh, file_format="vtu", binary=True, compression=None)
    meshio.write(folder / "meshio-zlib.vtu", mesh, file_format="vtu", binary=True, compression="zlib", header_type="UInt64")
    meshio.write(folder / "meshio-lzma.vtu", mesh, file_format="vtu", binary=True, compression="lzma")
    surface = meshio.Mesh(points, [("triangle", triangles)])
    meshio.write(folder / "meshio.stl", surface, file_format="stl", binary=True)


by_meshio() if sys.argv[1:] == ["meshio"] else by_vtk()
