# Makes the files beside it, which exodus.unit.test.ts reads: `python3 make.py` with libexoIIv2c.so.5, which is Sandia's own library
# (Debian 12's libexodusii5, 6.02), and meshio 5.3.5 with netCDF4 1.7.4.
import ctypes
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
library = ctypes.CDLL("libexoIIv2c.so.5")

CLOBBER, LARGE, NETCDF4 = 0x08, 0x20, 0x40
BLOCK, NODE_SET, GLOBAL, NODAL = 1, 2, 13, 14


def call(name, *arguments):
    def converted(value):
        if isinstance(value, str):
            return ctypes.c_char_p(value.encode())
        if isinstance(value, (list, tuple)):
            return (ctypes.c_char_p * len(value))(*(text.encode() for text in value))
        if isinstance(value, np.ndarray):
            return value.ctypes.data_as(ctypes.c_void_p)
        return ctypes.c_int64(value) if isinstance(value, int) else value

    status = getattr(library, name)(*map(converted, arguments))
    assert status >= 0, (name, status)
    return status


def write(name, points, blocks, mode=0, width=8, sets=(), fields=None, globals=None, of_cells=(), times=(), lacking=()):
    """fields: values of points by name, of the time and the points; lacking: fields of cells, and blocks, counted from 1, without them."""
    sizes = [ctypes.c_int(8), ctypes.c_int(width)]
    file = call("ex_create_int", str(folder / name), CLOBBER | mode, *map(ctypes.byref, sizes), 602)
    dimensions = points.shape[1]
    cells = sum(len(block) for _, block in blocks)
    call("ex_put_init", file, name, dimensions, len(points), cells, len(blocks), len(sets), 0)
    axes = [np.ascontiguousarray(axis, float) for axis in points.T] + [None]
    call("ex_put_coord", file, *axes[:3])
    for i, (kind, block) in enumerate(blocks, 1):
        nodes = np.array(block, np.int32)
        call("ex_put_block", file, BLOCK, 10 * i, kind, *nodes.shape, 0, 0, 0)
        call("ex_put_conn", file, BLOCK, 10 * i, nodes, None, None)
    for i, (title, nodes) in enumerate(sets, 1):
        call("ex_put_set_param", file, NODE_SET, 100 * i, len(nodes), 0)
        call("ex_put_set", file, NODE_SET, 100 * i, np.array(nodes, np.int32), None)
        if title:
            call("ex_put_name", file, NODE_SET, 100 * i, title)
    for kind, names in [(NODAL, list(fields or {})), (GLOBAL, list(globals or {})), (BLOCK, list(of_cells))]:
        if names:
            call("ex_put_variable_param", file, kind, len(names))
            call("ex_put_variable_names", file, kind, len(names), names)
    if lacking:
        has = [[(name, number) not in lacking for name in of_cells] for number in range(1, len(blocks) + 1)]
        call("ex_put_truth_table", file, BLOCK, len(blocks), len(of_cells), np.array(has, np.int32))
    for step, time in enumerate(times, 1):
        call("ex_put_time", file, step, np.array([time], float))
        for i, values in enumerate((fields or {}).values(), 1):
            call("ex_put_var", file, step, NODAL, i, 1, len(points), np.ascontiguousarray(values(time, points), float))
        if globals:
            values = np.array([value(time) for value in globals.values()], float)
            call("ex_put_var", file, step, GLOBAL, 1, 1, len(values), values)
        for i, name in enumerate(of_cells, 1):
            for number, (_, block) in enumerate(blocks, 1):
                if (name, number) in lacking:
                    continue
                call("ex_put_var", file, step, BLOCK, i, 10 * number, len(block), np.full(len(block), time + number, float))
    call("ex_close", file)


# A brick, a prism beside it, and a pyramid and a tetrahedron on it, in time.
corners = np.array(
    [
        *[(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)],
        *[(2, 0.5, 0), (2, 0.5, 1), (0.5, 0.5, 2), (0.5, -1, 1.5)],
    ]
)
kinds = [
    ("HEX8", [[1, 2, 3, 4, 5, 6, 7, 8]]),
    ("WEDGE6", [[2, 9, 3, 6, 10, 7]]),
    ("PYRAMID5", [[5, 6, 7, 8, 11]]),
    ("TETRA4", [[5, 6, 11, 12]]),
]
in_time = {
    "sets": [("inlet", [1, 4, 5, 8]), ("", [11])],
    "fields": {
        "heat": lambda t, x: t + x[:, 0] + 10 * x[:, 1] + 100 * x[:, 2],
        "flow_x": lambda t, x: t * x[:, 0],
        "flow_y": lambda t, x: t * x[:, 1],
    },
    "globals": {"drag": lambda t: 2 * t, "lift": lambda t: -t},
    "of_cells": ["size"],
    "times": [0, 0.5, 1],
}
write("steps.e", corners, kinds, **in_time)
write("steps-hdf5.e", corners, kinds, mode=NETCDF4, **in_time)

# One step in a plane, in float32.
plane = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (2, 0.5)])
surface = [("QUAD4", [[1, 2, 3, 4]]), ("TRI3", [[2, 5, 3]])]
heat = {"heat": lambda t, x: x[:, 0] + 10 * x[:, 1]}
write("plane.ex2", plane, surface, mode=LARGE, width=4, fields=heat, times=[2.5])

# Fields of cells, of which one is not in all blocks: VTK 9.7.1 reads the same values of each block.
of_cells = {"of_cells": ["size", "stress"], "lacking": [("stress", 2)]}
write("cells.e", plane, surface, fields=heat, times=[2.5], **of_cells)

# As many steps as points.
write("triangle.e", plane[:3], [("TRI3", [[1, 2, 3]])], sets=[("corner", [2])], fields=heat, times=[0, 1, 2])

# Cells of second order, each with points of its own, in the order of the manual: corners, then the sides' middles.
edges = {
    "HEX": [(0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 5), (2, 6), (3, 7), (4, 5), (5, 6), (6, 7), (7, 4)],
    "WEDGE": [(0, 1), (1, 2), (2, 0), (0, 3), (1, 4), (2, 5), (3, 4), (4, 5), (5, 3)],
    "PYRAMID": [(0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 4), (2, 4), (3, 4)],
    "TETRA": [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)],
}
inside = [range(8), (0, 1, 2, 3), (4, 5, 6, 7), (0, 4, 7, 3), (1, 2, 6, 5), (0, 1, 5, 4), (2, 3, 7, 6)]
points, blocks = [], []
for (kind, [cell]), more in [(kinds[0], []), (kinds[0], inside), (kinds[1], []), (kinds[2], []), (kinds[3], [])]:
    name = kind.rstrip("0123456789")
    own = corners[np.array(cell) - 1]
    own = np.concatenate([own, *[own[list(ends)].mean(0, keepdims=True) for ends in [*edges[name], *more]]])
    blocks.append((f"{name}{len(own)}", [list(range(len(points) + 1, len(points) + 1 + len(own)))]))
    points.extend(own)
write("second.exo", np.array(points), blocks)

# What another program writes: netCDF-4, with vectors in one variable.
import meshio

mesh = meshio.Mesh(
    corners,
    [("hexahedron", [[0, 1, 2, 3, 4, 5, 6, 7]]), ("wedge", [[1, 8, 2, 5, 9, 6]])],
    point_data={"heat": in_time["fields"]["heat"](0, corners), "flow": 2 * corners},
    point_sets={"left": np.array([0, 3])},
)
meshio.write(folder / "meshio.e", mesh)
