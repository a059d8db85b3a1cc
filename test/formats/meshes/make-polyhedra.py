# Writes vtk-polyhedra.vtu once more by VTK 9.7.1, whose files list faces in another way: `python3 make-polyhedra.py`.
from pathlib import Path

import vtk

folder = Path(__file__).parent
reader = vtk.vtkXMLUnstructuredGridReader()
reader.SetFileName(str(folder / "vtk-polyhedra.vtu"))
writer = vtk.vtkXMLUnstructuredGridWriter()
writer.SetInputConnection(reader.GetOutputPort())
writer.SetDataModeToBinary()
writer.SetCompressorTypeToZLib()
writer.SetFileName(str(folder / "vtk-9.7-polyhedra.vtu"))
writer.Write()
