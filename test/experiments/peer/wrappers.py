"""The four wrappers of the paper around the peer's Erwin: parameters by the reference's names, a loss for training, numbers for
evaluation. A model's dtype may be float32 or float64; samples are float32 either way."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import compatibility  # noqa: F401
from data import STATE_STD
from erwin import ErwinTransformer
from trees import build_tree, join_edges, join_trees, nearest_neighbours, sides_of


def head(width, outputs):
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, outputs))


class Wrapper(nn.Module):
    """`cache` holds the trees and graphs of samples that come again."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.width = config["c_hidden"] if isinstance(config["c_hidden"], int) else config["c_hidden"][0]
        self.cache = {}

    @property
    def dtype(self):
        return next(self.parameters()).dtype

    def tensor(self, arrays):
        joined = torch.from_numpy(np.concatenate(arrays))
        return joined.to(self.dtype) if joined.is_floating_point() else joined

    def geometry(self, clouds, edges_of):
        """Positions, edges and tree of a batch; `edges_of(i)` gives the edges of its i-th cloud."""
        for i, cloud in enumerate(clouds):
            if id(cloud) not in self.cache:
                self.cache[id(cloud)] = cloud, edges_of(i), build_tree(cloud, self.config)
        found = [self.cache[id(cloud)] for cloud in clouds]
        sizes = [len(cloud) for cloud in clouds]
        return self.tensor(clouds), join_edges([edges for _, edges, _ in found], sizes), join_trees([t for *_, t in found], sizes)

    def loss(self, samples, epoch=0):
        return self.numbers(samples)["loss"]


class Cosmology(Wrapper):
    def __init__(self, config):
        super().__init__(config)
        self.embedding_model = nn.ModuleDict({"pos_embedding": nn.Linear(3, config["c_in"])})
        self.main_model = ErwinTransformer(**config)
        self.pred_head = head(self.width, 3)

    def predict(self, samples):
        clouds = [positions for positions, _ in samples]
        positions, edges, tree = self.geometry(clouds, lambda i: nearest_neighbours(clouds[i], 10, loop=False))
        features = self.embedding_model["pos_embedding"](positions)
        return self.pred_head(self.main_model(features, positions, edges, tree))

    def numbers(self, samples):
        return {"loss": F.mse_loss(self.predict(samples), self.tensor([velocities for _, velocities in samples]))}


class MolecularDynamics(Wrapper):
    def __init__(self, config):
        super().__init__(config)
        parts = {"seq_embedding": nn.Linear(45, config["c_in"]), "ptype_embedding": nn.Embedding(4, config["c_in"])}
        self.embedding_model = nn.ModuleDict(parts)
        self.dynamics_model = ErwinTransformer(**config)
        self.proj_model = head(self.width, 6)

    def numbers(self, samples):
        velocities, types, clouds, edges, accelerations = zip(*samples)
        positions, graph, tree = self.geometry(clouds, lambda i: edges[i])
        embedding = self.embedding_model
        features = embedding["seq_embedding"](self.tensor(velocities)) + embedding["ptype_embedding"](self.tensor(types))
        out = self.proj_model(self.dynamics_model(features, positions, graph, tree))
        mean, std = out[:, :3], 1e-6 + F.softplus(out[:, 3:])
        target = self.tensor(accelerations)
        likelihood = 0.5 * ((target - mean) / std).square() + std.log() + 0.5 * math.log(2 * math.pi)
        return {"loss": likelihood.mean(), "mse": F.mse_loss(mean, target)}


class ShapeNet(Wrapper):
    def __init__(self, config):
        super().__init__(config)
        self.pos_enc = nn.ModuleDict({"linear": nn.Linear(3, config["c_in"] // 2, bias=False)})
        nn.init.normal_(self.pos_enc["linear"].weight)
        self.main_model = ErwinTransformer(**config)
        self.pred_head = head(self.width, 1)

    def numbers(self, samples):
        clouds = [positions for positions, _ in samples]
        positions, edges, tree = self.geometry(clouds, lambda i: nearest_neighbours(clouds[i], 8, loop=True))
        angles = self.pos_enc["linear"](positions)
        out = self.pred_head(self.main_model(torch.cat([angles.cos(), angles.sin()], 1), positions, edges, tree))
        loss = F.mse_loss(out[:, 0], self.tensor([pressure for _, pressure in samples]))
        return {"loss": loss, "mse": loss * 48.5743**2}


KNOWN = torch.tensor([2, 4, 6])


class Eagle(Wrapper):
    """Samples are trajectories. Training predicts windows of 6 frames, whose first is 6 x epoch (the frames taken as a ring of
    all first frames that there may be); evaluation predicts from frame 100."""

    def __init__(self, config):
        super().__init__(config)
        self.embedding_model = nn.Linear(13, config["c_in"])
        self.main_model = ErwinTransformer(**config)
        self.pred_head = nn.Linear(self.width, 4)

    def rollout(self, samples, start, steps):
        """For each step: the state before, the predicted change, the state after, the truth."""
        at = lambda part, t: self.tensor([sample[part][t] for sample in samples])  # noqa: E731
        state = at(1, start)
        for t in range(start + 1, start + steps + 1):
            self.cache.clear()
            clouds = [positions[t - 1] for positions, *_ in samples]
            positions, edges, tree = self.geometry(clouds, lambda i: sides_of(samples[i][3][t - 1]))
            features = torch.cat([state, F.one_hot(at(2, t - 1), 9).to(self.dtype)], 1)
            change = self.pred_head(self.main_model(self.embedding_model(features), positions, edges, tree))
            truth = at(1, t)
            after = torch.where(torch.isin(at(2, t), KNOWN)[:, None], truth, state + change)
            yield state, change, after, truth
            state = after

    def loss(self, samples, epoch=0):
        starts = len(samples[0][0]) - 5
        return sum(step_loss(*step) for step in self.rollout(samples, 6 * epoch % starts, 5)) / 5

    def numbers(self, samples, steps=1):
        """Means over nodes and steps; RMSE in the data's units."""
        found = self.curves(samples, steps)
        return {name: torch.stack([step[name] for step in found]).mean() for name in found[0]}

    def curves(self, samples, steps):
        std = torch.tensor(STATE_STD, dtype=self.dtype)
        found = []
        for before, change, after, truth in self.rollout(samples, 100, steps):
            errors = ((after - truth) * std).square()
            found.append(
                {
                    "loss": step_loss(before, change, after, truth),
                    "loss_velocity": errors[:, :2].mean(1).sqrt().mean(),
                    "loss_presure": errors[:, 2:].mean(1).sqrt().mean(),
                }
            )
        return found


def step_loss(before, change, _, truth):
    errors = (change - (truth - before)).square()
    return errors[:, :2].mean() + 0.1 * errors[:, 2:].mean()


wrappers = {"cosmology": Cosmology, "md": MolecularDynamics, "eagle": Eagle, "shapenet": ShapeNet}
