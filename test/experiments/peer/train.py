"""Trains cosmology and eagle in PyTorch from given weights over the same samples in the same order, and prints each step's loss.

    erwin generate NAME --out DATA ...
    erwin train NAME --data-path DATA --init INIT --shuffle off --log-every 1 --num-epochs STEPS --batch-size B --out RUN
    python3 train.py NAME DATA INIT STEPS B LR MIN_LR [RUN]

With RUN, its metrics.jsonl is compared: the largest relative difference of a loss is printed last. Only clouds of one size.
"""

import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

if not hasattr(nn, "RMSNorm"):  # PyTorch before 2.4

    class RMSNorm(nn.Module):
        def __init__(self, width, eps):
            super().__init__()
            self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

        def forward(self, x):
            return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight

    nn.RMSNorm = RMSNorm
if not hasattr(F, "scaled_dot_product_attention"):  # before 2.0
    F.scaled_dot_product_attention = lambda q, k, v, attn_mask: (
        (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + attn_mask).softmax(-1) @ v
    )
if int(torch.__version__.split(".")[0]) < 2:
    where = torch.Tensor.where
    torch.Tensor.where = lambda x, condition, other: where(x, condition, torch.as_tensor(other))

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "src/bench/peers/pytorch"))
from erwin import ErwinTransformer, Tree  # noqa: E402
from read_generated import fields, tensor  # noqa: E402


def read_weights(path):
    data = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__")
    types = {"F32": "<f4", "I64": "<i8"}
    state = {}
    for name, entry in header.items():
        first, end = (8 + size + offset for offset in entry["data_offsets"])
        state[name] = torch.from_numpy(np.frombuffer(data[first:end], types[entry["dtype"]]).reshape(entry["shape"]).copy())
    return state, json.loads(metadata["config"])


