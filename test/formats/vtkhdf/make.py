# Makes the files beside it, which vtkhdf.unit.test.ts reads: `python3 make.py` with VTK 9.7.1, whose own writer makes them,
# and h5py 3, which follows the format's description; VTK's reader reads that file, too.
from pathlib import Path

import h5py
import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.util.vtkAlgorithm import VTKPythonAlgorithmBase

folder = Path(__file__).parent
TIMES = [0.0, 0.5, 2.0]


def add(data, name, values):
    array = numpy_to_vtk(np.ascontiguousarray(values), deep=1)
    array.SetName(name)
    data.AddArray(array)


def points_of(rows, double=True):
    points = vtk.vtkPoints()
    points.SetDataType(vtk.VTK_DOUBLE if double else vtk.VTK_FLOAT)
    for row in rows:
        points.InsertNextPoint(*row)
    return points


def grid(time=0.0, cells=((12, [0, 1, 3, 2, 4, 5, 7, 6]), (10, [4, 5, 7, 8]), (14, [4, 5, 7, 6, 10])), shift=0.0):
    """Twelve points in three layers, a hexahedron, a tetrahedron and a pyramid."""
    mesh = vtk.vtkUnstructuredGrid()
    mesh.SetPoints(points_of([(x + shift, y, 0.5 * z) for z in range(3) for y in range(2) for x in range(2)]))
    for kind, ends in cells:
        mesh.InsertNextCell(kind, len(ends), ends)
    point, cell = np.arange(12), np.arange(len(cells))
    add(mesh.GetPointData(), "heat", (0.25 * point + time).astype(np.float32))
    add(mesh.GetPointData(), "velocity", np.stack([point + time, -point + time, 0 * point + time], 1))
    add(mesh.GetPointData(), "wall", (point % 2).astype(np.int32))
    add(mesh.GetCellData(), "stress", 1.5 + cell + time)
    add(mesh.GetCellData(), "normal", (np.arange(3 * len(cells)).reshape(-1, 3) + time).astype(np.float32))
    add(mesh.GetFieldData(), "speed", np.array([30.0 + time]))
    return mesh


def write(name, data, **settings):
    writer = vtk.vtkHDFWriter()
    writer.SetChunkSize(16)
    writer.SetInputConnection(data.GetOutputPort()) if hasattr(data, "GetOutputPort") else writer.SetInputData(data)
    for setting, value in settings.items():
        getattr(writer, setting)(value)
    writer.SetFileName(str(folder / name))
    assert writer.Write()


class Steps(VTKPythonAlgorithmBase):
    def __init__(self, moves):
        super().__init__(nInputPorts=0, nOutputPorts=1, outputType="vtkUnstructuredGrid")
        self.moves, self.mesh = moves, grid()

    def RequestInformation(self, request, inputs, outputs):
        information = outputs.GetInformationObject(0)
        information.Set(vtk.vtkStreamingDemandDrivenPipeline.TIME_STEPS(), TIMES, len(TIMES))
        information.Set(vtk.vtkStreamingDemandDrivenPipeline.TIME_RANGE(), [TIMES[0], TIMES[-1]], 2)
        return 1

    def RequestData(self, request, inputs, outputs):
        information = outputs.GetInformationObject(0)
        time = information.Get(vtk.vtkStreamingDemandDrivenPipeline.UPDATE_TIME_STEP())
        output, now = vtk.vtkUnstructuredGrid.GetData(information), grid(time)
        output.CopyStructure(now if self.moves else self.mesh)
        if self.moves:
            output.GetPoints().SetPoint(0, time, 0, 0)
        for part in ("GetPointData", "GetCellData", "GetFieldData"):
            getattr(output, part)().ShallowCopy(getattr(now, part)())
        output.GetInformation().Set(vtk.vtkDataObject.DATA_TIME_STEP(), time)
        return 1


pieces = vtk.vtkPartitionedDataSet()
for i, part in enumerate([grid(), grid(cells=[], shift=10.0), grid(time=7.0, cells=((9, [0, 1, 3, 2]),), shift=20.0)]):
    pieces.SetPartition(i, part)
write("pieces.vtkhdf", pieces)

surface = vtk.vtkPolyData()
surface.SetPoints(points_of([(i, i * i, 0.5) for i in range(8)], double=False))
for put, cells in (
    (surface.SetVerts, [[7]]),
    (surface.SetLines, [[0, 1], [1, 2, 3]]),
    (surface.SetPolys, [[0, 1, 2], [2, 3, 4, 5], [0, 2, 4, 6, 7]]),
    (surface.SetStrips, [[1, 2, 3, 4]]),
):
    array = vtk.vtkCellArray()
    for ends in cells:
        array.InsertNextCell(len(ends), ends)
    put(array)
add(surface.GetCellData(), "number", np.arange(7))
write("surface.vtkhdf", surface)

write("steps.vtkhdf", Steps(moves=False), SetWriteAllTimeSteps=True)
write("moves.vtkhdf", Steps(moves=True), SetWriteAllTimeSteps=True)

image = vtk.vtkImageData()
image.SetDimensions(2, 2, 2)
add(image.GetPointData(), "heat", np.arange(8.0))
write("image.vtkhdf", image)

def plate(name, points=4, steps=True):
    """Two triangles; of the steps one array is the same at both."""
    with h5py.File(folder / name, "w", libver="latest") as file:
        root = file.create_group("VTKHDF")
        root.attrs["Version"] = (2, 0)
        root.attrs.create("Type", b"UnstructuredGrid", dtype=h5py.string_dtype("ascii", len("UnstructuredGrid")))
        root["NumberOfPoints"], root["NumberOfCells"], root["NumberOfConnectivityIds"] = [points], [2], [6]
        root["Points"] = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
        root["Connectivity"], root["Offsets"] = np.array([0, 1, 2, 0, 2, 3]), np.array([0, 3, 6])
        root["Types"] = np.array([5, 5], np.uint8)
        root["PointData/heat"] = np.arange(8.0)
        root["PointData/place"] = np.arange(8.0).reshape(4, 2)
        if not steps:
            return
        group = root.create_group("Steps")
        group.attrs["NSteps"] = 2
        group["Values"], group["PartOffsets"], group["NumberOfParts"] = [1.0, 3.0], [0, 0], [1, 1]
        group["PointOffsets"], group["CellOffsets"], group["ConnectivityIdOffsets"] = [0, 0], [[0], [0]], [[0], [0]]
        group["PointDataOffsets/heat"] = [0, 4]


plate("h5py.vtkhdf")
# Files that are wrong: an array has more rows than there are points, cells have points that there are not, and there are less than none.
plate("rows.vtkhdf", steps=False)
plate("points.vtkhdf", points=3)
plate("negative.vtkhdf", points=-1)

reader = vtk.vtkHDFReader()
reader.SetFileName(str(folder / "h5py.vtkhdf"))
reader.UpdateInformation()
reader.SetStep(1)
reader.Update()
read = reader.GetOutputDataObject(0)
read = read.GetPartition(0) if read.IsA("vtkPartitionedDataSet") else read
assert vtk_to_numpy(read.GetPointData().GetArray("heat")).tolist() == [4, 5, 6, 7] and read.GetNumberOfCells() == 2
