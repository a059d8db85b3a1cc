# Makes the files beside it that begin with a program's name, which attributes.unit.test.ts reads: `python3 make.py`, with NumPy
# 1.24.2, pandas 1.5.3, meshio 5.0.0, VTK 9.1.0, Open3D 0.16.1, PCL 1.13.0, Open Babel 3.1.1 and LAMMPS 2022-01-06 (Debian 12's
# python3-pandas, -meshio, -vtk9, -open3d, pcl-tools, openbabel and lammps), and ASE 3.29.0.
import subprocess
from pathlib import Path

import ase
import ase.io
import meshio
import numpy as np
import open3d
import pandas as pd
import vtk
from vtk.util.numpy_support import numpy_to_vtk

folder = Path(__file__).parent
points = (np.arange(15, dtype=np.float32).reshape(5, 3) / 8) ** 2
pressure = np.array([0.5, -1.25, 3, 0, 1e-7], dtype=np.float32)
velocity = np.arange(10, dtype=np.float32).reshape(5, 2) - 4.5
label = np.array([3, 1, 4, 1, 5], dtype=np.int32)

np.savez(folder / "numpy.npz", pos=points, pressure=pressure.astype(np.float64), velocity=velocity, label=label)

pd.DataFrame(
    {
        "label": label,
        "z": points[:, 2],
        "name": ["a", "b", "c", "d", "e"],
        "x": points[:, 0],
        "Druck p∞": pressure,
        "y": points[:, 1],
    }
).to_csv(folder / "pandas.csv", index=False)

mesh = meshio.Mesh(
    points, [("vertex", np.arange(5).reshape(5, 1))], point_data={"pressure": pressure, "label": label}
)
mesh.write(folder / "meshio.ply", binary=True)
mesh.write(folder / "meshio-ascii.ply", binary=False)
mesh.point_data["velocity"] = velocity
mesh.cell_data["pressure"] = [np.full(5, 9.0)]
mesh.write(folder / "meshio.vtk", binary=True)


def polydata():
    data = vtk.vtkPolyData()
    data.SetPoints(vtk.vtkPoints())
    vertices = vtk.vtkCellArray()
    for i, point in enumerate(points):
        data.GetPoints().InsertNextPoint(*map(float, point))
        vertices.InsertNextCell(1, [i])
    data.SetVerts(vertices)

    def attach(to, name, array):
        numbers = numpy_to_vtk(array, deep=True)
        numbers.SetName(name)
        to.AddArray(numbers)
        return numbers

    of_points, of_cells = data.GetPointData(), data.GetCellData()
    attach(of_cells, "pressure", np.full(5, 9.0))
    attach(of_points, "label", label)
    attach(of_points, "Druck p∞", pressure)
    of_points.SetScalars(attach(of_points, "density", pressure * 2))
    of_points.SetVectors(attach(of_points, "moment", points))
    colours = attach(of_points, "colours", np.arange(20, dtype=np.uint8).reshape(5, 4))
    table = vtk.vtkLookupTable()
    table.SetNumberOfTableValues(4)
    table.Build()
    of_points.GetScalars().SetLookupTable(table)
    return data, of_points, colours


for text in (True, False):
    for version in (42, 51):
        data, of_points, colours = polydata()
        writer = vtk.vtkPolyDataWriter()
        writer.SetInputData(data)
        writer.SetFileName(str(folder / f"vtk-{'ascii' if text else 'binary'}-{version}.vtk"))
        writer.SetFileVersion(version)
        writer.SetFileTypeToASCII() if text else writer.SetFileTypeToBinary()
        writer.Write()