def partition(points, indices, parts):
    """Halves by the axis of the largest spread until there are so many parts."""
    if parts == 1:
        return [indices]
    axis = np.argmax(np.ptp(points[indices], axis=0))
    order = indices[np.lexsort((indices, points[indices, axis]))]
    half = len(order) // 2
    return partition(points, order[:half], parts // 2) + partition(points, order[half:], parts // 2)


def rotation(degrees, dimensions):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if dimensions == 2:
        return np.array([[c, -s], [s, c]])
    return np.array([[c * c, s * c * (s - 1), s * (s + c * c)], [s * c, s * s * s + c * c, s * c * (s - 1)], [-s, s * c, c * c]])


def build_tree(clouds, config):
    index, mask, rotated, balls, first = [], [], [[] for _ in config["ball_sizes"]], [], 0
    nodes_before = [0] * len(config["ball_sizes"])
    for points in clouds:
        n = len(points)
        leaves = 2 ** max(0, math.ceil(math.log2(n)) - 1)
        slots = []
        for leaf in partition(points, np.arange(n), leaves):
            if len(leaf) == 2:
                axis = np.argmax(np.ptp(points[leaf], axis=0))
                slots += [(i, 1) for i in leaf[np.argsort(points[leaf, axis], kind="stable")]]
            else:
                slots += [(leaf[0], 1), (leaf[0], 0)]
        index += [first + i for i, _ in slots]
        mask += [m for _, m in slots]
        level = points[[i for i, _ in slots]].astype(float) @ rotation(config["rotate"], points.shape[1])
        balls = []
        for l, size in enumerate(config["ball_sizes"]):
            size = min(size, len(level))
            balls.append(size)
            order = np.concatenate(partition(level, np.arange(len(level)), len(level) // size))
            rotated[l] += list(order + nodes_before[l])
            nodes_before[l] += len(level)
            if l < len(config["strides"]):
                level = level.reshape(-1, config["strides"][l], level.shape[1]).mean(1)
        first += n
    return Tree(torch.tensor(index), torch.tensor(mask), [torch.tensor(order) for order in rotated], balls)


def knn(points, k):
    distances = ((points[:, None].astype(float) - points[None]) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    sources = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.stack([sources.ravel(), np.repeat(np.arange(len(points)), k)])


def join_edges(edges, sizes):
    starts = np.cumsum([0, *sizes])
    return torch.from_numpy(np.concatenate([e + s for e, s in zip(edges, starts)], 1)).long()


class Cosmology(nn.Module):
    MEAN = [499.91877075908684, 500.0947802559321, 499.964508664328, -0.0512854365234889, -0.01263126442198149, -0.06458034372345466]
    STD = [288.71092533309235, 288.7525818573022, 288.70234893905575, 344.0231468131901, 343.9333673335964, 344.071876710777]

    def __init__(self, config, data):
        super().__init__()
        width = config["c_hidden"] if isinstance(config["c_hidden"], int) else config["c_hidden"][0]
        self.config = config
        self.embedding_model = nn.ModuleDict({"pos_embedding": nn.Linear(3, config["c_in"])})
        self.main_model = ErwinTransformer(**config)
        self.pred_head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 3))
        self.samples = []
        from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

        for path in sorted(Path(data).glob("halos*train*.tfrecord")):
            for record in RawEventFileLoader(str(path)).Load():
                ((_, features),) = fields(record)
                halos = {}
                for _, entry in fields(features):
                    parts = dict(fields(entry))
                    ((_, bytes_list),) = fields(parts[2])
                    ((_, value),) = fields(bytes_list)
                    halos[parts[1].decode()] = tensor(value).astype(float)
                columns = [halos[name] for name in ("x", "y", "z", "v_x", "v_y", "v_z")]
                self.samples.append(((np.stack(columns, 1) - self.MEAN) / self.STD).astype(np.float32))

    def loss(self, indices, epoch):
        clouds = [self.samples[i][:, :3] for i in indices]
        edges = join_edges([knn(cloud, 10) for cloud in clouds], [len(cloud) for cloud in clouds])
        positions = torch.from_numpy(np.concatenate(clouds))
        features = self.embedding_model["pos_embedding"](positions)
        out = self.pred_head(self.main_model(features, positions, edges, build_tree(clouds, self.config)))
        return F.mse_loss(out, torch.from_numpy(np.concatenate([self.samples[i][:, 3:] for i in indices])))


class Eagle(nn.Module):
    MEAN = [-0.0015, 0.2211, -0.8322, 4.6050]
    STD = [1.7970, 2.0258, 7.4013, 9.7232]

    def __init__(self, config, data):
        super().__init__()
        width = config["c_hidden"] if isinstance(config["c_hidden"], int) else config["c_hidden"][0]
        self.config = config
        self.embedding_model = nn.Linear(13, config["c_in"])
        self.main_model = ErwinTransformer(**config)
        self.pred_head = nn.Linear(width, 4)
        self.samples = []
        for name in (Path(data) / "Splits/train.txt").read_text().split():
            sim = np.load(Path(data) / name / "sim.npz")
            state = np.stack([sim[column] for column in ("VX", "VY", "PS", "PG")], -1).astype(float)
            state = ((state - self.MEAN) / self.STD).astype(np.float32)
            triangles = np.load(Path(data) / name / "triangles.npy")
            self.samples.append((sim["pointcloud"], state, sim["mask"].reshape(state.shape[:2]), triangles))

    def loss(self, indices, epoch):
        samples = [self.samples[i] for i in indices]
        start, total = 6 * epoch, 0
        at = lambda part, t: torch.from_numpy(np.concatenate([sample[part][t] for sample in samples]))  # noqa: E731
        state = at(1, start)
        for t in range(start + 1, start + 6):
            clouds = [sample[0][t - 1] for sample in samples]
            edges = []
            for sample in samples:
                sides = np.concatenate([sample[3][t - 1][:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
                sides = np.unique(np.sort(sides, 1), axis=0).T
                edges.append(np.concatenate([sides, sides[::-1]], 1))
            features = torch.cat([state, F.one_hot(at(2, t - 1).long(), 9).float()], 1)
            tree = build_tree(clouds, self.config)
            joined = join_edges(edges, [len(cloud) for cloud in clouds])
            delta = self.pred_head(self.main_model(self.embedding_model(features), at(0, t - 1), joined, tree))
            error = (delta - (at(1, t) - state)).square()
            total = total + (error[:, :2].mean() + 0.1 * error[:, 2:].mean()) / 5
            known = torch.isin(at(2, t), torch.tensor([2, 4, 6], dtype=torch.int32))[:, None]
            state = torch.where(known, at(1, t), state + delta)
        return total


def main():
    name, data, init = sys.argv[1:4]
    steps, batch_size = int(sys.argv[4]), int(sys.argv[5])
    lr, min_lr = float(sys.argv[6]), float(sys.argv[7])
    state, config = read_weights(init)
    model = {"cosmology": Cosmology, "eagle": Eagle}[name](config, data)
    model.load_state_dict(state)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, min_lr)
    per_epoch = len(model.samples) // batch_size
    losses = []
    for step in range(steps):
        epoch, batch = divmod(step, per_epoch)
        optimizer.zero_grad()
        loss = model.loss(range(batch * batch_size, (batch + 1) * batch_size), epoch)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        print(step + 1, losses[-1], file=sys.stderr, flush=True)
    print(json.dumps(losses))
    if len(sys.argv) > 8:
        lines = map(json.loads, (Path(sys.argv[8]) / "metrics.jsonl").read_text().splitlines())
        found = [line["loss"] for line in lines if line["kind"] == "training"]
        print("largest relative difference", max(abs(a - b) / b for a, b in zip(found, losses, strict=True)))


if __name__ == "__main__":
    main()
