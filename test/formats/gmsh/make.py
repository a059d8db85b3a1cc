# Makes the files beside it, which gmsh.unit.test.ts reads, and expected.json, which says what meshio finds in them: `python3 make.py`
# with gmsh 4.15.2 and meshio 5.3.5.
import json
from pathlib import Path

import gmsh
import meshio
import numpy as np

folder = Path(__file__).parent

gmsh.initialize()
gmsh.option.setNumber("General.Terminal", 0)


def field_of(points):
    return points[:, 0] + 10 * points[:, 1] + 100 * points[:, 2]


def add_views():
    """A field of all nodes, a vector of those on the boundary, and one of the elements."""
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    points = coordinates.reshape(-1, 3)
    gmsh.model.mesh.rebuildNodeCache()
    name = gmsh.model.getCurrent()
    heat = gmsh.view.add("heat")
    gmsh.view.addHomogeneousModelData(heat, 0, name, "NodeData", tags, field_of(points))
    flow = gmsh.view.add("flow on the edge")
    edge = (points[:, 0] == 0) | (points[:, 1] == 0)
    gmsh.view.addHomogeneousModelData(flow, 0, name, "NodeData", tags[edge], (2 * points[edge]).ravel(), numComponents=3)
    types, elements, _ = gmsh.model.mesh.getElements()
    inside = np.concatenate([tags for type, tags in zip(types, elements) if type not in (1, 8, 15)])
    size = gmsh.view.add("size")
    gmsh.view.addHomogeneousModelData(size, 0, name, "ElementData", inside, inside / 2)
    return [heat, flow, size]


def write(path, version, binary, views=(), repeat=0):
    """By default Gmsh writes the mesh again with each view."""
    gmsh.option.setNumber("Mesh.MshFileVersion", version)
    gmsh.option.setNumber("Mesh.Binary", binary)
    gmsh.option.setNumber("PostProcessing.SaveMesh", repeat)
    gmsh.write(str(folder / path))
    for view in views:
        gmsh.view.write(view, str(folder / path), append=True)


# A plate of triangles and quads with named parts, whose nodes have gaps in their numbers.
gmsh.model.add("plate")
left = gmsh.model.occ.addRectangle(0, 0, 0, 1, 1)
right = gmsh.model.occ.addRectangle(1, 0, 0, 1, 1)
gmsh.model.occ.fragment([(2, left)], [(2, right)])
gmsh.model.occ.synchronize()
gmsh.model.mesh.setSize(gmsh.model.getEntities(0), 0.5)
gmsh.model.mesh.setRecombine(2, right)
gmsh.model.addPhysicalGroup(2, [left], 7, "cold side")
gmsh.model.addPhysicalGroup(2, [right], 8)
gmsh.model.addPhysicalGroup(1, [gmsh.model.getEntitiesInBoundingBox(-0.1, -0.1, -0.1, 0.1, 1.1, 0.1, 1)[0][1]], 3, "inlet")
gmsh.model.mesh.generate(2)
views = add_views()
write("plate-41.msh", 4.1, 0, views)
write("plate-41-binary.msh", 4.1, 1, views, repeat=1)
write("plate-22.msh", 2.2, 0, views)
write("plate-22-binary.msh", 2.2, 1, views)
write("plate-40.msh", 4.0, 0)
steps = gmsh.view.add("wave")
tags, coordinates, _ = gmsh.model.mesh.getNodes()
for step in range(3):
    values = step * field_of(coordinates.reshape(-1, 3))
    gmsh.view.addHomogeneousModelData(steps, step, "plate", "NodeData", tags, values, time=step / 4)
write("steps.msh", 4.1, 0, [steps])
for view in gmsh.view.getTags():
    gmsh.view.remove(view)

# All kinds of cells in three dimensions: an extruded block of hexahedra and prisms, and tetrahedra and pyramids on it.
for order, incomplete in [(1, 0), (2, 0), (2, 1), (3, 0)]:
    gmsh.model.add("kinds")
    gmsh.option.setNumber("Mesh.SecondOrderIncomplete", incomplete)
    gmsh.model.addDiscreteEntity(3, 1)
    corners = [
        *[(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)],
        *[(2, 0.5, 0), (2, 0.5, 1), (0.5, 0.5, 2), (0.5, -1, 1.5)],
    ]
    gmsh.model.mesh.addNodes(3, 1, range(1, 13), np.ravel(corners))
    cells = {5: [1, 2, 3, 4, 5, 6, 7, 8], 6: [2, 9, 3, 6, 10, 7], 7: [5, 6, 7, 8, 11], 4: [5, 6, 11, 12]}
    for tag, (type, nodes) in enumerate(cells.items(), 1):
        gmsh.model.mesh.addElementsByType(1, type, [tag], nodes)
    gmsh.model.mesh.setOrder(order)
    write(f"kinds-{order}{'-incomplete' * incomplete}.msh", 4.1, int(order == 2))
    gmsh.model.remove()

# Curves and surfaces whose nodes have coordinates on them, too.
gmsh.model.add("parametric")
gmsh.model.occ.addCylinder(0, 0, 0, 0, 0, 1, 0.5)
gmsh.model.occ.synchronize()
gmsh.option.setNumber("Mesh.SaveParametric", 1)
gmsh.model.mesh.setSize(gmsh.model.getEntities(0), 0.8)
gmsh.model.mesh.generate(2)
write("parametric.msh", 4.1, 0)
write("parametric-binary.msh", 4.1, 1)
gmsh.option.setNumber("Mesh.SaveParametric", 0)
write("cylinder.msh", 2.2, 0)
gmsh.finalize()

# What another program writes. With NumPy 2 it writes numbers as np.float64(0.5), unless NumPy is told otherwise.
np.set_printoptions(legacy="1.25")
points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.25]])
mesh = meshio.Mesh(
    points,
    [("triangle", [[0, 1, 2], [1, 3, 2]])],
    point_data={"heat": field_of(points), "flow": 2 * points},
    cell_data={"size": [[0.5, 1.5]]},
)
for path, kind, binary in [
    ("meshio-41.msh", "gmsh", False),
    ("meshio-41-binary.msh", "gmsh", True),
    ("meshio-22.msh", "gmsh22", False),
    ("meshio-22-binary.msh", "gmsh22", True),
]:
    meshio.write(folder / path, mesh, file_format=kind, binary=binary)

# The numbers of VTK's cells.
types = {
    "vertex": 1,
    "line": 3,
    "line3": 21,
    "triangle": 5,
    "triangle6": 22,
    "quad": 9,
    "tetra": 10,
    "hexahedron": 12,
    "wedge": 13,
    "pyramid": 14,
}
expected = {}
# It reads neither fields of some nodes, nor all binary files of Gmsh.
for name in ["cylinder", "kinds-1", "meshio-22", "meshio-22-binary", "meshio-41", "meshio-41-binary"]:
    read = meshio.read(folder / f"{name}.msh")
    groups = read.cell_data.get("gmsh:physical", [])
    expected[name] = {
        "points": read.points.ravel().tolist(),
        "cells": [[types[block.type], *map(int, cell)] for block in read.cells for cell in block.data],
        "groups": [int(group) for block in groups for group in block],
        "pointData": {name: np.asarray(array, float).ravel().tolist() for name, array in read.point_data.items() if ":" not in name},
    }
(folder / "expected.json").write_text(json.dumps(expected) + "\n")
