"""Makes the fixtures beside it out of generated data: small data sets of cosmology and eagle in their published layouts, written
by NumPy where the layout allows it, the weights to begin with, and what PyTorch makes of them (train.py).

    erwin generate cosmology --samples 10 --points 110 --seed 5 --out G/cosmology-a
    erwin generate cosmology --samples 4 --points 80 --seed 6 --out G/cosmology-b
    erwin generate eagle --samples 6 --points 36 --frames 130 --seed 5 --out G/eagle-a
    erwin generate eagle --samples 4 --points 70 --frames 112 --seed 6 --out G/eagle-b
    OMP_NUM_THREADS=1 python3 fixtures.py G [NAME ...]
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from weights import write_weights
from wrappers import wrappers

HERE = Path(__file__).parent
GOLDEN = HERE.parents[1] / "golden/experiments"
MODEL = {
    **{"c_in": 8, "c_hidden": [8, 12, 16], "ball_sizes": [16, 16, 8], "enc_num_heads": [2, 3, 4], "enc_depths": [2, 2, 2]},
    **{"dec_num_heads": [2, 3], "dec_depths": [2, 2], "strides": [2, 2], "rotate": 45, "mlp_ratio": 2, "mp_steps": 2},
}
TRAINED = 24
HELD_OUT = 100


def make_cosmology(generated, data):
    """Two training files, whose catalogues differ in size."""
    for number, part in enumerate("ab"):
        for path in (generated / f"cosmology-{part}").glob("*.tfrecord"):
            shutil.copy(path, data / path.name.replace("_0.", f"_{number}."))


def make_eagle(generated, data):
    """Trajectories of two sizes in turn, as many frames of each as are looked at: what lies before them is not a number. Some nodes
    are disabled at some frames. Every second trajectory has other types of numbers, and is compressed."""
    (data / "Splits").mkdir()
    for split in ("train", "valid", "test"):
        parts = [
            [(part, name) for name in (generated / f"eagle-{part}/Splits/{split}.txt").read_text().split()] for part in "ab"
        ]
        pairs = [pair for group in zip(*parts) for pair in group]
        pairs += [pair for part in parts for pair in part if pair not in pairs]
        names = []
        for part, name in pairs:
            names.append(f"{name.split('/')[0]}/{part}{name.split('/')[1]}/1")
            other = len(names) % 2 == 0
            write_flow(generated / f"eagle-{part}" / name, data / names[-1], split, other)
        (data / f"Splits/{split}.txt").write_text("\n".join(names) + "\n")


def write_flow(source, target, split, other):
    sim, triangles = dict(np.load(source / "sim.npz")), np.load(source / "triangles.npy")
    frames, nodes = sim["mask"].shape
    frames = {"train": TRAINED, "valid": HELD_OUT + 2, "test": frames}[split]
    sim = {name: values[:frames] for name, values in sim.items()}
    disabled = (np.arange(frames)[:, None] + np.arange(nodes)) % 11 == 0
    sim["mask"] = np.where((sim["mask"] == 0) & disabled, 2, sim["mask"])
    if split != "train":
        for name in ("pointcloud", "VX", "VY", "PS", "PG"):
            sim[name][:HELD_OUT] = np.nan
    target.mkdir(parents=True)
    if other:
        sim["mask"] = sim["mask"].astype(np.float64)[:, :, None]
        sim["VY"] = sim["VY"].astype(np.float64)
    save = np.savez_compressed if other or split != "train" else np.savez
    save(target / "sim.npz", **sim)
    np.save(target / "triangles.npy", triangles[:frames].astype(np.int16 if other else np.uint8))


@torch.no_grad()
def write_init(name, path):
    """Weights so large that every part of the model matters, and not so large that float32 decides where five steps of a flow lead."""
    torch.manual_seed(7)
    model = wrappers[name](MODEL | ({"dimensionality": 2} if name == "eagle" else {}))
    for key, parameter in model.named_parameters():
        if parameter.dim() == 2:
            parameter.normal_(0, 0.5 * parameter.shape[1] ** -0.5)
        else:
            middle = -1 if key.endswith("sigma_att") else 1 if "norm" in key and key.endswith("weight") else 0
            parameter.normal_(middle, 0.1)
    write_weights(path, model, name)


def train(name, data, init, out, *words):
    script = [sys.executable, HERE / "train.py", name, data, init, "--out", out, *words]
    subprocess.run(list(map(str, script)), check=True)


def main():
    generated = Path(sys.argv[1])
    chosen = sys.argv[2:] or list(wrappers)
    for name, make, words in (
        ("cosmology", make_cosmology, ["--batch-size", 5, "--lr", 5e-4, "--min-lr", 1e-6, "--checkpoint", 6]),
        ("eagle", make_eagle, ["--batch-size", 2, "--lr", 8e-4, "--min-lr", 1e-7]),
    ):
        if name not in chosen:
            continue
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "data").mkdir(parents=True)
        make(generated, folder / "data")
        write_init(name, folder / "init.safetensors")
        train(name, folder / "data", folder / "init.safetensors", folder, "--evaluate", *words)
    for name, data, words in (
        ("md", "data", ["--batch-size", 12, "--lr", 5e-4, "--min-lr", 1e-7]),
        ("shapenet", "data/preprocessed", ["--batch-size", 2, "--lr", 1e-3, "--min-lr", 5e-5]),
    ):
        if name not in chosen:
            continue
        train(name, GOLDEN / name / data, GOLDEN / name / "init.safetensors", HERE / name, *words)


if __name__ == "__main__":
    main()
