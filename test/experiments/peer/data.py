"""Samples of the four data sets, as NumPy arrays. Normalised values are rounded to float32, since that is what a model sees."""

import struct
from pathlib import Path

import h5py
import numpy as np
import torch

from protobuf import fields


def records(path):
    """The payloads of a TFRecord file; checksums are left to others."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        yield data[at + 12 : at + 12 + length]
        at += 12 + length + 4


def features(example):
    """The float32 arrays of a tf.train.Example by name; each is one serialized TensorProto with its content as bytes."""
    ((_, entries),) = fields(example)
    for _, entry in fields(entries):
        name, feature = (part for _, part in fields(entry))
        ((_, bytes_list),) = fields(feature)
        ((_, proto),) = fields(bytes_list)
        yield name.decode(), np.frombuffer(dict(fields(proto))[4], "<f4")


POSITION_MEAN = [499.91877075908684, 500.0947802559321, 499.964508664328]
POSITION_STD = [288.71092533309235, 288.7525818573022, 288.70234893905575]
VELOCITY_MEAN = [-0.0512854365234889, -0.01263126442198149, -0.06458034372345466]
VELOCITY_STD = [344.0231468131901, 343.9333673335964, 344.071876710777]


def cosmology(folder, split):
    """(positions [N, 3], velocities [N, 3]) of each catalogue."""
    samples = []
    for path in sorted(folder.glob(f"halos*{split}*.tfrecord")):
        for record in records(path):
            halos = {name: values.astype(float) for name, values in features(record)}
            columns = lambda names: np.stack([halos[name] for name in names], 1)  # noqa: E731
            positions = (columns(["x", "y", "z"]) - POSITION_MEAN) / POSITION_STD
            velocities = (columns(["v_x", "v_y", "v_z"]) - VELOCITY_MEAN) / VELOCITY_STD
            samples.append((positions.astype(np.float32), velocities.astype(np.float32)))
    return samples


def md(folder, split):
    """(velocities [N, 45], types [N], positions [N, 3], edges [2, M], acceleration [N, 3]) of each window."""
    read = lambda path, name: h5py.File(path, "r")[name][...]  # noqa: E731
    base, listed = ("polymer_test", "test_class2") if split == "test" else ("polymer_train", split)
    samples = []
    for name in (folder / "splits" / f"{listed}.txt").read_text().split():
        place = folder / base / name
        position = read(place / "position.h5", "position").astype(float)
        position -= position.mean((0, 1))
        types = read(place / "ptype.h5", "particle_type").astype(np.int64)
        bonds = read(place / "bond.h5", "bond_indices").astype(np.int64).T
        edges = np.concatenate([bonds, bonds[::-1]], 1)
        for start in range(len(position) - 16):
            frames = position[start : start + 17]
            steps = np.diff(frames, axis=0)
            velocities = steps[:15] / [1.2809, 1.2735, 1.2792]
            acceleration = (steps[15] - steps[14]) / [1.7428, 1.7295, 1.7390]
            samples.append(
                (
                    velocities.transpose(1, 0, 2).reshape(len(types), 45).astype(np.float32),
                    types,
                    (frames[15] / [21.4457, 31.7121, 25.5143]).astype(np.float32),
                    edges,
                    acceleration.astype(np.float32),
                )
            )
    return samples


STATE_MEAN = [-0.0015, 0.2211, -0.8322, 4.6050]
STATE_STD = [1.7970, 2.0258, 7.4013, 9.7232]


def eagle(folder, split):
    """(positions [T, N, 2], state [T, N, 4], node types [T, N], triangles [T, M, 3]) of each trajectory."""
    samples = []
    listed = {"val": "valid"}.get(split, split)
    for name in (folder / "Splits" / f"{listed}.txt").read_text().split():
        sim = np.load(folder / name / "sim.npz")
        state = np.stack([sim[column].astype(float) for column in ("VX", "VY", "PS", "PG")], -1)
        state = ((state - STATE_MEAN) / STATE_STD).astype(np.float32)
        types = sim["mask"].reshape(state.shape[:2]).astype(np.int64)
        samples.append((sim["pointcloud"].astype(np.float32), state, types, np.load(folder / name / "triangles.npy")))
    return samples


SHAPENET_TEST = {4, 5, 8, 11, 14, 15, 16, 21, 38, 41, 55, 62, 65, 72, 73, 81, 84, 87, 88, 96, 98, 99}


def shapenet(folder, split):
    """(positions [N, 3], pressure [N]) of each car; the published test indices below 100 are known here. Test cars validate."""
    cars = [car for param in range(9) for car in sorted((folder / f"param{param}").glob("*")) if car.is_dir()]
    assert len(cars) <= 100
    chosen = [car for index, car in enumerate(cars) if (index in SHAPENET_TEST) == (split != "train")]
    return [read_car(car) for car in chosen]


def read_car(folder):
    if (folder / "mesh_points.th").exists():
        points, pressure = (torch.load(folder / f"{name}.th").numpy().astype(float) for name in ("mesh_points", "pressure"))
    else:
        points, quads = read_quads(folder / "quadpress_smpl.vtk")
        used = np.unique(quads)
        points, pressure = points[used].astype(float), np.load(folder / "press.npy").astype(float)[used]
    positions = (points - [-2, -1, -4.5]) / (np.array([2, 4.5, 6]) - [-2, -1, -4.5])
    return ((positions - 0.4063) / 0.1531).astype(np.float32), ((pressure.ravel() + 36.3099) / 48.5743).astype(np.float32)


def read_quads(path):
    """Points and quads of a mesh, by VTK itself."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOLegacy import vtkUnstructuredGridReader

    reader = vtkUnstructuredGridReader()
    reader.SetFileName(str(path))
    reader.Update()
    grid = reader.GetOutput()
    return vtk_to_numpy(grid.GetPoints().GetData()), vtk_to_numpy(grid.GetCells().GetConnectivityArray()).reshape(-1, 4)


readers = {"cosmology": cosmology, "md": md, "eagle": eagle, "shapenet": shapenet}


def read(name, folder, split):
    return readers[name](Path(folder), split)
