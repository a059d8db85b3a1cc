"""Reads data sets of `erwin generate` with the software that the published ones are read with, and checks what it finds.

    for name in cosmology md eagle shapenet; do erwin generate $name --out data/$name; done
    python3 read_generated.py data

Needs numpy, h5py, meshio and tensorboard (whose record reader checks the checksums).
"""

import sys
from pathlib import Path

import h5py
import meshio
import numpy as np
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from protobuf import fields


def tensor(serialized: bytes) -> np.ndarray:
    proto = TensorProto.FromString(serialized)
    assert proto.dtype == 1
    shape = [size.size for size in proto.tensor_shape.dim]
    return np.frombuffer(proto.tensor_content, "<f4").reshape(shape)


def check_cosmology(folder: Path) -> str:
    counts = {}
    for path in sorted(folder.glob("halos*.tfrecord")):
        for record in RawEventFileLoader(str(path)).Load():
            counts[path.name] = counts.get(path.name, 0) + 1
            ((_, features),) = fields(record)
            halos = {}
            for _, entry in fields(features):
                parts = dict(fields(entry))
                ((_, bytes_list),) = fields(parts[2])
                ((_, value),) = fields(bytes_list)
                halos[parts[1].decode()] = tensor(value)
            assert np.all(np.diff(halos["M200c"]) <= 0)
            assert len({halos[name].shape for name in ("x", "y", "z", "v_x", "v_y", "v_z", "J_x", "Rvir")}) == 1
            assert halos["tpcf"].shape == (24,) and halos["Omega_m"].shape == ()
            assert 0 <= halos["x"].min() and halos["x"].max() <= 1000 and 200 < halos["v_x"].std() < 500
    return str(counts)


def check_md(folder: Path) -> str:
    def read(path: Path, name: str) -> np.ndarray:
        with h5py.File(path) as file:
            return file[name][...]

    found = {}
    for split, base in (("train", "polymer_train"), ("val", "polymer_train"), ("test_class2", "polymer_test")):
        names = (folder / "splits" / f"{split}.txt").read_text().split()
        found[split] = len(names)
        for name in names:
            place = folder / base / name
            position = read(place / "position.h5", "position")
            frames, beads, _ = position.shape
            assert set(read(place / "ptype.h5", "particle_type")) <= {0, 1, 2, 3}
            bonds = read(place / "bond.h5", "bond_indices")
            assert bonds.shape == (beads - 1, 2) and bonds.max() == beads - 1
            assert read(place / "lattice.h5", "lattice").shape == (frames, 3)
            centred = position - position.mean(1, keepdims=True)
            assert np.allclose(read(place / "rgs.h5", "rgs"), np.sqrt((centred**2).sum(2).mean(1)), rtol=1e-4)
            assert 0.9 < np.diff(position, axis=0).std() < 1.7
    return str(found)


def check_eagle(folder: Path) -> str:
    found = {}
    for split in ("train", "valid", "test"):
        names = (folder / "Splits" / f"{split}.txt").read_text().split()
        found[split] = len(names)
        for name in names:
            sim = np.load(folder / name / "sim.npz")
            frames, nodes, _ = sim["pointcloud"].shape
            for array in ("VX", "VY", "PS", "PG", "mask"):
                assert sim[array].shape == (frames, nodes)
            triangles = np.load(folder / name / "triangles.npy")
            assert triangles.shape[0] == frames and triangles.shape[2] == 3 and triangles.max() < nodes
            assert set(np.unique(sim["mask"])) == {0, 4, 5, 6}
    return str(found)


def check_shapenet(folder: Path) -> str:
    cars = sorted(folder.glob("param*/*"))
    for car in cars:
        mesh = meshio.read(car / "quadpress_smpl.vtk")
        pressure = np.load(car / "press.npy")
        quads = mesh.cells_dict["quad"]
        assert len(mesh.points) == len(pressure) == quads.max() + 1
        # The wind blows along z: it presses hardest where it meets the body, or (without friction) where it leaves it.
        assert abs(mesh.points[pressure.argmax(), 2]) > 0.8 * mesh.points[:, 2].max()
    return f"{len(cars)} cars"


if __name__ == "__main__":
    data = Path(sys.argv[1])
    for name, check in (
        ("cosmology", check_cosmology),
        ("md", check_md),
        ("eagle", check_eagle),
        ("shapenet", check_shapenet),
    ):
        print(name, check(data / name))