# Arrays of text and of bits, which no attribute holds, before the points and between the points' other arrays.
for text in (True, False):
    data, of_points, _ = polydata()
    for to in (data.GetFieldData(), of_points):
        names = vtk.vtkStringArray()
        names.SetName("names")
        for name in ["a", "", "two words", "x" * 100, "y" * 20_000]:
            names.InsertNextValue(name)
        flags = vtk.vtkBitArray()
        flags.SetName("flags")
        flags.SetNumberOfComponents(2)
        for i in range(10):
            flags.InsertNextValue(i % 3 == 0)
        to.AddArray(names)
        to.AddArray(flags)
    last = numpy_to_vtk(pressure, deep=True)
    last.SetName("pressure")
    of_points.AddArray(last)
    writer = vtk.vtkPolyDataWriter()
    writer.SetInputData(data)
    writer.SetFileName(str(folder / f"vtk-types-{'ascii' if text else 'binary'}.vtk"))
    writer.SetFileTypeToASCII() if text else writer.SetFileTypeToBinary()
    writer.Write()

# Doubles and long integers, in text and binary.
for text in (True, False):
    data = vtk.vtkPolyData()
    coordinates = vtk.vtkPoints()
    coordinates.SetDataTypeToDouble()
    coordinates.SetData(numpy_to_vtk(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.1]]), deep=True))
    data.SetPoints(coordinates)
    for name, values in (("sst", np.array([0.1, 0.2, 0.3])), ("id", np.array([1, 2, 2**40]))):
        array = numpy_to_vtk(values, deep=True)
        array.SetName(name)
        data.GetPointData().AddArray(array)
    writer = vtk.vtkPolyDataWriter()
    writer.SetInputData(data)
    writer.SetFileName(str(folder / f"vtk-doubles-{'ascii' if text else 'binary'}.vtk"))
    writer.SetFileTypeToASCII() if text else writer.SetFileTypeToBinary()
    writer.Write()

cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
cloud.normals = open3d.utility.Vector3dVector(np.stack([pressure, label, 0 * pressure], axis=1))
open3d.io.write_point_cloud(str(folder / "open3d.xyzn"), cloud)
tetrahedron = open3d.geometry.TriangleMesh.create_tetrahedron()
tetrahedron.compute_vertex_normals()
tetrahedron.paint_uniform_color([1, 0, 0.5])
open3d.io.write_triangle_mesh(str(folder / "open3d.off"), tetrahedron)
cloud.colors = open3d.utility.Vector3dVector(np.stack([label, 10 * label, 50 * label], axis=1) / 255)
open3d.io.write_point_cloud(str(folder / "open3d.pcd"), cloud)
for kind, name in enumerate(["pcl-ascii.pcd", "pcl-binary.pcd", "pcl-compressed.pcd"]):
    subprocess.run(["pcl_convert_pcd_ascii_binary", folder / "open3d.pcd", folder / name, str(kind)], check=True)
    # Behind binary data PCL leaves what was in memory.
    if kind > 0:
        content = (folder / name).read_bytes()
        header = content.index(b"DATA")
        start = content.index(b"\n", header) + 1
        length = 8 + int.from_bytes(content[start : start + 4], "little") if kind == 2 else 5 * 28
        (folder / name).write_bytes(content[: start + length])

atoms = ase.Atoms(label, points)
ase.io.write(folder / "ase.xyz", atoms, format="xyz")
subprocess.run(["obabel", "ase.xyz", "-O", "obabel.xyz"], cwd=folder, check=True)
atoms.arrays |= {"pressure": pressure, "moment": points, "odd": label % 2 == 1, "name": np.array([f"a{i}" for i in range(5)])}
ase.io.write(folder / "ase.extxyz", atoms, format="extxyz")
created = [f"create_atoms {kind} single {x} {y} {z}" for kind, (x, y, z) in zip(label, points)]
commands = ["units lj", "boundary f f f", "region box block -1 4 -1 4 -1 4", "create_box 5 box", *created, "mass * 1"]
dump = f"write_dump all xyz {folder / 'lammps.xyz'}"
subprocess.run(["lmp", "-log", "none"], input="\n".join([*commands, "pair_style zero 1", "pair_coeff * *", dump, ""]), text=True, check=True)
